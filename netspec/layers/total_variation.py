"""TotalVariation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class TotalVariation(Layer):
    """How much neighbouring pixels differ: a loss that keeps a picture smooth.

    Shapes
        x : N x C x H x W -> loss : a single number.
    Formula
        dx, dy = differences to the right and the lower neighbour, 0 at the border.
        ``form: isotropic``: ``(dx^2 + dy^2)^(beta / 2)``; ``form: anisotropic``: ``|dx|^beta + |dy|^beta``;
        summed over pixels and channels, divided by N.
    Gradient
        0 where the differences are 0, for every beta.
    Source
        Rudin, Osher and Fatemi 1992 (beta 1); Mahendran and Vedaldi 2015 (any beta).
    Example
        {type: TotalVariation, beta: 1.5, loss_weight: 0.001}
    """

    is_loss: ClassVar[bool] = True

    beta: float = field(2.0, above=0, doc="power of a step's size: 1 keeps edges, 2 punishes them")
    form: str = field(
        "isotropic", choices=("isotropic", "anisotropic"), doc="both directions under one root, or each alone"
    )

    def shapes(self, x: Shape) -> Shape:
        axes.four_axes("TotalVariation", x)
        return ()

    def lower(self, b: Builder, x: Value) -> Value:
        down, right = (self._steps(b, x, axis) for axis in (2, 3))
        if self.form == "isotropic":
            term = distances.power(b, down * down + right * right, 0.5 * self.beta)
        else:
            term = sum((distances.power(b, b.abs(d), self.beta) for d in (down, right)), start=b.full((), 0.0))
        return distances.mean_over_samples(b, term, distances.samples(x))

    @staticmethod
    def _steps(b: Builder, x: Value, axis: int) -> Value:
        """The next pixel less this one; the last has none behind it."""
        size = x.shape[axis]
        if size == 1:
            return b.full(x.shape, 0.0)
        steps = b.slice(x, axis, 1, size) - b.slice(x, axis, 0, size - 1)
        return b.pad(steps, [(0, int(k == axis)) for k in range(4)])
