"""Cases of the detection primitives, and their meanings once more, written from the papers."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from primitive_cases import Case, distinct, tied, values

from runtime import ops_detection as ops
from runtime.ops import Primitive
from runtime.reference import Context, evaluate

Array = NDArray[np.float64]


def regions(seed: int, count: int, images: int, span: float) -> Array:
    """Regions of ``images`` maps ``span`` wide: inside, beyond the sides, turned around; some of no image."""
    rng = np.random.default_rng([seed, count, images])
    corners = rng.uniform(-0.3 * span, 1.3 * span, (count, 4))
    # most are the right way round
    ordered = np.concatenate(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], 1
    )
    corners = np.where(rng.random((count, 1)) < 0.8, ordered, corners)
    return np.concatenate([rng.integers(-1, images + 1, (count, 1)), corners], 1)


def strange_regions() -> Array:
    """Numbers and coordinates that no net should make."""
    nan, inf = np.nan, np.inf
    rows = [
        (0, 0, 0, 5, 5), (nan, 0, 0, 5, 5), (inf, 0, 0, 5, 5), (-1, 0, 0, 5, 5), (2, 0, 0, 5, 5), (1.4, 0, 0, 5, 5),
        (1.6, 0, 0, 5, 5), (-0.5, 0, 0, 5, 5), (0, nan, 0, 5, 5), (0, 0, -inf, 5, 5), (0, 0, 0, inf, 5),
        (1, 0, 0, 5, nan), (0, -1e30, -1e30, 1e30, 1e30), (0, 1e30, 0, 1e30, 5), (1, 5, 5, 2, 1),
        (0, 2.5, -0.5, 3.5, 1.5), (1e20, 0, 0, 1, 1),
    ]  # fmt: skip
    return np.array(rows, np.float64)


def roi_pool_case(
    seed: int, shape: tuple[int, int, int, int], count: int, size: tuple[int, int], scale: float, ties: bool = False
) -> Case:
    """Regions over maps; with ties, not smooth."""
    x = (tied if ties else distinct)(seed, *shape)
    rois = regions(seed, count, shape[0], max(shape[2:]) / scale)
    text = f"roi_pool-{'x'.join(map(str, shape))}-{count}-{size[0]}x{size[1]}-{scale:g}{'-ties' if ties else ''}"
    return Case(text, ops.RoiPool(size, scale), (x, rois), not ties)


def roi_unpool_case(forward: Case, seed: int = 3) -> Case:
    """The gradient of a case of ``RoiPool``."""
    x, rois = forward.operands
    y, index = evaluate(forward.prim, Context(), forward.operands)
    prim = ops.RoiUnpool(x.shape[0], (x.shape[2], x.shape[3]))
    return Case(f"un{forward.name}", prim, (values(seed, *y.shape), index, rois), forward.smooth)


def roi_pool_fixed() -> list[Case]:
    """Corner cases by name."""
    cases = [
        roi_pool_case(1, (2, 5, 7, 9), 6, (2, 3), 0.5),
        roi_pool_case(2, (1, 1, 1, 1), 3, (1, 1), 1.0),
        roi_pool_case(3, (3, 33, 8, 8), 9, (7, 7), 1 / 16),
        roi_pool_case(4, (2, 16, 6, 5), 5, (3, 3), 0.3),
        roi_pool_case(5, (2, 17, 6, 5), 5, (4, 4), 0.25, ties=True),
    ]
    strange = ops.RoiPool((2, 2), 1.0)
    cases.append(Case("roi_pool-strange", strange, (distinct(6, 2, 3, 6, 6), strange_regions()), smooth=False))
    broken = values(7, 1, 2, 6, 6)
    broken[0, 0, 1, 1], broken[0, 0, 2, 0], broken[0, 1, 4, 4] = np.nan, np.nan, np.nan
    whole = np.array([[0.0, 0, 0, 5, 5], [0, 0, 0, 2, 2]])
    return [*cases, Case("roi_pool-special", ops.RoiPool((2, 2), 1.0), (broken, whole), smooth=False)]


def roi_unpool_fixed() -> list[Case]:
    """Gradients of the fixed cases, and indices that lead nowhere."""
    cases = [roi_unpool_case(c) for c in roi_pool_fixed()]
    index = np.array([-1, 0, 8, 9, 1000, -7, 2**31 - 1, -(2**31)], np.int32).reshape(1, 2, 2, 2)
    outside = (values(8, 1, 2, 2, 2), index, np.array([[0.0, 0, 0, 2, 2]]))
    return [*cases, Case("roi_unpool-outside", ops.RoiUnpool(2, (3, 3)), outside)]


@st.composite
def roi_pool_strategy(draw: st.DrawFn) -> Case:
    shape = (
        draw(st.integers(1, 3)),
        draw(st.sampled_from((1, 2, 5, 17))),
        draw(st.integers(1, 9)),
        draw(st.integers(1, 9)),
    )
    size = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    scale = draw(st.sampled_from((1.0, 0.5, 1 / 16, 0.3)))
    return roi_pool_case(draw(st.integers(0, 99)), shape, draw(st.integers(1, 6)), size, scale, draw(st.booleans()))


def roi_unpool_strategy() -> st.SearchStrategy[Case]:
    return roi_pool_strategy().map(roi_unpool_case)


def pooled_by_loops(prim: ops.RoiPool, x: Array, rois: Array) -> tuple[Array, Array]:
    """Caffe's loops, with bins by fractions of whole numbers."""
    images, channels, height, width = x.shape
    y = np.zeros((len(rois), channels, *prim.size))
    index = np.full(y.shape, -1)
    for r, (n, *corners) in enumerate(rois):
        if not (-0.5 < n < images - 0.5 and np.isfinite(corners).all()):
            continue
        image = round(n)
        x1, y1, x2, y2 = (
            np.sign(v) * floor(abs(v) + 0.5) for v in np.clip(np.multiply(corners, prim.scale), -(2**24), 2**24)
        )
        for c, p, q in np.ndindex(*y.shape[1:]):
            bins = []
            for k, count, low, high, limit in ((p, prim.size[0], y1, y2, height), (q, prim.size[1], x1, x2, width)):
                size = max(high - low + 1, 1)
                ends = floor(k * size / count) + low, ceil((k + 1) * size / count) + low
                bins.append(range(int(max(0, ends[0])), int(max(0, min(limit, ends[1])))))
            places = [(h, w) for h in bins[0] for w in bins[1]]
            if places:
                h, w = max(places, key=lambda at: (np.isnan(x[image, c, *at]), x[image, c, *at], -at[0], -at[1]))
                y[r, c, p, q], index[r, c, p, q] = x[image, c, h, w], h * width + w
    return y, index


