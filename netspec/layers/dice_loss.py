"""DiceLoss."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class DiceLoss(Layer):
    """1 - the overlap of predicted and true masks, whatever their sizes.

    Shapes
        p : N x C x .., probabilities; t : as many, 0 to 1 (class labels through OneHot) -> loss :
        a single number.
    Formula
        ``1 - (2 sum p t + smooth) / (sum p^2 + sum t^2 + smooth)``, the sums over the axes from
        ``axis`` on, the mean over those before it; without the squares with ``squared: false``.
    Gradient
        The quotient rule.
    Source
        Milletari, Navab and Ahmadi 2016 (V-Net), equation 2.
    Example
        - {name: p, type: Sigmoid}
        - {name: loss, type: DiceLoss, bottom: [p, y]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_loss: ClassVar[bool] = True

    axis: int = field(2, doc="the first axis of a mask: 2 for one a channel, 1 for one a sample, 0 for one in all")
    squared: bool = field(True, doc="whether the sizes of the masks are sums of squares")
    smooth: float = field(1.0, minimum=0, doc="added on both sides of the fraction: two empty masks overlap")

    def shapes(self, p: Shape, target: Shape) -> Shape:
        axes.same_count(p, target, "targets")
        axes.canonical(self.axis, len(p))
        return ()

    def lower(self, b: Builder, p: Value, target: Value) -> Value:
        axis = axes.canonical(self.axis, p.rank)
        masks = (prod(p.shape[:axis]), prod(p.shape[axis:]))
        x, t = b.reshape(p, masks), b.reshape(b.to_float(target), masks)
        common = b.sum(x * t, 1)
        sizes = b.sum(x * x + t * t if self.squared else x + t, 1) + self.smooth
        empty = b.equal(sizes, 0.0)
        overlap = b.where(empty, 1.0, (2.0 * common + self.smooth) / b.where(empty, 1.0, sizes))
        return 1.0 - b.as_scalar(b.mean(overlap))
