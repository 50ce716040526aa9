"""MatMul."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class MatMul(Layer):
    """Products of matrices, ``y = a b``, one for each element of a batch.

    Shapes
        a : .. x M x K; b : .. x K x N -> y : .. x M x N. The axes before the matrices
        broadcast as in NumPy. A vector is a row of a or a column of b, and its axis is
        gone from y.
    Gradient
        ``da = dy b^T``, ``db = a^T dy``, summed over what was broadcast.
    Source
        NumPy ``matmul``.
    Example
        {type: MatMul, bottom: [x, y], transpose_b: true}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)

    transpose_a: bool = field(False, doc="a holds K x M")
    transpose_b: bool = field(False, doc="b holds N x K")

    def shapes(self, x: Shape, y: Shape) -> Shape:
        a, b = self._matrices(x, y)
        m, k = (a[-1], a[-2]) if self.transpose_a else a[-2:]
        depth, n = (b[-1], b[-2]) if self.transpose_b else b[-2:]
        what = f"{axes.times(x)} by {axes.times(y)}"
        if k != depth:
            hint = "transpose_b: true" if k in b[-2:] else "transpose_a: true" if depth in a[-2:] else None
            raise ShapeError("E415", f"{what}: the inner sizes are {k} and {depth}", hint)
        if any(p != q and 1 not in (p, q) for p, q in zip(a[:-2], b[:-2], strict=True)):
            raise ShapeError("E415", f"{what}: the axes before the matrices do not broadcast")
        lead = tuple(q if p == 1 else p for p, q in zip(a[:-2], b[:-2], strict=True))
        return (*lead, *((m,) if len(x) > 1 else ()), *((n,) if len(y) > 1 else ()))

    @staticmethod
    def _matrices(x: Shape, y: Shape) -> tuple[Shape, Shape]:
        """Both with as many axes, 2 at least."""
        if not x or not y:
            raise ShapeError("E413", f"MatMul works on matrices, its bottoms are {axes.times(x)} and {axes.times(y)}")
        a, b = (1, *x) if len(x) == 1 else x, (*y, 1) if len(y) == 1 else y
        rank = max(len(a), len(b))
        return (*(1,) * (rank - len(a)), *a), (*(1,) * (rank - len(b)), *b)

    def lower(self, b: Builder, x: Value, y: Value) -> Value:
        shapes = self._matrices(x.shape, y.shape)
        product = b.matmul(b.reshape(x, shapes[0]), b.reshape(y, shapes[1]), self.transpose_a, self.transpose_b)
        return b.reshape(product, self.shapes(x.shape, y.shape))
