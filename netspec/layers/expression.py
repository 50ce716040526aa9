"""Expression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, formula
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Expression(Layer):
    """A formula over blobs, compiled and differentiated like any layer.

    Shapes
        bottoms that broadcast as in NumPy -> y : their common shape.
    Formula
        ``expr`` knows ``+ - * / **``, comparisons (1 where true, 0 where false),
        ``where(c, a, b)``, ``exp log sqrt sin cos tanh sigmoid erf relu abs sign floor``,
        ``min max`` of two or more, ``clip(x, low, high)``, numbers, ``$variables``, and the
        bottoms by name; a mapping names them: ``bottom: {r: a/conv2, h: h}``,
        ``expr: "r * tanh(h)"``.
    Gradient
        Of ``max``, ``min``, ``clip`` to the first at a tie; of comparisons, ``sign`` and
        ``floor`` 0.
    Source
        netspec's own.
    Example
        {type: Expression, bottom: {r: x, h: y}, expr: "r * tanh(h)"}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, None)
    formula_field: ClassVar[str | None] = "expr"

    expr: str = field(doc="the formula")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        try:
            formula.parse(self.expr)
        except formula.FormulaError as error:
            hint = "a power is written `x ** 2`" if "'^'" in error.message else None
            yield Problem("E520", "expr", self._located(error), hint)

    def _located(self, error: formula.FormulaError) -> str:
        return f"{error.message} (at character {error.column + 1} of {self.expr[:200]!r})"

    def shapes(self, *bottoms: Shape) -> Shape:
        tree = formula.parse(self.expr)
        self._check_names(formula.names(tree))
        try:
            return formula.shape(tree, dict(zip(self.bottom_names, bottoms, strict=True)))
        except formula.FormulaError as error:
            pairs = ", ".join(f"{n} is {axes.times(s)}" for n, s in zip(self.bottom_names, bottoms, strict=True))
            raise ShapeError("E420", self._located(error), pairs, "expr") from error

    def _check_names(self, used: dict[str, int]) -> None:
        unknown = [name for name in used if name not in self.bottom_names]
        idle = [name for name in self.bottom_names if name not in used]
        if unknown:
            near = f"the bottoms are {', '.join(self.bottom_names)}"
            raise ShapeError("E521", f"the formula names {unknown[0]!r}, which is no bottom", near, "expr")
        if idle:
            plain = idle[0].isidentifier()
            hint = "drop it from bottom" if plain else f"give it a name: bottom: {{x: {idle[0]}}}"
            raise ShapeError("E521", f"the formula does not use its bottom {idle[0]!r}", hint, "expr")

    def lower(self, b: Builder, *bottoms: Value) -> Value:
        values = {name: b.to_float(x) for name, x in zip(self.bottom_names, bottoms, strict=True)}
        y = formula.lower(formula.parse(self.expr), b, values)
        shape = self.shapes(*(x.shape for x in bottoms))
        if isinstance(y, float):
            return b.full(shape, y)
        return b.broadcast_to(b.to_float(y), shape)
