"""What RoIPooling and RoIAlign have in common: a grid of bins over each region."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, ShapeError, field

if TYPE_CHECKING:
    from netspec.spec.layer import Shape


class Pooled(Layer):
    """Base of the layers that cut regions out of maps."""

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)

    pooled_h: int = field(minimum=1, doc="rows of bins", unit="bins")
    pooled_w: int = field(minimum=1, doc="columns of bins", unit="bins")
    spatial_scale: float = field(1.0, above=0, doc="pixels of the map for one of rois: 1/16 behind stride 16")

    def shapes(self, x: Shape, rois: Shape) -> Shape:
        if len(x) == 2 and len(rois) == 4:
            message = f"maps come first, then regions: got {axes.times(x)} and {axes.times(rois)}"
            raise ShapeError("E415", message, "swap the bottoms")
        axes.four_axes(type(self).__name__, x)
        check_regions(rois)
        return rois[0], x[1], self.pooled_h, self.pooled_w


def check_regions(rois: Shape) -> None:
    """Raise ShapeError unless ``rois`` is R x 5."""
    if len(rois) != 2 or rois[1] != 5:
        message = f"rois is R x 5 (number of the image, x1, y1, x2, y2), got {axes.times(rois)}"
        raise ShapeError("E415", message, "inputs: {rois: {shape: [R, 5], batch: false}}, or the rois of a Proposal")
