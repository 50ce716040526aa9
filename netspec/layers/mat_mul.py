"""MatMul."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, hints
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
            raise ShapeError("E415", f"{what}: the inner sizes are {k} and {depth}", self._inner_hint(a, b))
        if any(p != q and 1 not in (p, q) for p, q in zip(a[:-2], b[:-2], strict=True)):
            raise ShapeError("E415", f"{what}: the axes before the matrices do not broadcast", self._lead_hint(x, y))
        lead = tuple(q if p == 1 else p for p, q in zip(a[:-2], b[:-2], strict=True))
        return (*lead, *((m,) if len(x) > 1 else ()), *((n,) if len(y) > 1 else ()))

    def _inner_hint(self, a: Shape, b: Shape) -> str:
        """A transposition under which the inner sizes are the same, else a layer that makes them so."""
        inner = a[-2 if self.transpose_a else -1], b[-1 if self.transpose_b else -2]
        other = a[-1 if self.transpose_a else -2], b[-2 if self.transpose_b else -1]
        if inner[0] == other[1]:
            return f"transpose_b: {'false' if self.transpose_b else 'true'}"
        if other[0] == inner[1]:
            return f"transpose_a: {'false' if self.transpose_a else 'true'}"
        if other[0] == other[1]:
            return f"bottom: [{hints.name_of(self, 1)}, {hints.name_of(self, 0)}]"
        if self.transpose_b and not self.transpose_a:
            return hints.through(hints.name_of(self, 1), "InnerProduct", f"axis: -1, num_output: {inner[0]}")
        fields = f"axis: -1, num_output: {other[0] if self.transpose_a else inner[1]}"
        return hints.through(hints.name_of(self, 0), "InnerProduct", fields)

    def _lead_hint(self, x: Shape, y: Shape) -> str | None:
        """Axes of size 1 behind the batch of the one that has fewer axes."""
        number, fewer, most = (1, y, len(x)) if len(y) < len(x) else (0, x, len(y))
        if len(fewer) == most or x[0] != y[0] or len(fewer) < 3:
            return None
        sizes = [-1, *(1,) * (most - len(fewer)), *fewer[1:]]
        return hints.through(hints.name_of(self, number), "Reshape", f"shape: {sizes}")

    @staticmethod
    def _matrices(x: Shape, y: Shape) -> tuple[Shape, Shape]:
        """Both with as many axes, 2 at least."""
        if not x or not y:
            message = f"MatMul works on matrices, its bottoms are {axes.times(x)} and {axes.times(y)}"
            raise ShapeError("E413", message, "a Scale multiplies by a single number")
        a, b = (1, *x) if len(x) == 1 else x, (*y, 1) if len(y) == 1 else y
        rank = max(len(a), len(b))
        return (*(1,) * (rank - len(a)), *a), (*(1,) * (rank - len(b)), *b)

    def lower(self, b: Builder, x: Value, y: Value) -> Value:
        shapes = self._matrices(x.shape, y.shape)
        product = b.matmul(b.reshape(x, shapes[0]), b.reshape(y, shapes[1]), self.transpose_a, self.transpose_b)
        return b.reshape(product, self.shapes(x.shape, y.shape))
