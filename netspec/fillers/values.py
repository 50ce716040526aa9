"""Numbers that the spec lists."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any

from netspec.spec.layer import Filler, Problem, field, filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape

# One number, or a list of what the line before says: as deep as a kernel of a 3-D convolution.
_Row = float | tuple[float, ...]
_Table = float | tuple[_Row, ...]
_Block = float | tuple[_Table, ...]
_Kernels = float | tuple[_Block, ...]


@filler(name="values")
class Values(Filler):
    """``w`` as listed, row by row; nested lists have the parameter's sizes, a flat list only its count.

    Source
        netspec's own.
    """

    values_: tuple[_Kernels, ...] = field(
        doc="every element, as a flat list or as nested ones", schema={"title": "numbers, or lists of them"}
    )

    def problems(self) -> Iterator[Problem]:
        if _sizes(self.values_) is None:
            message = "the lists of values have different lengths"
            yield Problem("E504", "values_", message, "a flat list will do: the numbers row by row")

    def problem(self, shape: Shape) -> str | None:
        """As many numbers as elements; nested lists of the same sizes, axes of one element aside."""
        sizes = _sizes(self.values_)
        assert sizes is not None, "checked by problems"
        wanted = " x ".join(map(str, shape)) or "a single number"
        if prod(sizes) != prod(shape):
            return f"values lists {prod(sizes)} numbers, this parameter is {wanted}: {prod(shape)}"
        nested = tuple(n for n in sizes if n > 1)
        if len(nested) > 1 and nested != tuple(n for n in shape if n > 1):
            return f"the lists of values are {' x '.join(map(str, sizes))}, this parameter is {wanted}"
        return None

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        return b.reshape(b.literal(self.values_), shape)


def _sizes(values: Any) -> tuple[int, ...] | None:
    """The sizes of nested lists, None where they differ within."""
    if not isinstance(values, tuple):
        return ()
    inner = {_sizes(value) for value in values}
    if len(inner) != 1 or None in inner:
        return None if values else (0,)
    return (len(values), *inner.pop())  # type: ignore[misc]


def flat(values: Any) -> Iterator[float]:
    """Yield the numbers of nested lists, row by row."""
    if isinstance(values, tuple):
        for value in values:
            yield from flat(value)
    else:
        yield values
