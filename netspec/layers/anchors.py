"""Anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netspec.layers.axes import four_axes
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

Array = NDArray[np.floating[Any]]


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
        rows, columns = np.meshgrid(*(np.arange(n) * self.stride for n in x.shape[2:]), indexing="ij")
        steps = np.stack([columns, rows, columns, rows], -1).reshape(-1, 1, 4)
        return b.literal((steps + self._base()).reshape(-1, 4))

    def _base(self) -> Array:
        """A x 4: the anchors of the first place, ratio by ratio."""
        ratios, scales = np.array(self.ratios), np.array(self.scales)
        wide = np.round(np.sqrt(self.base_size**2 / ratios))
        high = np.round(wide * ratios)
        sides = (np.stack([wide, high], -1)[:, None, :] * scales[:, None]).reshape(-1, 2)
        centre = (self.base_size - 1) / 2
        return np.concatenate([centre - (sides - 1) / 2, centre + (sides - 1) / 2], 1)
