"""RoIPooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.regions import Pooled
from netspec.spec.layer import layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer(aliases=("ROIPooling",))
class RoIPooling(Pooled):
    """Largest value in each of ``pooled_h`` x ``pooled_w`` bins of each region of a map.

    Shapes
        x : N x C x H x W; rois : R x 5 (number of the image, x1, y1, x2, y2) ->
        y : R x C x pooled_h x pooled_w.
    Formula
        Corners times ``spatial_scale`` are rounded, halves away from 0; both belong to
        the region, s = max(end - start + 1, 1) elements wide or high. Bin p of P holds
        the elements from floor(p s / P) up to, not including, ceil((p + 1) s / P), as far
        as the map goes; an empty bin is 0. A region whose number is no image's (-1:
        Proposal's empty slots), or with a corner that is not finite, is 0 throughout.
    Gradient
        To the first largest element of each bin; none to the rois.
    Source
        Girshick 2015; caffe-fast-rcnn ``ROIPoolingLayer``, which divides in float32 and
        reads past the maps where a number is no image's.
    Example
        inputs: {x: [8, 12, 12], rois: {shape: [6, 5], batch: false}}
        layers:
          - {name: roi, type: RoIPooling, bottom: [x, rois], pooled_h: 3, pooled_w: 3, spatial_scale: 0.5}
    """

    def lower(self, b: Builder, x: Value, rois: Value) -> Value:
        y, _ = b.roi_pool(x, rois, (self.pooled_h, self.pooled_w), self.spatial_scale)
        return y
