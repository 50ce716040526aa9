"""Pairs of samples, and whether they are of one class: for nets of two towers."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from runtime.data.batches import Batch, Batches, Samples
from runtime.data.counter import PAIR, PARTNER, below, draw
from runtime.data.items import Items
from runtime.data.recipe import Recipe
from runtime.errors import DataError

_OTHER_SIDE = 0x5EED
"""Sets the crops and mirrors of the right pictures apart from those of the left."""


class PairBatches(Batches):
    """Each sample on the left; on the right, with probability 1/2, another one of its class, else one of another.

    Partners are drawn anew each epoch from (seed, epoch, sample); a test, always epoch 0, has the same pairs each time.

    Source
        R. Hadsell, S. Chopra, Y. LeCun 2006 (pairs for a contrastive loss); Caffe's siamese example.
    """

    def __init__(self, recipe: Recipe, items: Items, seed: int, dtype: DTypeLike) -> None:
        super().__init__(recipe, items, seed, dtype)
        self._right = self._made_ready(seed ^ _OTHER_SIDE)
        labels = items.arrays[1][np.arange(self.first, self.first + self.count, dtype=np.int64)]
        if labels.ndim != 1 or labels.dtype.kind not in "iub":
            raise DataError(f"{recipe.name}: pairs need one whole number a sample as its class")
        _, self._classes = np.unique(labels, return_inverse=True)
        self._sorted = np.argsort(self._classes, kind="stable").astype(np.int64)
        self._sizes = np.bincount(self._classes).astype(np.int64)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._rank = np.empty(self.count, np.int64)
        self._rank[self._sorted] = np.arange(self.count)

    def check_labels(self, top: str, classes: int, ignore: int | None, places: Samples | None) -> None:
        """Nothing to look at: the last top is 0 or 1, whatever the classes."""

    def partners(self, samples: Samples, epochs: Samples) -> Samples:
        """Return the samples on the right of these, shape of ``samples``."""
        mine = samples - self.first
        sizes, starts = self._sizes[self._classes[mine]], self._starts[self._classes[mine]]
        others = self.count - sizes
        alike = below(draw(self._seed, PAIR, epochs, samples), 2).astype(np.bool_) & (sizes > 1)
        alike |= others == 0
        pool = np.where(alike, np.maximum(sizes - 1, 1), np.maximum(others, 1))
        drawn = below(draw(self._seed, PARTNER, epochs, samples), pool)
        among = starts + drawn + (drawn >= self._rank[mine] - starts)  # steps over the sample itself
        among = np.where(sizes > 1, among, starts)
        outside = drawn + np.where(drawn >= starts, sizes, 0)  # steps over its class
        return self._sorted[np.where(alike, among, outside)] + self.first

    def _gather(self, samples: Samples, epochs: Samples) -> Batch:
        right = self.partners(samples, epochs)
        same = self._classes[samples - self.first] == self._classes[right - self.first]
        pictures = self._pictures(self._transformer, samples, epochs), self._pictures(self._right, right, epochs)
        return dict(zip(self.tops, (*pictures, same.astype(np.int32)), strict=True))
