"""PixelShuffle."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class PixelShuffle(Layer):
    """Channels become pixels: each square of r x r pixels of the top is r^2 channels of one pixel of the bottom.

    Shapes
        x : N x C r^2 x H x W -> y : N x C x rH x rW; with ``inverse`` the other way.
    Formula
        ``y[n, c, r i + a, r j + b] = x[n, c r^2 + a r + b, i, j]``;
        with ``order: DCR`` x's channel is ``(a r + b) C + c``.
    Gradient
        dy shuffled back.
    Source
        Shi et al. 2016 (sub-pixel convolution); ONNX ``DepthToSpace`` and ``SpaceToDepth``.
    Example
        - {name: conv, type: Convolution, num_output: 12, kernel_size: 3, pad: 1}
        - {name: larger, type: PixelShuffle, factor: 2}
    """

    passes_on: ClassVar[bool] = True
    moves_only: ClassVar[bool] = True

    factor: int = field(minimum=1, alias="upscale_factor", doc="r, how many times higher and wider the top is")
    inverse: bool = field(False, doc="pixels become channels: the top is r times lower and narrower")
    order: str = field("CRD", choices=("CRD", "DCR"), doc="whether a channel's number goes by C first, or by place")

    def shapes(self, x: Shape) -> Shape:
        n, c, h, w = axes.four_axes("PixelShuffle", x)
        r = self.factor
        if self.inverse:
            if h % r or w % r:
                message = f"{h} rows and {w} columns are not made of squares of {r} x {r}"
                raise ShapeError(
                    "E441", message, f"put {{type: Pad, pad: [0, {-h % r}, 0, {-w % r}]}} before it", "factor"
                )
            return n, c * r * r, h // r, w // r
        if c % (r * r):
            message = f"{c} channels are not a multiple of factor^2 = {r * r}"
            below, above = c // (r * r) * r * r, -(-c // (r * r)) * r * r
            near = f"{below} or {above}" if below else str(above)
            raise ShapeError("E441", message, f"num_output {near} in the layer before", "factor")
        return n, c // (r * r), h * r, w * r

    def lower(self, b: Builder, x: Value) -> Value:
        n, c, h, w = x.shape
        r = self.factor
        by_channel = self.order == "CRD"
        if self.inverse:
            cells = b.reshape(x, (n, c, h // r, r, w // r, r))
            order = (0, 1, 3, 5, 2, 4) if by_channel else (0, 3, 5, 1, 2, 4)
        else:
            k = c // (r * r)
            cells = b.reshape(x, (n, k, r, r, h, w) if by_channel else (n, r, r, k, h, w))
            order = (0, 1, 4, 2, 5, 3) if by_channel else (0, 3, 4, 1, 5, 2)
        return b.reshape(b.transpose(cells, order), self.shapes(x.shape))
