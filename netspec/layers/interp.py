"""Interp."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import interpolation
from netspec.layers.resizing import Resizing
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from runtime.ops import Pair


@layer
class Interp(Resizing):
    """Maps of another size by bilinear interpolation.

    Shapes
        x : N x C x H x W -> y : N x C x Ho x Wo: ``height`` and ``width``; or
        ``Ho = (H - 1) / shrink_factor + 1``, then ``Ho + (Ho - 1)(zoom_factor - 1)``; or those of a second bottom.
    Formula
        ``y = A x B'`` for each map; a row of A holds the weights of the two nearest rows of x.
        ``align_corners`` lays the centres of the corner pixels upon each other, else the corners of the pictures.
        What is not finite in x spreads along its row and column.
    Gradient
        ``dx = A' dy B``.
    Source
        Chen et al. 2015 (DeepLab), the ``InterpLayer`` of their Caffe, which always aligns the corners.
    Example
        {type: Interp, zoom_factor: 4}
    """

    size_fields: ClassVar[tuple[str, ...]] = ("height", "width", "zoom_factor", "shrink_factor")
    instead: ClassVar[dict[str, tuple[str, ...]]] = {
        **Resizing.instead,
        **dict.fromkeys(("height", "width"), ("zoom_factor", "shrink_factor")),
        **dict.fromkeys(("zoom_factor", "shrink_factor"), ("height", "width")),
    }

    zoom_factor: int | None = field(None, minimum=1, doc="each gap between pixels becomes so many")
    shrink_factor: int | None = field(None, minimum=1, doc="one pixel in so many is kept, before zoom_factor")
    pad_beg: int = field(0, maximum=0, doc="rows and columns cut off above and on the left, a negative number")
    pad_end: int = field(0, maximum=0, doc="rows and columns cut off below and on the right, a negative number")
    align_corners: bool = field(True, doc="whether the centres of corner pixels coincide, or the corners of pictures")

    def border(self) -> Pair:
        """What pad_beg and pad_end cut off."""
        return self.pad_beg, self.pad_end

    def scaled(self, height: int, width: int) -> Pair:
        """The bottom's size shrunk and zoomed."""
        made = []
        for n in (height, width):
            kept = (n - 1) // (self.shrink_factor or 1) + 1
            made.append(kept + (kept - 1) * ((self.zoom_factor or 1) - 1))
        return made[0], made[1]

    def matrix(self, outputs: int, samples: int) -> interpolation.Matrix:
        """Weights of the two nearest pixels."""
        place = interpolation.aligned if self.align_corners else interpolation.half_pixel
        return interpolation.linear(place(outputs, samples), samples)
