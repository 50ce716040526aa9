"""What a net must beat: the majority, nearest neighbours, least squares; pure functions of arrays.

Rows of ``x`` are samples, N x D in float32 or float64. Classes are int32 N;
numbers to predict are float N x M.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NEIGHBOURS = (1, 3, 5, 10, 20, 50, 100)
"""Values of k that are tried."""

HELD_OUT = 5
"""One sample in so many is held out to choose k."""

BLOCK_BYTES = 1 << 26
"""Differences that are held at once."""

RIDGE = 1e-6
"""Of the mean square of a feature: so much is added to its diagonal, so that constant pixels do no harm."""


@dataclass(frozen=True)
class Samples:
    """Features, and what is to be predicted of them."""

    x: Array
    y: Array

    @property
    def are_classes(self) -> bool:
        """Whether y holds class numbers."""
        return np.issubdtype(self.y.dtype, np.integer)

    def __len__(self) -> int:
        return len(self.x)


def score(found: Array, wanted: Array) -> float:
    """The share of right classes, or the mean square of what the numbers are off."""
    if np.issubdtype(wanted.dtype, np.integer):
        return float(np.mean(found == wanted))
    return float(np.mean(np.square(found - wanted)))


def commonest(train: Samples, test: Samples) -> Array:
    """The same for every sample: the commonest class (the lowest of equals), or the mean."""
    if train.are_classes:
        return np.full(len(test), np.bincount(train.y).argmax())
    return np.broadcast_to(train.y.mean(0), test.y.shape)


def least_squares(train: Samples, test: Samples) -> Array:
    """The linear map with the least squares, ``(X'X)^-1 X'Y``, X with a column of ones; of classes the largest row.

    Source: the closed form that gradient descent on a linear layer tends to.
    """
    design = np.hstack([train.x, np.ones((len(train), 1))]).astype(np.float64)
    wanted = np.eye(train.y.max() + 1)[train.y] if train.are_classes else train.y.astype(np.float64)
    square = design.T @ design
    square[np.diag_indices_from(square)] += RIDGE * max(float(np.trace(square)) / len(square), 1e-300)
    weights = np.linalg.solve(square, design.T @ wanted)
    found: Array = test.x.astype(np.float64) @ weights[:-1] + weights[-1]
    return found.argmax(1) if train.are_classes else found


def distances(x: Array, y: Array, norm: str) -> Array:
    """N x M: from each row of x to each row of y, the sum of sizes (``L1``) or of squares (``L2``)."""
    if norm == "L2":
        sums = np.einsum("nd,nd->n", x, x)[:, None] + np.einsum("md,md->m", y, y)
        result: Array = sums - 2.0 * (x @ y.T)
        return result
    found = np.empty((len(x), len(y)), x.dtype)
    rows = max(1, BLOCK_BYTES // max(1, x[0].nbytes)) if len(x) else 1
    for k, row in enumerate(x):
        for start in range(0, len(y), rows):
            block = y[start : start + rows] - row
            found[k, start : start + rows] = np.abs(block, out=block).sum(1)
    return found


def nearest(x: Array, y: Array, norm: str, most: int) -> Array:
    """N x most: the rows of y that are nearest to each row of x, nearest first, the first of equals."""
    most = min(most, len(y))
    found = np.empty((len(x), most), np.int64)
    rows = max(1, BLOCK_BYTES // max(1, 8 * len(y)))
    for start in range(0, len(x), rows):
        away = distances(x[start : start + rows], y, norm)
        found[start : start + rows] = np.argsort(away, axis=1, kind="stable")[:, :most]
    return found


def vote(neighbours: Array, y: Array, k: int) -> Array:
    """The commonest class of the k nearest (of equals the one met first), or their mean."""
    near = y[neighbours[:, :k]]
    if not np.issubdtype(y.dtype, np.integer):
        mean: Array = near.mean(1)
        return mean
    counts = (near[:, :, None] == near[:, None, :]).sum(2)
    winners: Array = np.take_along_axis(near, counts.argmax(1)[:, None], 1)[:, 0]
    return winners


def choose_k(train: Samples, norm: str, tried: Sequence[int] = NEIGHBOURS) -> int:
    """The k that does best on the part of the training samples that is held out, the smallest of equals."""
    held = np.arange(len(train)) % HELD_OUT == HELD_OUT - 1
    if not held.any():
        return 1
    rest = Samples(train.x[~held], train.y[~held])
    allowed = [k for k in tried if k <= len(rest)]
    found = nearest(train.x[held], rest.x, norm, allowed[-1])
    scores = [score(vote(found, rest.y, k), train.y[held]) for k in allowed]
    best = int(np.argmax(scores) if train.are_classes else np.argmin(scores))
    return allowed[best]
