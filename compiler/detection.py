"""The builder's methods for detection nets: regions pooled, overlapping boxes suppressed."""

from __future__ import annotations

from compiler.emitter import Emitter
from compiler.ir import Value
from runtime import ops_detection
from runtime.ops import Pair


class Detection(Emitter):
    """Methods over ``runtime.ops_detection``."""

    def roi_pool(self, x: Value, rois: Value, size: Pair, scale: float) -> tuple[Value, Value]:
        """(y, index) of the largest element in each bin of each region, R x C x size."""
        y, index = self.emit(ops_detection.RoiPool(size, scale), x, rois)
        return y, index

    def nms(
        self,
        boxes: Value,
        scores: Value,
        threshold: float,
        capacity: int,
        candidates: int = 0,
        extent: float = 0.0,
    ) -> tuple[Value, Value]:
        """(index, count) of the boxes (N x K x 4) that no better one covers, i32; -1 beyond the count."""
        index, count = self.emit(ops_detection.Nms(threshold, capacity, candidates, extent), boxes, scores)
        return index, count
