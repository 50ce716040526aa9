"""Kernels that average a channel and let it pass."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from netspec.spec.layer import Filler, field, filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


@filler(name="diagonal")
class Diagonal(Filler):
    """``w[k, k] = d_k / places`` all over the kernel of output k for channel k, 0 elsewhere.

    With one place, a product, it is the matrix with d on its diagonal.

    Source
        flownet2 ``DiagonalFiller``.
    """

    diag_val: tuple[float, ...] = field((), doc="d of the first outputs; 1 for the others")

    def problem(self, shape: Shape) -> str | None:
        """A diagonal has two axes."""
        if len(shape) >= 2:
            return None
        sizes = " x ".join(map(str, shape)) or "one number"
        return f"diagonal fills weights of two axes or more, this parameter is {sizes}"

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        places = prod(shape[2:])
        outputs = shape[0]
        given = self.diag_val[:outputs]
        values = [d / places for d in (*given, *(1.0,) * (outputs - len(given)))]
        column = b.reshape(b.literal(values), (outputs, *(1,) * (len(shape) - 1)))
        return b.where(b.equal(b.index(shape, 0), b.index(shape, 1)), column, 0.0)