def boxes_of(seed: int, images: int, count: int, ties: bool = False) -> tuple[Array, Array]:
    """Boxes that overlap a lot, and scores; with ties, of few kinds."""
    rng = np.random.default_rng([seed, images, count])
    low = rng.integers(0, 12, (images, count, 2)) if ties else rng.uniform(0, 12, (images, count, 2))
    side = rng.integers(0, 9, (images, count, 2)) if ties else rng.uniform(0, 9, (images, count, 2))
    scores = rng.integers(0, 4, (images, count)) if ties else rng.random((images, count))
    return np.concatenate([low, low + side], 2).astype(np.float64), scores.astype(np.float64)


def nms_case(seed: int, images: int, count: int, prim: ops.Nms, ties: bool = False) -> Case:
    """Boxes under a rule."""
    text = f"nms-{images}x{count}-{prim.threshold:g}-{prim.capacity}-{prim.candidates}-{prim.extent:g}"
    return Case(text + ("-ties" if ties else ""), prim, boxes_of(seed, images, count, ties), smooth=False)


def nms_fixed() -> list[Case]:
    """Corner cases by name."""
    cases = [
        nms_case(1, 2, 40, ops.Nms(0.5, 10)),
        nms_case(2, 1, 1, ops.Nms(0.5, 3)),
        nms_case(3, 3, 33, ops.Nms(0.3, 33, 20, 1.0)),
        nms_case(4, 2, 64, ops.Nms(0.7, 5, 0, 1.0), ties=True),
        nms_case(5, 2, 50, ops.Nms(0.0, 50)),
        nms_case(6, 1, 50, ops.Nms(1.0, 50), ties=True),
    ]
    boxes, scores = boxes_of(7, 1, 20)
    boxes[0, 3, 1], boxes[0, 4, 2], scores[0, 5], scores[0, 6], scores[0, 7] = np.nan, np.inf, np.nan, -np.inf, np.inf
    boxes[0, 8] = boxes[0, 8, [2, 3, 0, 1]]  # turned around: no area
    cases.append(Case("nms-special", ops.Nms(0.5, 20), (boxes, scores), smooth=False))
    nothing = np.full((1, 9), -np.inf)
    return [*cases, Case("nms-nothing", ops.Nms(0.5, 4), (boxes[:, :9], nothing), smooth=False)]


@st.composite
def nms_strategy(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 40))
    prim = ops.Nms(
        draw(st.sampled_from((0.0, 0.3, 0.5, 0.9, 1.0))),
        draw(st.integers(1, 40)),
        draw(st.sampled_from((0, 1, 7, 100))),
        draw(st.sampled_from((0.0, 1.0))),
    )
    return nms_case(draw(st.integers(0, 99)), draw(st.integers(1, 3)), count, prim, draw(st.booleans()))


def suppressed_by_loops(prim: ops.Nms, boxes: Array, scores: Array) -> list[list[int]]:
    """The kept boxes of each image: a list of candidates from which the best and what it covers are struck out."""
    found = []
    for some, marks in zip(boxes, scores, strict=True):
        usable = [k for k in range(len(some)) if marks[k] > -np.inf and np.isfinite(some[k]).all()]
        left = sorted(usable, key=lambda k, marks=marks: -marks[k])[: prim.candidates or None]
        kept: list[int] = []
        while left and len(kept) < prim.capacity:
            best = left[0]
            kept.append(best)
            left = [k for k in left[1:] if not _covers(some[best], some[k], prim)]
        found.append(kept)
    return found


def _covers(a: Array, b: Array, prim: ops.Nms) -> bool:
    def area(x1: float, y1: float, x2: float, y2: float) -> float:
        return max(0.0, x2 - x1 + prim.extent) * max(0.0, y2 - y1 + prim.extent)

    both = area(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
    return both > prim.threshold * (area(*a) + area(*b) - both)


FIXED: dict[type[Primitive], Callable[[], list[Case]]] = {
    ops.RoiPool: roi_pool_fixed,
    ops.RoiUnpool: roi_unpool_fixed,
    ops.Nms: nms_fixed,
}
STRATEGIES: dict[type[Primitive], Callable[[], st.SearchStrategy[Case]]] = {
    ops.RoiPool: roi_pool_strategy,
    ops.RoiUnpool: roi_unpool_strategy,
    ops.Nms: nms_strategy,
}
"""For the table of primitive_cases, which imports this."""
