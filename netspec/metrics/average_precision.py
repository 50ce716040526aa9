"""`average_precision`: how well boxes are found, over all images and every threshold of the score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from netspec.metrics.base import Array, Batch, Figure, Metric, metric

PLACES = {"voc07": np.linspace(0, 1, 11), "coco": np.linspace(0, 1, 101)}
"""Recalls at which precision is looked up; ``voc`` takes the whole area."""


@metric("average_precision")
class AveragePrecision(Metric):
    """Mean over classes (and overlaps) of the precision at all recalls.

    The counts of a batch: ``detections`` N x classes x K x 5 (score, x1, y1,
    x2, y2, by falling score), ``found`` N x classes, how many of the K there
    are, ``boxes`` N x G x 5 (x1, y1, x2, y2, class; classes from 1 on).
    Detections of an image are matched when they come, so that a flag each is
    all that is kept.

    Parameters
    ----------
    style : str
        ``voc`` (area under the envelope of the curve), ``voc07`` (11 recalls)
        or ``coco`` (101 recalls; a detection may fall back on its second best box).
    overlaps : sequence of float
        Intersection over union from which a box is found; the figures are averaged.
    extent : float
        What is added to x2 - x1 for the length of a side.
    most : int
        Detections of an image that count, the best of all classes.
    by_class : bool
        Whether there is a figure for each class, NaN for one without boxes.
    """

    on_host: ClassVar[bool] = True

    def __init__(self, style: str, overlaps: Sequence[float], extent: float, most: int, by_class: bool = False) -> None:
        self._style, self._overlaps, self._extent = style, np.asarray(overlaps), extent
        self._most, self._by_class = most, by_class
        self._classes: list[_Class] = []

    def add(self, batch: Batch) -> None:
        """Match the detections of each image with its boxes."""
        counts = batch.counts
        if not self._classes:
            self._classes = [_Class() for _ in range(counts["detections"].shape[1])]
        for detections, found, boxes in zip(counts["detections"], counts["found"], counts["boxes"], strict=True):
            some = [d[: int(n)].astype(np.float64) for d, n in zip(detections, found, strict=True)]
            for k, mine in enumerate(best_of_all(some, self._most)):
                real = boxes[boxes[:, 4] == k + 1, :4].astype(np.float64)
                falls_back = self._style == "coco"
                right = matched(mine[:, 1:], real, self._overlaps, self._extent, falls_back)
                self._classes[k].add(len(real), mine[:, 0], right)

    def figure(self) -> Figure:
        """Return the mean over the classes that have boxes, or the figure of each class."""
        each = [c.figure(PLACES.get(self._style)) for c in self._classes]
        if self._by_class:
            return each
        known = [v for v in each if not np.isnan(v)]
        return float(np.mean(known)) if known else float("nan")


class _Class:
    """What is kept of a class: its boxes' number, and score and flags of each detection."""

    def __init__(self) -> None:
        self.boxes = 0
        self.scores: list[Array] = []
        self.right: list[Array] = []

    def add(self, boxes: int, scores: Array, right: Array) -> None:
        self.boxes += boxes
        self.scores.append(scores)
        self.right.append(right)

    def figure(self, places: Array | None) -> float:
        """The mean over the overlaps, NaN without boxes."""
        if not self.boxes:
            return float("nan")
        order = np.argsort(-np.concatenate(self.scores), kind="stable")  # of equal scores the first image goes first
        right = np.concatenate(self.right)[order]
        return float(np.mean([precision_at(column, self.boxes, places) for column in right.T]))


def best_of_all(detections: list[Array], most: int) -> list[Array]:
    """The detections of each class that are among the ``most`` best of an image, the first classes first in a tie."""
    scores = np.concatenate([d[:, 0] for d in detections])
    if len(scores) <= most:
        return detections
    kept = np.zeros(len(scores), bool)
    kept[np.argsort(-scores, kind="stable")[:most]] = True
    ends = np.cumsum([len(d) for d in detections])[:-1]
    return [d[k] for d, k in zip(detections, np.split(kept, ends), strict=True)]


def matched(found: Array, real: Array, overlaps: Array, extent: float, falls_back: bool) -> Array:
    """Whether each detection of an image has found a box of its own, at each overlap; K x overlaps.

    Parameters
    ----------
    found, real
        K x 4 by falling score, G x 4.
    falls_back
        Whether one whose best box is taken may have its best free one (COCO) or is wrong (VOC).
    """
    right = np.zeros((len(found), len(overlaps)), bool)
    if not len(real):
        return right
    taken = np.zeros((len(overlaps), len(real)), bool)
    for k, box in enumerate(found):
        share = overlap_of(box, real, extent)
        for t, least in enumerate(overlaps):
            free = np.where(taken[t], -1.0, share) if falls_back else share
            best = int(np.argmax(free))
            if free[best] >= least and not taken[t, best]:
                taken[t, best] = right[k, t] = True
    return right


def overlap_of(box: Array, others: Array, extent: float) -> Array:
    """Intersection over union of a box with each of the others; 0 where both have no area."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]) + extent
    both = np.prod(np.maximum(sides, 0.0), axis=1)
    union = np.prod(box[2:] - box[:2] + extent) + np.prod(others[:, 2:] - others[:, :2] + extent, axis=1) - both
    return np.where(union > 0, both / np.where(union > 0, union, 1.0), 0.0)


def precision_at(right: Array, boxes: int, places: Array | None) -> float:
    """Mean precision: the largest one at this recall or a higher, over all recalls or at ``places``.

    Parameters
    ----------
    right
        b1, whether each detection is right, by falling score.
    boxes
        Boxes to be found, at least 1.
    """
    hits = np.cumsum(right)
    recall, precision = hits / boxes, hits / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    if places is None:
        return float(np.sum(np.diff(recall, prepend=0.0) * envelope))
    # COCO's and VOC's recalls are quotients: one that is meant to be 0.3 counts as 0.3
    at = np.searchsorted(recall, places - 1e-12)
    return float(np.mean(np.append(envelope, 0.0)[at]))
