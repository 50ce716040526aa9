"""Resample."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import interpolation
from netspec.layers.resizing import Resizing
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from runtime.ops import Pair


@layer
class Resample(Resizing):
    """Maps of another size, pixels being areas: nearest, bilinear or bicubic samples, or means over areas.

    Shapes
        x : N x C x H x W -> y : N x C x Ho x Wo: ``height`` and ``width``, or ``factor`` H and
        ``factor`` W rounded, or those of a second bottom.
    Formula
        ``y = A x B'`` for each map. Row i of A weighs the samples around ``(i + 1/2) H / Ho - 1/2``;
        beyond the edge there are none, and what is left sums to 1. With ``antialias`` a smaller
        picture is made with a filter H / Ho times as wide. AREA: the mean of what a pixel covers.
        What is not finite in x spreads along its row and column.
    Gradient
        ``dx = A' dy B``.
    Source
        Dosovitskiy et al. 2015 (FlowNet), ``ResampleLayer``, which has no AREA and no gradient, and
        where height and width are scaled differently mixes up their shares of the half pixel.
    Example
        {type: Resample, height: 3, width: 3, resample_type: AREA}
    """

    size_fields: ClassVar[tuple[str, ...]] = ("height", "width", "factor")
    instead: ClassVar[dict[str, tuple[str, ...]]] = {
        **Resizing.instead,
        **dict.fromkeys(("height", "width"), ("factor",)),
        "factor": ("height", "width"),
    }

    resample_type: str = field("LINEAR", choices=("NEAREST", "LINEAR", "CUBIC", "AREA"), doc="how pixels are made")
    factor: float | None = field(None, above=0, doc="height and width of the top over those of the bottom")
    antialias: bool = field(True, doc="whether LINEAR and CUBIC widen their filter for a smaller top")

    def scaled(self, height: int, width: int) -> Pair:
        """The bottom's size times the factor."""
        factor = 1.0 if self.factor is None else self.factor
        return int(height * factor + 0.5), int(width * factor + 0.5)

    def matrix(self, outputs: int, samples: int) -> interpolation.Matrix:
        """Weights of ``resample_type``."""
        if self.resample_type == "AREA":
            return interpolation.area(outputs, samples)
        at = interpolation.half_pixel(outputs, samples)
        if self.resample_type == "NEAREST":
            return interpolation.nearest(at, samples)
        stretch = max(1.0, samples / outputs) if self.antialias else 1.0
        weigh = interpolation.cubic if self.resample_type == "CUBIC" else interpolation.linear
        return weigh(at, samples, stretch, "exclude")
