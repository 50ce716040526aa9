"""Made-up samples: a wave a class plus noise, made when asked for, so that large shapes cost no memory."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from runtime.data.counter import SYNTHETIC, below, draw
from runtime.data.items import AnyArray, Items
from runtime.data.recipe import SyntheticItems

_POOL = 1 << 16
_KEEP_BYTES = 1 << 26
"""Waves are kept once made if those of all classes take no more."""


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
        self._waves: dict[int, NDArray[np.float32]] = {}
        words = draw(self._seed, SYNTHETIC, np.zeros(_POOL, np.int64), np.arange(_POOL))
        self._noise = (below(words, 1 << 20) / float(1 << 19) - 1.0).astype(np.float32) * np.float32(0.4)

    def __getitem__(self, samples: NDArray[np.int64], /) -> AnyArray:
        """Return the samples of these numbers, float32."""
        out = np.empty((len(samples), math.prod(self.shape[1:])), np.float32)
        starts = below(draw(self._seed, SYNTHETIC, np.ones(len(samples), np.int64), samples), _POOL)
        for row, sample, start in zip(out, samples, starts, strict=True):
            rolled = np.roll(self._noise, -int(start))
            np.add(self._wave(int(self._labels[sample])), np.resize(rolled, row.shape), out=row)
        return out.reshape(len(samples), *self.shape[1:])

    def _wave(self, k: int) -> NDArray[np.float32]:
        wave = self._waves.get(k)
        if wave is None:
            count = math.prod(self.shape[1:])
            t = np.arange(count, dtype=np.float64) / count
            wave = (0.6 * np.sin(2 * math.pi * ((1 + k) * t + k / self._classes))).astype(np.float32)
            if self._classes * wave.nbytes <= _KEEP_BYTES:
                self._waves[k] = wave
        return wave
