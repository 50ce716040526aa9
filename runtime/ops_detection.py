"""Attributes of the primitives of detection nets: pooling of regions and suppression of overlapping boxes.

As in ``runtime.ops``: data only. Boxes are (x1, y1, x2, y2).
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.ops import Pair, Primitive

COORDINATE_LIMIT = 1 << 24
"""Scaled coordinates of regions are cut to this, so that whatever they are, they fit in an integer."""


@dataclass(frozen=True)
class RoiPool(Primitive):
    """The largest element of each bin of each region, (x, rois) -> (y, index).

    x is N x C x H x W, rois R x 5 (number of the image, x1, y1, x2, y2), y and
    index R x C x ``size``; index is h * W + w of the element within its map,
    i32. Coordinates times ``scale`` are rounded, halves away from 0, both ends
    belong to the region, which is at least one element wide and high: s. Bin p
    of P goes from floor(p s / P) to ceil((p + 1) s / P), clipped to the map;
    NaN wins over numbers, the first element over equal ones. An empty bin
    answers 0 and -1, and so do all bins of a region whose number, rounded, is
    not one of 0 .. N - 1 or that has a coordinate that is not finite. Scaled in float64, whatever the operands.
    """

    size: Pair
    scale: float


@dataclass(frozen=True)
class RoiUnpool(Primitive):
    """Gradient of ``RoiPool`` to x: (dy, index, rois) -> N x C x ``size``.

    Each element of dy is added to the element of the region's image that its
    index names, in the order of regions, then of bins. N is ``images``.
    """

    images: int
    size: Pair


@dataclass(frozen=True)
class Nms(Primitive):
    """Boxes of which no kept one of a higher score covers too much: (boxes, scores) -> (index, count).

    boxes is N x K x 4, scores N x K, index N x ``capacity`` and count N, both
    i32. Of each N the boxes are taken by falling score, the first of equal ones
    first, no more than ``candidates`` of them (0: all); a box is kept unless
    its intersection over union with a kept one is above ``threshold``. Sides
    are ``x2 - x1 + extent``, at least 0: ``extent`` is 1 for corners that
    belong to the box. Beyond the count index is -1. A box is left out if its
    score is NaN or -inf or a coordinate is not finite. Computed in float64,
    whatever the operands.
    """

    threshold: float
    capacity: int
    candidates: int = 0
    extent: float = 0.0
