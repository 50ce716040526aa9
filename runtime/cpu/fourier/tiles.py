"""Two-dimensional transforms of tiles of vectors, as functions that kernels call.

The 130 numbers of a real 16 x 16 tile stand in this order: u = 0 with v = 0 ..
8, u = 8 with v = 0 .. 8, then u = 1 .. 7 with v = 0 .. 15; the others are their
conjugates. ``numbers`` is room for NUMBERS vectors (``runtime.fourier``). Only kernels import this module
(it imports numba).
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from runtime.cpu.fourier.codelets import forward_complex, forward_real, inverse_complex, inverse_real
from runtime.vector.simd import device, least, vectors
from runtime.vector.vectype import ITEM_BYTES


def transforms(scalar: str, lanes: int) -> SimpleNamespace:
    """The functions ``forward``, ``inverse`` and ``patch`` of a dtype."""
    size = lanes * ITEM_BYTES[scalar]
    half, full, back_full, back_half = (
        f(scalar, lanes) for f in (forward_real, forward_complex, inverse_complex, inverse_real)
    )

    @device
    def forward(source, row, pixel, to, point, part, numbers):  # type: ignore[no-untyped-def]
        """The spectrum of a tile, number p at to + p point, imaginary parts at + part."""
        for j in range(16):
            half(source + j * pixel, row, 0, numbers + 2 * j * size, 32 * size, size)
        half(numbers, 2 * size, 0, to, point, part)
        half(numbers + 8 * 32 * size, 2 * size, 0, to + 9 * point, point, part)
        for u in range(1, 8):
            full(numbers + u * 32 * size, 2 * size, size, to + (2 + 16 * u) * point, point, part)

    @device
    def inverse(source, point, numbers, columns, tile):  # type: ignore[no-untyped-def]
        """The first columns of the tile whose spectrum is at source + p point: vector (i, j) at tile + 16 j + i."""
        back_half(source, point, size, numbers, 2 * size, 0)
        back_half(source + 9 * point, point, size, numbers + 8 * 32 * size, 2 * size, 0)
        for u in range(1, 8):
            back_full(source + (2 + 16 * u) * point, point, size, numbers + u * 32 * size, 2 * size, size)
        for j in range(columns):
            back_half(numbers + 2 * j * size, 32 * size, size, tile + 16 * j * size, size, 0)

    return SimpleNamespace(forward=forward, inverse=inverse, patch=patcher(scalar, lanes))


def patcher(scalar: str, lanes: int) -> Any:
    """``patch(source, row, pixel, rows, columns, channels, to, to_pixel)`` of a dtype."""
    v = vectors(scalar, lanes)
    load_tail, splat, store = v.load_tail, v.splat, v.store

    @device
    def patch(source, row, pixel, rows, columns, channels, to, to_pixel):  # type: ignore[no-untyped-def]
        """The first rows and columns of a tile, zeros behind them."""
        for i in range(16):
            for j in range(16):
                at = to + (16 * i + j) * to_pixel
                inside = i < rows and j < columns
                for c in range(0, channels, lanes):
                    if inside:
                        store(at, c, load_tail(source + i * row + j * pixel, c, least(lanes, channels - c)))
                    else:
                        store(at, c, splat(0.0))

    return patch
