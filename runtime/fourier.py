"""Sizes of the Fourier transforms that convolutions are computed by, for the compiler and the kernels."""

from __future__ import annotations

SIZE = 16
"""Of a tile along an axis."""

POINTS = SIZE * SIZE // 2 + 2
"""Frequencies of a real tile; the others are their conjugates."""

NUMBERS = (SIZE // 2 + 1) * 2 * SIZE
"""Vectors of room for a tile between its transforms by rows and by columns."""
