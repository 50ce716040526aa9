"""From the arrays of a batch to what is told of each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.prediction.findings import Box, Boxes, Classes, Finding, Mask, Named, Values, named
from netspec.prediction.heads import Head

Array = NDArray[Any]


def shares_of(scores: Array, head: Head) -> Array:
    """Return scores as shares where they can be that, in float64."""
    x = np.array(scores, np.float64)
    if head.makes == "softmax":
        x -= x.max(axis=head.axis, keepdims=True)
        np.exp(x, out=x)
        x /= x.sum(axis=head.axis, keepdims=True)
        return x
    if head.makes == "exp":
        np.exp(x, out=x)
    return x


def classes(scores: Array, head: Head, most: int, names: Sequence[str]) -> list[Finding]:
    """Return the best classes of each sample; of equal scores the lower number comes first."""
    x = shares_of(scores, head).reshape(len(scores), -1)
    order = np.argsort(-x, axis=1, kind="stable")[:, :most]
    found: list[Finding] = []
    for row, best in zip(x, order.tolist(), strict=True):
        pairs = zip(named(best, names), row[best].tolist(), strict=True)
        found.append(Classes(tuple(pairs), head.makes is not None))
    return found


def mask_of(scores: Array, names: Sequence[str]) -> tuple[Mask, Array]:
    """Return the classes of one sample's pixels, C x H x W, counted and as H x W bytes."""
    best = np.argmax(scores, axis=0)
    there, counts = np.unique(best, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    pixels = zip(named(there[order].tolist(), names), counts[order].tolist(), strict=True)
    return Mask(tuple(pixels), best.shape), best.astype(np.uint8)


def values(blob: Array) -> list[Finding]:
    """Return the numbers of each sample."""
    return [Values(row.shape, tuple(np.asarray(row, np.float64).reshape(-1).tolist())) for row in blob]


def boxes(blobs: Mapping[str, Array], head: Head, size: tuple[int, int], least: float, names: Sequence[str],
          count: int) -> list[Boxes]:  # fmt: skip
    """Return the boxes of each sample with a score of ``least`` or more, by falling score.

    Either what the metric AveragePrecision scored (pixels), or DetectionOutput's rows (parts of the picture, whose
    height and width are ``size``).
    """
    detections = blobs.get(f"{head.blob}.detections")
    if detections is not None:
        rows = _of_metric(detections, blobs[f"{head.blob}.found"])
    else:
        rows = _of_rows(blobs[head.blob].reshape(-1, 7), size, count)
    found = []
    for mine in rows:
        good = sorted((row for row in mine if row[1] >= least), key=lambda row: -row[1])
        found.append(Boxes(tuple(Box(_name(row[0], names), row[1], row[2]) for row in good)))
    return found


_Row = tuple[int, float, tuple[float, float, float, float]]
"""Class, score and corners."""


def _name(k: int, names: Sequence[str]) -> Named:
    return named([k], names)[0]


def _of_metric(detections: Array, found: Array) -> list[list[_Row]]:
    """N x (C - 1) x K x 5 (score, x1, y1, x2, y2), of which ``found`` are boxes; class 0 is the background."""
    return [
        [
            (k + 1, float(row[0]), (float(row[1]), float(row[2]), float(row[3]), float(row[4])))
            for k, (rows, n) in enumerate(zip(of_image, counts, strict=True))
            for row in rows[: int(n)]
        ]
        for of_image, counts in zip(detections, found, strict=True)
    ]


def _of_rows(rows: Array, size: tuple[int, int], count: int) -> list[list[_Row]]:
    """Rows of (number of the image, class, score, corners as parts of it); -1 as a number: none."""
    height, width = size
    made: list[list[_Row]] = [[] for _ in range(count)]
    for number, label, score, x1, y1, x2, y2 in rows.astype(np.float64).tolist():
        if 0 <= number < count:
            corners = (x1 * width, y1 * height, x2 * width, y2 * height)
            made[int(number)].append((int(label), score, corners))
    return made
