"""The outline of each kind of shape, as a distance: below 0 inside, above 0 outside.

On the outline the distance is 0 and its slope 1, so that ``1/2 - distance`` is how much of a pixel a shape covers.
Every outline lies in the circle of radius 1 around the origin.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]
Distance = Callable[[Grid, Grid], Grid]

# cosine and sine of 72 and 36 degrees, of 60 degrees
_C72, _S72, _C36, _S36, _S60 = 0.30901699, 0.95105652, 0.80901699, 0.58778525, 0.8660254
_FIVE = ((0.0, 1.0), (_S72, _C72), (-_S72, _C72), (_S36, -_C36), (-_S36, -_C36))


def circle(u: Grid, v: Grid, radius: float = 0.85) -> Grid:
    """Return ``|p| - radius``."""
    return np.sqrt(u * u + v * v) - np.float32(radius)


def box(u: Grid, v: Grid, width: float, height: float) -> Grid:
    """Return the distance from a rectangle of these half sides; beyond a corner that from the longer way."""
    return np.maximum(np.abs(u) - np.float32(width), np.abs(v) - np.float32(height))


def square(u: Grid, v: Grid) -> Grid:
    """Return a square's distance."""
    return box(u, v, 0.7, 0.7)


def bar(u: Grid, v: Grid) -> Grid:
    """Return the distance of a rectangle 2.6 times as long as wide."""
    return box(u, v, 0.93, 0.36)


def cross(u: Grid, v: Grid) -> Grid:
    """Return the distance of two bars at a right angle."""
    return np.minimum(bar(u, v), bar(v, u))


def triangle(u: Grid, v: Grid) -> Grid:
    """Return an equilateral triangle's distance."""
    half = np.float32(0.5)
    return np.maximum(-v, np.float32(_S60) * np.abs(u) + half * v) - half


def star(u: Grid, v: Grid) -> Grid:
    """Return a pentagram's distance: inside of at least four of its five lines, hence the second largest of theirs."""
    first = second = np.full(u.shape, -np.inf, np.float32)
    for across, down in _FIVE:
        d = np.float32(across) * u + np.float32(down) * v
        second = np.maximum(second, np.minimum(first, d))
        first = np.maximum(first, d)
    return second - np.float32(_C72)


def ring(u: Grid, v: Grid) -> Grid:
    """Return a ring's distance."""
    return np.abs(circle(u, v, 0.68)) - np.float32(0.22)


def moon(u: Grid, v: Grid) -> Grid:
    """Return the distance of a circle from which another one is cut."""
    return np.maximum(circle(u, v, 0.9), -circle(u - np.float32(0.5), v, 0.7))


DISTANCES: dict[str, Distance] = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "star": star,
    "cross": cross,
    "ring": ring,
    "bar": bar,
    "moon": moon,
}
