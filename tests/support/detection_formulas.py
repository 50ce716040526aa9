"""What the detection layers compute, box by box as their papers and Caffe's Python say it."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from runtime.reference import Context
from runtime.reference.philox import draw

Array = NDArray[Any]


def uniform(t: int, *shape: int) -> Array:
    """The numbers that the call number ``t`` of a layer named ``it`` draws, with seed and iteration 0."""
    return draw("uniform", crc32(b"it"), t, shape, Context())


def iou(a: Array, b: Array, extent: float) -> float:
    """Intersection over union of two boxes."""
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + extent)
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + extent)
    areas = [(v[2] - v[0] + extent) * (v[3] - v[1] + extent) for v in (a, b)]
    both = wide * high
    return both / max(sum(areas) - both, 1e-12)


def steps(box: Array, target: Array, extent: float) -> list[float]:
    """(dx, dy, dw, dh) from a box to its target."""
    found, logs = [], []
    for k in (0, 1):
        side, aim = box[k + 2] - box[k] + extent, target[k + 2] - target[k] + extent
        found.append((target[k] + aim / 2 - box[k] - side / 2) / side)
        logs.append(np.log(aim / side))
    return found + logs


def move(box: Array, delta: Array, extent: float) -> list[float]:
    """The box that ``steps`` would lead to."""
    low, high = [], []
    for k in (0, 1):
        side = box[k + 2] - box[k] + extent
        centre, half = box[k] + side / 2 + delta[k] * side, side * np.exp(delta[k + 2]) / 2
        low.append(centre - half)
        high.append(centre + half - extent)
    return low + high


def greedy(boxes: Array, scores: Array, threshold: float, capacity: int, first: int, extent: float) -> list[int]:
    """The numbers of the boxes that are kept."""
    left = [k for k in np.argsort(-scores, kind="stable") if scores[k] > -np.inf][: first or None]
    kept: list[int] = []
    while left and len(kept) < capacity:
        kept.append(int(left.pop(0)))
        left = [k for k in left if not iou(boxes[kept[-1]], boxes[k], extent) > threshold]
    return kept


def best_drawn(members: list[int], keys: Array, count: int) -> list[int]:
    """``count`` of the members with the largest keys."""
    return sorted(members, key=lambda k: (-keys[k], k))[:count]


def anchor_targets(
    anchors: Array, gt: Array, size: Array, layer: Any, keys: tuple[Array, Array]
) -> tuple[Array, Array, Array, Array]:
    """Labels K, targets K x 4 and weights K x 4 twice, of one image."""
    k, extent, border = len(anchors), layer.extent, layer.allowed_border
    labels, targets = np.full(k, -1), np.zeros((k, 4))
    rows, columns = size[:2]
    slack = border if layer.inclusive else border + 1e-9  # below the side, or on it
    inside = [j for j, (x1, y1, x2, y2) in enumerate(anchors)
              if x1 >= -border and y1 >= -border and x2 < columns + slack and y2 < rows + slack]  # fmt: skip
    real = [v for v in gt if v[4] > 0]
    overlap = {j: [iou(anchors[j], v, extent) for v in real] for j in inside}
    largest = [max((overlap[j][g] for j in inside), default=0) for g in range(len(real))]
    for j in inside:
        most = max(overlap[j], default=-1)
        leads = any(overlap[j][g] == largest[g] > 0 for g in range(len(real)))
        labels[j] = 1 if leads or most >= layer.positive_overlap else 0 if most < layer.negative_overlap else -1
    quota = int(layer.fg_fraction * layer.batch_size)
    objects = best_drawn(list(np.flatnonzero(labels == 1)), keys[0], quota)
    grounds = best_drawn(list(np.flatnonzero(labels == 0)), keys[1], layer.batch_size - len(objects))
    labels[:] = -1
    labels[objects], labels[grounds] = 1, 0
    for j in objects:
        targets[j] = steps(anchors[j], real[int(np.argmax(overlap[j]))], extent)
    inner, outer = np.zeros((k, 4)), np.zeros((k, 4))
    inner[objects] = 1
    outer[objects + grounds] = 1 / max(1, len(objects + grounds))
    return labels, targets, inner, outer


def proposal_targets(rois: Array, gt: Array, layer: Any, keys: tuple[Array, Array], image: int) -> list[Array]:
    """Rois B x 5, labels B, targets and weights B x 4 classes, of one image."""
    b, c, extent = layer.batch_size, layer.num_classes, layer.extent
    pool = np.concatenate([rois[:, 1:], gt[:, :4]])
    usable = [*(rois[:, 0] >= 0), *(gt[:, 4] > 0)]
    real = [v for v in gt if v[4] > 0]
    overlap = {k: [iou(pool[k], v, extent) for v in real] for k in range(len(pool)) if usable[k]}
    most = {k: max(v, default=0.0) for k, v in overlap.items()}
    objects = [k for k, v in most.items() if v >= layer.fg_thresh and real]
    grounds = [k for k, v in most.items() if k not in objects and layer.bg_thresh_lo <= v < layer.bg_thresh_hi]
    objects = best_drawn(objects, keys[0], int(layer.fg_fraction * b + 0.5))
    grounds = best_drawn(grounds, keys[1], b - len(objects))
    found = [np.tile([-1.0, 0, 0, 0, 0], (b, 1)), np.full(b, -1), np.zeros((b, 4 * c)), np.zeros((b, 4 * c))]
    means, stds = (np.broadcast_to(v, 4) for v in (layer.box_means, layer.box_stds))
    for slot, k in enumerate([*objects, *grounds]):
        found[0][slot] = image, *pool[k]
        found[1][slot] = 0
        if k in objects:
            box = real[int(np.argmax(overlap[k]))]
            label = found[1][slot] = int(box[4])
            here = slice(4 * label, 4 * label + 4)
            found[2][slot, here] = (np.array(steps(pool[k], box, extent)) - means) / stds
            found[3][slot, here] = 1
    return [*found, found[3]]


def prior_boxes(layer: Any, rows: int, columns: int, high: float, wide: float) -> Array:
    """Caffe's loops."""
    high, wide = layer.img_h or layer.img_size or high, layer.img_w or layer.img_size or wide
    down, right = layer.step_h or layer.step or high / rows, layer.step_w or layer.step or wide / columns
    corners: list[float] = []
    for i in range(rows):
        for j in range(columns):
            y, x = (i + layer.offset) * down, (j + layer.offset) * right
            sizes = []
            for k, s in enumerate(layer.min_size):
                sizes.append((s, s))
                if layer.max_size:
                    sizes.append((np.sqrt(s * layer.max_size[k]),) * 2)
                seen = [1.0]
                for ratio in layer.aspect_ratio:
                    if any(abs(ratio - r) < 1e-6 for r in seen):
                        continue
                    seen += [ratio, 1 / ratio] if layer.flip else [ratio]
                sizes += [(s * np.sqrt(r), s / np.sqrt(r)) for r in seen[1:]]
            for w, h in sizes:
                corners += [(x - w / 2) / wide, (y - h / 2) / high, (x + w / 2) / wide, (y + h / 2) / high]
    first = np.clip(corners, 0, 1) if layer.clip else np.array(corners)
    return np.stack([first, np.tile(np.broadcast_to(layer.variance, 4), len(first) // 4)])[None]


def pairs_of(overlap: Array, layer: Any) -> dict[int, int]:
    """The box of each matched prior: Caffe's ``MatchBBox``."""
    found: dict[int, int] = {}
    rows, columns = set(range(overlap.shape[0])), set(range(overlap.shape[1]))
    while rows and columns:
        p, g = max(((p, g) for p in rows for g in columns), key=lambda at: (overlap[at], -at[0], -at[1]))
        if overlap[p, g] <= 1e-6:
            break
        found[p] = g
        rows.discard(p)
        columns.discard(g)
    if layer.match_type == "PER_PREDICTION":
        for p in rows:
            if overlap.shape[1] and overlap[p].max() >= layer.overlap_threshold:
                found[p] = int(overlap[p].argmax())
    return found


def multi_box_loss(loc: Array, conf: Array, priors: Array, gt: Array, layer: Any) -> float:
    """The loss of a batch: loc N x P x 4, conf N x P x C, priors 2 x P x 4."""
    total, matched = 0.0, 0
    for deltas, scores, boxes in zip(loc, conf, gt, strict=True):
        real = [v for v in boxes if v[4] > 0]
        overlap = np.array([[iou(prior, v, 0.0) for v in real] for prior in priors[0]]).reshape(
            len(priors[0]), len(real)
        )
        pairs = pairs_of(overlap, layer)
        labels = np.zeros(len(scores), int)
        for p, g in pairs.items():
            labels[p] = int(real[g][4])
        if layer.conf_loss_type == "SOFTMAX":
            chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
            costs = -np.log(chances[np.arange(len(labels)), labels])
        else:
            hot = np.eye(scores.shape[1])[labels]
            sure = 1 / (1 + np.exp(-scores))
            costs = -(hot * np.log(sure) + (1 - hot) * np.log(1 - sure)).sum(1)
        free = [p for p in range(len(labels)) if p not in pairs and max(overlap[p], default=-1) < layer.neg_overlap]
        hard = best_drawn(free, costs, int(layer.neg_pos_ratio * len(pairs)))
        total += costs[[*pairs, *hard]].sum()
        for p, g in pairs.items():
            apart = np.abs(deltas[p] - np.array(steps(priors[0, p], real[g], 0.0)) / priors[1, p])
            half = apart**2 / 2
            loss = half if layer.loc_loss_type == "L2" else np.where(apart < 1, half, apart - 0.5)
            total += layer.loc_weight * loss.sum()
        matched += len(pairs)
    return total / max(1, matched)


def detections(loc: Array, conf: Array, priors: Array, layer: Any) -> tuple[Array, Array]:
    """Rows of SSD's output and their number, image by image."""
    k = layer.keep_top_k
    rows, count = np.zeros((len(loc) * k, 7)), np.zeros(len(loc))
    rows[:, 0] = -1
    for n, (deltas, scores) in enumerate(zip(loc, conf, strict=True)):
        boxes = np.array([move(b, d * v, 0.0) for b, d, v in zip(priors[0], deltas, priors[1], strict=True)])
        found = []
        for c in range(1, layer.num_classes):
            marks = np.where(scores[:, c] > layer.confidence_threshold, scores[:, c], -np.inf)
            kept = greedy(boxes, marks, layer.nms_threshold, k, layer.top_k, 0.0)
            found += [(n, c, marks[p], *boxes[p]) for p in kept]
        found = sorted(found, key=lambda row: -row[2])[:k]
        count[n] = len(found)
        rows[n * k : n * k + len(found)] = np.array(found).reshape(-1, 7)
    return rows[None, None], count
