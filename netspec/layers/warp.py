"""Warp."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer(aliases=("FlowWarp",))
class Warp(Layer):
    """A map drawn where a flow says that its pixels have gone: what the flow's arrows point at, brought back.

    Shapes
        x : N x C x H x W; flow : N x 2 x Ho x Wo, columns then rows, in pixels -> y : N x C x Ho x Wo.
    Formula
        ``y[n, c, i, j] = x[n, c, i + flow[n, 1, i, j], j + flow[n, 0, i, j]]``, bilinear between the four
        pixels around; the last pixel reaches to the edge of the map, beyond is ``fill_value``.
    Gradient
        For x each dy to the four pixels around; for the flow dy times the slope between them.
    Source
        Ilg et al. 2017 (FlowNet 2.0), ``FlowWarpLayer``.
    Example
        inputs: {picture: [3, 6, 6], flow: [2, 6, 6]}
        layers:
          - {name: warped, type: Warp, bottom: [picture, flow]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)

    fill_value: str = field("ZERO", choices=("ZERO", "NOT_A_NUMBER"), doc="what is drawn beyond the map")

    def shapes(self, x: Shape, flow: Shape) -> Shape:
        axes.four_axes("Warp", x)
        axes.four_axes("Warp", flow)
        if flow[1] != 2 or flow[0] != x[0]:
            wanted = f"{x[0]} x 2 x H x W"
            hint = "swap the bottoms: the map first, then the flow" if x[1] == 2 and flow[0] == x[0] else None
            raise ShapeError("E415", f"a flow is {wanted} (columns, rows), got {axes.times(flow)}", hint)
        return x[0], x[1], flow[2], flow[3]

    def lower(self, b: Builder, x: Value, flow: Value) -> Value:
        n, _, out_height, out_width = flow.shape
        one = (n, 1, out_height, out_width)
        inside: Value | None = None
        places = []
        for k, (axis, size) in enumerate(((3, x.shape[3]), (2, x.shape[2]))):
            at = b.slice(flow, 1, k, k + 1) + b.to_float(b.index(one, axis))
            here = b.both(at >= 0.0, at < float(size))
            inside = here if inside is None else b.both(inside, here)
            places.append(b.minimum(b.maximum(at, 0.0), size - 1.0))
        assert inside is not None
        y = b.sample(x, b.concat(places, 1))
        fill = 0.0 if self.fill_value == "ZERO" else b.literal(float("nan"))
        return b.where(inside, y, fill)
