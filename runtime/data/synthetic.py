"""Made-up samples: a wave a class plus noise, made when asked for, so that large shapes cost no memory."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from runtime.data.counter import SYNTHETIC, below, draw
from runtime.data.items import AnyArray, Items
from runtime.data.recipe import SyntheticItems

_POOL = 1 << 16


def make(files: SyntheticItems) -> Items:
    """Return the samples of one half; sample i has class i mod ``classes``."""
    numbers = np.arange(files.samples, dtype=np.int64)
    labels = (numbers % files.classes).astype(np.int32)
    pictures = len(files.item) == 3
    item = (files.item[1], files.item[2], files.item[0]) if pictures else files.item
    return Items(arrays=(Waves(files, item, labels), labels), pictures=pictures)


class Waves:
    """Rows ``0.6 sin(2 pi (f_k t + k / classes)) + noise``, t in [0, 1) along the flat sample, k the class."""

    def __init__(self, files: SyntheticItems, item: tuple[int, ...], labels: NDArray[np.int32]) -> None:
        self.shape = (files.samples, *item)
        self.dtype: np.dtype[np.generic] = np.dtype(np.float32)
        self._labels = labels
        self._classes = files.classes
        self._seed = 2 * files.seed + files.test
        words = draw(self._seed, SYNTHETIC, np.zeros(_POOL, np.int64), np.arange(_POOL))
        self._noise = (below(words, 1 << 20) / float(1 << 19) - 1.0).astype(np.float32) * np.float32(0.4)

    def __getitem__(self, samples: NDArray[np.int64], /) -> AnyArray:
        """Return the samples of these numbers, float32."""
        count = math.prod(self.shape[1:])
        t = np.arange(count, dtype=np.float64) / count
        out = np.empty((len(samples), count), np.float32)
        starts = below(draw(self._seed, SYNTHETIC, np.ones(len(samples), np.int64), samples), _POOL)
        for row, sample, start in zip(out, samples, starts, strict=True):
            k = int(self._labels[sample])
            row[:] = 0.6 * np.sin(2 * math.pi * ((1 + k) * t + k / self._classes))
            row += np.resize(np.roll(self._noise, -int(start))[:count], count)
        return out.reshape(len(samples), *self.shape[1:])
