"""roi_pool, its gradient and nms in NumPy: region by region, box by box."""

from __future__ import annotations

import numpy as np

from runtime import ops_detection as ops
from runtime.reference.registry import Array, Context, reference


@reference(ops.RoiPool)
def evaluate_roi_pool(prim: ops.RoiPool, context: Context, x: Array, rois: Array) -> tuple[Array, ...]:
    """The first largest element of each bin and its place in the map."""
    (images, channels, height, width), (high, wide) = x.shape, prim.size
    y = np.zeros((len(rois), channels, high, wide), x.dtype)
    index = np.full(y.shape, -1, np.int32)
    for r, roi in enumerate(rois.astype(np.float64)):
        n = image_of(roi, images)
        if n is None:
            continue
        left, top, right, bottom = (_rounded(v * prim.scale) for v in roi[1:])
        for p in range(high):
            rows = _bin(p, high, top, bottom, height)
            for q in range(wide):
                columns = _bin(q, wide, left, right, width)
                inside = x[n, :, rows, columns].reshape(channels, -1)
                if inside.size == 0:
                    continue
                # argmax takes the first, and the first NaN before numbers
                best = inside.argmax(1)
                y[r, :, p, q] = inside[np.arange(channels), best]
                across = columns.stop - columns.start
                index[r, :, p, q] = (rows.start + best // across) * width + columns.start + best % across
    return y, index


@reference(ops.RoiUnpool)
def evaluate_roi_unpool(
    prim: ops.RoiUnpool, context: Context, dy: Array, index: Array, rois: Array
) -> tuple[Array, ...]:
    """Every dy added to the element its bin chose."""
    channels, (height, width) = dy.shape[1], prim.size
    dx = np.zeros((prim.images, channels, height * width), dy.dtype)
    for r, roi in enumerate(rois.astype(np.float64)):
        n = image_of(roi, prim.images)
        if n is None:
            continue
        for c in range(channels):
            chosen, share = index[r, c].ravel(), dy[r, c].ravel()
            kept = (chosen >= 0) & (chosen < height * width)
            np.add.at(dx[n, c], chosen[kept], share[kept])
    return (dx.reshape(prim.images, channels, height, width),)


def image_of(roi: Array, images: int) -> int | None:
    """The number of a region's image; None if there is no such image or a coordinate is not finite."""
    number = roi[0]
    return int(number + 0.5) if -0.5 < number < images - 0.5 and np.all(np.isfinite(roi)) else None


def _rounded(v: float) -> int:
    cut = min(max(v, -ops.COORDINATE_LIMIT), ops.COORDINATE_LIMIT)
    return int(cut + 0.5) if cut >= 0 else -int(0.5 - cut)


def _bin(p: int, count: int, start: int, end: int, limit: int) -> slice:
    size = max(end - start + 1, 1)
    low, high = start + p * size // count, start - (-(p + 1) * size // count)
    return slice(min(max(low, 0), limit), min(max(high, 0), limit))


@reference(ops.Nms)
def evaluate_nms(prim: ops.Nms, context: Context, boxes: Array, scores: Array) -> tuple[Array, ...]:
    """Greedy, one candidate after another."""
    index = np.full((len(boxes), prim.capacity), -1, np.int32)
    count = np.zeros(len(boxes), np.int32)
    for n, (some, marks) in enumerate(zip(boxes.astype(np.float64), scores.astype(np.float64), strict=True)):
        usable = np.flatnonzero(np.isfinite(some).all(1) & (marks > -np.inf))
        order = usable[np.argsort(-marks[usable], kind="stable")]
        kept: list[int] = []
        for k in order[: prim.candidates or None]:
            if len(kept) == prim.capacity:
                break
            if not np.any(_overlaps(some[k], some[kept], prim)):
                kept.append(int(k))
        index[n, : len(kept)], count[n] = kept, len(kept)
    return index, count


def _overlaps(box: Array, others: Array, prim: ops.Nms) -> Array:
    """Whether the intersection of a box with each of the others is above the threshold times their union."""
    together = _area(np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:]), prim.extent)
    union = _area(box[:2], box[2:], prim.extent) + _area(others[:, :2], others[:, 2:], prim.extent) - together
    return np.asarray(together > prim.threshold * union)


def _area(low: Array, high: Array, extent: float) -> Array:
    return np.asarray(np.prod(np.maximum(high - low + extent, 0.0), axis=-1))
