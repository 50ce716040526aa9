"""One iteration of limited-memory BFGS over an objective that can be evaluated anywhere.

Source: Nocedal and Wright, Numerical Optimization, 2006: algorithm 7.4 (the
direction), 3.5 and 3.6 (a length that meets the strong Wolfe conditions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Objective = Callable[[Vector], tuple[float, Vector]]

SUFFICIENT = 1e-4
"""c1: the least share of the promised decrease."""
CURVATURE = 0.9
"""c2: the largest share of the slope that may be left."""
LEAST_CURVATURE = 1e-10
"""A pair of step and change counts if s y is at least so much of y y: else H would not stay positive."""


@dataclass(frozen=True)
class Point:
    """A place, its value and its gradient."""

    x: Vector
    value: float
    slope: Vector


def direction(g: Vector, steps: NDArray[np.floating], slopes: NDArray[np.floating]) -> Vector:
    """``-H g`` from pairs s, y (rows, oldest first); ``-g`` without pairs."""
    q = -g
    if not len(steps):
        return q
    s, y = np.asarray(steps, np.float64), np.asarray(slopes, np.float64)
    rho = 1.0 / np.einsum("ij,ij->i", s, y)
    alpha = np.zeros(len(s))
    for k in reversed(range(len(s))):
        alpha[k] = rho[k] * (s[k] @ q)
        q = q - alpha[k] * y[k]
    q *= (s[-1] @ y[-1]) / (y[-1] @ y[-1])
    for k in range(len(s)):
        q += s[k] * (alpha[k] - rho[k] * (y[k] @ q))
    return q


def is_curved(step: Vector, change: Vector) -> bool:
    """Whether a pair keeps H positive."""
    return bool(step @ change > LEAST_CURVATURE * (change @ change))


def search(objective: Objective, start: Point, along: Vector, length: float, evaluations: int) -> Point:
    """A point along a direction of descent that meets the strong Wolfe conditions.

    Parameters
    ----------
    length
        Tried first.
    evaluations
        Most evaluations; after them the best point so far is taken.

    Returns
    -------
    Point
        ``start`` itself if no lower point was found.
    """
    return _Line(objective, start, along, evaluations).run(length)


class _Line:
    """The values along a line, by distance."""

    def __init__(self, objective: Objective, start: Point, along: Vector, evaluations: int):
        self.objective, self.start, self.along = objective, start, along
        self.left = evaluations
        self.rate = float(start.slope @ along)
        self.best = start

    def at(self, t: float) -> tuple[float, float, Point]:
        """Value, slope along the line, and the point at distance t."""
        x = self.start.x + t * self.along
        value, slope = self.objective(x)
        self.left -= 1
        point = Point(x, value if isfinite(value) else inf, slope)
        if point.value < self.best.value:
            self.best = point
        return point.value, float(slope @ self.along) if isfinite(value) else inf, point

    def run(self, t: float) -> Point:
        """Lengths that grow until a bracket is found, then ``_zoom``."""
        before, value_before, rate_before = 0.0, self.start.value, self.rate
        while self.left > 0:
            value, rate, point = self.at(t)
            if value > self._allowed(t) or (value >= value_before and before > 0):
                return self._zoom((before, value_before, rate_before), (t, value, rate))
            if abs(rate) <= -CURVATURE * self.rate:
                return point
            if rate >= 0:
                return self._zoom((t, value, rate), (before, value_before, rate_before))
            before, value_before, rate_before, t = t, value, rate, 2.0 * t
        return self.best

    def _allowed(self, t: float) -> float:
        return self.start.value + SUFFICIENT * t * self.rate

    def _zoom(self, low: tuple[float, float, float], high: tuple[float, float, float]) -> Point:
        while self.left > 0:
            t = _between(low, high)
            value, rate, point = self.at(t)
            if value > self._allowed(t) or value >= low[1]:
                high = t, value, rate
                continue
            if abs(rate) <= -CURVATURE * self.rate:
                return point
            if rate * (high[0] - low[0]) >= 0:
                high = low
            low = t, value, rate
        return self.best


def _between(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """The minimum of the cubic through two values and slopes, kept off both ends; the middle where there is none."""
    (s, f, df), (t, g, dg) = a, b
    middle, reach = (s + t) / 2, abs(t - s)
    if not (isfinite(g) and isfinite(dg)):
        return middle
    d1 = df + dg - 3.0 * (f - g) / (s - t)
    square = d1 * d1 - df * dg
    if square < 0:
        return middle
    d2 = (1.0 if t > s else -1.0) * sqrt(square)
    divisor = dg - df + 2.0 * d2
    if divisor == 0:
        return middle
    found = t - (t - s) * (dg + d2 - d1) / divisor
    return found if min(s, t) + 0.1 * reach <= found <= max(s, t) - 0.1 * reach else middle


def newest(pairs: NDArray[np.floating], count: int) -> NDArray[np.floating]:
    """The rows in use of a memory whose last row is the newest."""
    return pairs[len(pairs) - min(count, len(pairs)) :]


def remember(pairs: NDArray[np.floating], new: Vector) -> None:
    """Puts a row behind the others; the oldest goes."""
    pairs[:-1] = pairs[1:].copy()
    pairs[-1] = new


def lengths(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Where each part of a flat vector begins and ends."""
    at = 0
    for size in sizes:
        yield at, at + size
        at += size
