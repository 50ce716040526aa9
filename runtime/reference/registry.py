"""Where the primitives' NumPy meanings are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from runtime.ops import Primitive
from runtime.plan import HEAD

Array = NDArray[Any]


class NotFinite(Exception):
    """A guard met a number that is not finite."""


@dataclass(frozen=True)
class Context:
    """What a meaning may read beside its operands.

    Parameters
    ----------
    dtype
        Working precision: what ``float`` stands for in expressions.
    numbers
        The values of ``runtime.plan.HEAD``; those not given are 0.
    """

    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float64))
    numbers: Mapping[str, float] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """A number of the head."""
        assert name in HEAD, name
        return self.numbers.get(name, 0.0)


Meaning = Callable[..., "tuple[Array, ...]"]
_meanings: dict[type[Primitive], Meaning] = {}
M = TypeVar("M", bound=Meaning)


def reference(prim: type[Primitive]) -> Callable[[M], M]:
    """Function decorator: this is what ``prim`` means, ``f(prim, context, *operands) -> results``."""

    def add(function: M) -> M:
        _meanings[prim] = function
        return function

    return add


def evaluate(prim: Primitive, context: Context, operands: Sequence[Array]) -> tuple[Array, ...]:
    """The results of a primitive.

    Floating operands are taken in the context's dtype and floating results are
    of it; others stay as they are.

    Raises
    ------
    NotFinite
        By ``Guard``.
    """
    wide = [a.astype(context.dtype, copy=False) if a.dtype.kind == "f" else a for a in operands]
    with np.errstate(all="ignore"):  # inf and NaN are answers here, as they are in a kernel
        return _meanings[type(prim)](prim, context, *wide)
