"""Anchors."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from netspec.layers.axes import four_axes
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Anchors(Layer):
    """Boxes of a few sizes and shapes around each place of a map, from which a region proposal net predicts.

    Shapes
        x : N x C x H x W (only its size is read) -> anchors : (H W A) x 4, the same for
        every image, rows first, then columns, then A = ratios times scales.
    Formula
        A square of ``base_size`` pixels from 0 to base_size - 1 becomes, for each ratio r,
        ``round(sqrt(base_size^2 / r))`` wide and ``round(r wide)`` high (halves to the even
        number); each scale multiplies both. The centres stay, and move by ``stride``
        pixels from place to place. Corners belong to the box.
    Gradient
        None: they are constants.
    Source
        Ren et al. 2015; py-faster-rcnn ``generate_anchors``.
    Example
        {type: Anchors, stride: 8, scales: [2, 4], bottom: x}
    """

    stride: int = field(16, minimum=1, doc="step from place to place", unit="pixels")
    base_size: int = field(16, minimum=1, doc="side of the square that scales multiply", unit="pixels")
    ratios: tuple[float, ...] = field((0.5, 1.0, 2.0), above=0, doc="heights over widths")
    scales: tuple[float, ...] = field((8.0, 16.0, 32.0), above=0, doc="factors on the sides")

    def shapes(self, x: Shape) -> Shape:
        four_axes("Anchors", x)
        return x[2] * x[3] * len(self.ratios) * len(self.scales), 4

    def lower(self, b: Builder, x: Value) -> Value:
        rows, columns = x.shape[2:]
        places = [(h * self.stride, w * self.stride) for h in range(rows) for w in range(columns)]
        base = self._base()
        return b.literal(
            [(left + w, top + h, right + w, bottom + h) for h, w in places for left, top, right, bottom in base]
        )

    def _base(self) -> list[tuple[float, float, float, float]]:
        """The A anchors of the first place, ratio by ratio."""
        found = []
        centre = (self.base_size - 1) / 2
        for ratio in self.ratios:
            wide = round(sqrt(self.base_size**2 / ratio))
            high = round(wide * ratio)
            for scale in self.scales:
                across, down = (wide * scale - 1) / 2, (high * scale - 1) / 2
                found.append((centre - across, centre - down, centre + across, centre + down))
        return found
