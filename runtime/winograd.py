"""Matrices of Winograd's minimal filtering algorithms F(m, r), and how exact they are.

``y = A' [(G g) * (B' d)]``: m outputs of a correlation of d (m + r - 1 values)
with g (r taps) by m + r - 1 products. In two dimensions each matrix is applied
to rows and columns, and a convolution sums the products over its channels.

Pure Python: the compiler asks for errors, kernels for matrices.

Source
    Winograd 1980, "Arithmetic complexity of computations"; Toom 1963 and Cook
    1966 for the construction from points; Lavin and Gray 2016, "Fast algorithms
    for convolutional neural networks"; Barabasz et al. 2020, "Error analysis and
    improving the accuracy of Winograd convolution", for the points.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from runtime.ways import WINOGRAD_2, WINOGRAD_4

Matrix = tuple[tuple[Fraction, ...], ...]

TILE = {WINOGRAD_2: 2, WINOGRAD_4: 4}
"""Outputs of a tile along an axis (rows of dy, for a weight gradient), by the way's name."""

POINTS = tuple(Fraction(p) for p in ("0", "1", "-1", "1/2", "-2", "-1/2", "2"))
"""Interpolation points in the order in which they are used; infinity is always the last one.

With 1/2 and -2 in front of 2 the sizes 6 have half the error of 0, 1, -1, 2, -2.
"""


@dataclass(frozen=True)
class Matrices:
    """F(m, r): ``at`` is m x n, ``g`` n x r, ``bt`` n x n with n = m + r - 1."""

    at: Matrix
    g: Matrix
    bt: Matrix


@functools.cache
def matrices(m: int, r: int) -> Matrices:
    """The matrices of F(m, r).

    Parameters
    ----------
    m, r
        Outputs and taps; m + r - 1 is at most 8.

    Raises
    ------
    ValueError
        More points needed than there are.
    """
    return from_points(m, r, POINTS)


def from_points(m: int, r: int, points: Sequence[Fraction]) -> Matrices:
    """The matrices of F(m, r) from the first m + r - 2 of ``points``, and infinity."""
    n = m + r - 1
    if n - 1 > len(points):
        raise ValueError(f"F({m}, {r}) needs {n - 1} points, there are {len(points)}")
    used = [Fraction(p) for p in points[: n - 1]]
    one, zero = Fraction(1), Fraction(0)
    at = [[p**i for p in used] + [one if i == m - 1 else zero] for i in range(m)]
    g, bt = [], []
    for i, p in enumerate(used):
        others = [q for j, q in enumerate(used) if j != i]
        scale = math.prod((p - q for q in others), start=one)
        g.append([p**k / scale for k in range(r)])
        bt.append([*_product(others), zero])
    g.append([zero] * (r - 1) + [one])
    bt.append(_product(used))
    return Matrices(_frozen(at), _frozen(g), _frozen(bt))


def _product(roots: Sequence[Fraction]) -> list[Fraction]:
    """Coefficients of the product of (x - root), lowest first."""
    result = [Fraction(1)]
    for root in roots:
        result = [a - root * b for a, b in zip([Fraction(0), *result], [*result, Fraction(0)], strict=True)]
    return result


def _frozen(rows: list[list[Fraction]]) -> Matrix:
    return tuple(tuple(row) for row in rows)


ERROR = {
    (2, 3): (6e-7, 1.5e-7),
    (4, 3): (4e-6, 1.0e-6),
    (2, 4): (3e-6, 7.0e-7),
    (4, 4): (1.2e-5, 2.2e-6),
    (2, 5): (3e-6, 5.0e-7),
    (4, 5): (1.2e-5, 2.2e-6),
    (3, 2): (6e-7, 1.5e-7),
    (3, 4): (3e-6, 7.0e-7),
    (5, 2): (6e-6, 1.1e-6),
    (5, 4): (1.4e-5, 2.5e-6),
}
"""F(m, r): what max |y - ref| / rms(ref) in float32 stays below, a and b of a + b sqrt(terms).

Measured with normal numbers on 1 to 1024 channels: the transforms lose the
constant part, the sum over the channels what grows.
"""

SAFETY = 3.0
"""Numbers that are all positive, as behind a ReLU, and maps of millions of outputs reach up to this many times more."""


def parity_error(way: str, taps: int, terms: int, *, weight_grad: bool = False, dtype: str = "f32") -> float:
    """An upper estimate of max |y - ref| / rms(ref) of a convolution computed this way.

    Parameters
    ----------
    way
        A way of ``TILE``.
    taps
        Rows of the window that the algorithm works with, 3 to 5.
    terms
        Products that are summed: the channels a group (of y, for an input
        gradient); tiles of all images, for a weight gradient.
    weight_grad
        Whether it is a weight gradient: F(taps, tile) instead of F(tile, taps).
    dtype
        ``f32`` or ``f64``.

    Raises
    ------
    KeyError
        No such way, or no measured error for these taps.
    """
    tile = TILE[way]
    constant, growth = ERROR[(taps, tile) if weight_grad else (tile, taps)]
    finer = 2.0**-29 if dtype == "f64" else 1.0
    return SAFETY * finer * (constant + growth * math.sqrt(terms))
