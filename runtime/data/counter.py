"""Counter-based random numbers for the order of samples and their transforms.

A draw is a function of (seed, stream, epoch, sample), never of what was drawn
before: a resumed run and a prefetching thread get the same bits.

Source: SplitMix64, Steele, Lea and Flood 2014 (the finaliser of Stafford's variant 13).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

ORDER, CROP_Y, CROP_X, MIRROR, SYNTHETIC, PAIR, PARTNER = range(7)
"""Streams: draws for different purposes never share bits."""


def mix(words: Words) -> Words:
    """Return the hash of each 64-bit word."""
    z = words + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Words = z ^ (z >> np.uint64(31))
    return result


def draw(seed: int, stream: int, epoch: NDArray[np.int64], sample: NDArray[np.int64]) -> Words:
    """Return one 64-bit draw for each pair of epoch and sample, shape of ``sample``."""
    key = mix(np.array([seed & (2**64 - 1)], np.uint64))
    key = mix(key ^ np.uint64(stream))
    return mix(mix(key ^ epoch.astype(np.uint64)) ^ sample.astype(np.uint64))


def below(words: Words, limit: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return whole numbers in [0, limit) from the high half of each word; one limit, or one a word, below 2**31."""
    high = words >> np.uint64(32)
    result: NDArray[np.int64] = ((high * np.asarray(limit).astype(np.uint64)) >> np.uint64(32)).astype(np.int64)
    return result


def permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order of ``count`` samples in an epoch, shape (count,).

    The order is the sort of a hash of each index, so it depends on no
    generator of NumPy and stays the same over versions and machines.
    """
    samples = np.arange(count, dtype=np.int64)
    words = draw(seed, ORDER, np.full(count, epoch, np.int64), samples)
    result: NDArray[np.int64] = np.argsort(words, kind="stable").astype(np.int64)
    return result
