"""The matrices of a weight gradient with simple coefficients in front of the sums."""

from __future__ import annotations

import functools

from runtime.winograd import Matrices, matrices


@functools.cache
def scaled(outputs: int, tile: int) -> Matrices:
    """F(``outputs``, ``tile``), each row of ``g`` divided by its first coefficient and the column of ``at`` multiplied.

    The transform of dy, run for every tile, then takes half the operations; the
    one behind the sums, run once, pays for it.
    """
    found = matrices(outputs, tile)
    first = [next(c for c in row if c) for row in found.g]
    g = tuple(tuple(c / f for c in row) for row, f in zip(found.g, first, strict=True))
    at = tuple(tuple(c * f for c, f in zip(row, first, strict=True)) for row in found.at)
    return Matrices(at, g, found.bt)
