"""RoIAlign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers.regions import Pooled
from netspec.spec.layer import field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class RoIAlign(Pooled):
    """Mean of a few bilinear samples in each of ``pooled_h`` x ``pooled_w`` bins of each region of a map.

    Shapes
        x : N x C x H x W; rois : R x 5 (number of the image, x1, y1, x2, y2) ->
        y : R x C x pooled_h x pooled_w.
    Formula
        Corners times ``spatial_scale`` (less 1/2 with ``aligned``, else with sides of 1 at
        least) are not rounded. Each bin has ``sampling_ratio`` x ``sampling_ratio`` evenly
        spaced samples, the sum of x over places times ``max(0, 1 - |distance|)`` down and
        across; a sample up to 1 beyond the map is moved to its border, others are 0. So is
        a region whose number is no image's.
    Gradient
        To x by the same weights; to the corners by how far they move the samples.
    Source
        He et al. 2017; Detectron2 for ``aligned``. A ratio of 0 (as many samples as the
        region has places) is not offered: it depends on the data.
    Example
        inputs: {x: [8, 12, 12], rois: {shape: [6, 5], batch: false}}
        layers:
          - {name: roi, type: RoIAlign, bottom: [x, rois], pooled_h: 3, pooled_w: 3, spatial_scale: 0.5}
    """

    sampling_ratio: int = field(2, minimum=1, doc="samples of a bin, down and across")
    aligned: bool = field(True, doc="the middle of a pixel is at its number: coordinates are less 1/2")

    def lower(self, b: Builder, x: Value, rois: Value) -> Value:
        n, c, h, w = x.shape
        r, rows, columns = rois.shape[0], self.pooled_h, self.pooled_w
        number, left, top, right, bottom = (b.slice(rois, 1, k, k + 1) for k in range(5))
        down, across = self._weights(b, top, bottom, rows, h), self._weights(b, left, right, columns, w)
        # rows of every image in one product: those of the others weigh 0
        own = b.equal(b.index((1, 1, n, 1), 2), b.reshape(number, (r, 1, 1, 1)))
        down = b.where(own, b.reshape(down, (r, rows, 1, h)), 0.0)
        lines = b.reshape(b.transpose(x, (0, 2, 3, 1)), (n * h, w * c))
        found = b.matmul(b.reshape(down, (r * rows, n * h)), lines)
        y = b.matmul(b.reshape(across, (r, 1, columns, w)), b.reshape(found, (r, rows, w, c)))
        return b.transpose(y, (0, 3, 1, 2))

    def _weights(self, b: Builder, low: Value, high: Value, bins: int, size: int) -> Value:
        """How much each place of an axis counts in each bin, R x bins x size."""
        r, count = low.shape[0], self.sampling_ratio
        shift = 0.5 if self.aligned else 0.0
        start = low * self.spatial_scale - shift
        length = high * self.spatial_scale - shift - start
        if not self.aligned:
            length = b.maximum(length, 1.0)
        # sample s of bin p lies at the middle of part p count + s of bins count equal ones
        part = (b.to_float(b.index((1, bins * count), 1)) + 0.5) * (1.0 / (bins * count))
        at = start + part * length
        near = b.both(at >= -1.0, at <= float(size))
        at = b.minimum(b.maximum(at, 0.0), float(size - 1))
        apart = b.abs(b.reshape(at, (r, bins, count, 1)) - b.to_float(b.index((1, 1, 1, size), 3)))
        weights = b.where(b.reshape(near, (r, bins, count, 1)), b.maximum(1.0 - apart, 0.0), 0.0)
        return b.reshape(b.sum(weights, 2), (r, bins, size)) * (1.0 / count)
