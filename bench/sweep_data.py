"""Operands of a sweep's convolution, and a sample of its results: the same on both sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.sweep_cases import ConvCase

Array = NDArray[np.float32]
SAMPLES = 64


def operands(case: ConvCase) -> tuple[Array, Array, Array]:
    """x, w and dy: normal numbers."""
    rng = np.random.default_rng(case.index)
    x, w, dy = (rng.standard_normal(shape, dtype=np.float32) for shape in case.shapes)
    return x, w, dy


def sample(case: ConvCase, results: Sequence[NDArray[Any]]) -> list[list[float]]:
    """Of y, dx and dw each the root mean square and the values at ``SAMPLES`` places."""
    rng = np.random.default_rng(case.index)
    found = []
    for result in results:
        values = result[tuple(rng.integers(0, n, SAMPLES) for n in result.shape)]
        found.append([float(np.sqrt(np.mean(np.square(result, dtype=np.float64)))), *(float(v) for v in values)])
    return found


def apart(own: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    """Largest difference between two samples of the same results, in root mean squares of the other."""
    found = []
    for a, b in zip(own, other, strict=True):
        found.append(max(abs(x - y) for x, y in zip(a, b, strict=True)) / (b[0] or 1e-30))
    return max(found) if all(map(math.isfinite, found)) else math.inf
