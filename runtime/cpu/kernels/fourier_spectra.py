"""Spectra of tiles: number p of tile t, channel vector c at to + p point + t tile + c step, imaginary parts at + part.

Tiles count (image, row of tiles, tile) from ``first_tile`` on; each takes
``rows`` x ``columns`` elements at most and zeros behind the map's end. Chunk:
``some`` tiles.
"""

from runtime.cpu.fourier.tiles import transforms
from runtime.fourier import NUMBERS
from runtime.vector.simd import least
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
VECTOR = LANES * ITEM
T = transforms(SCALAR, LANES)
forward, patch = T.forward, T.patch


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, image, row, pixel, channels, height, width, tiles_h, tiles_w, step_h, step_w, rows, columns,
        first_tile, tiles, some, to, point, tile, step, part, scratch, scratch_stride,
    ) = unpack(args, 23)  # fmt: skip
    numbers = scratch + thread * scratch_stride
    edge = numbers + NUMBERS * VECTOR
    for chunk in range(first, last):
        for t in range(chunk * some, least(tiles, (chunk + 1) * some)):
            unit = (first_tile + t) // tiles_w
            n = unit // tiles_h
            h = (unit - n * tiles_h) * step_h
            w = (first_tile + t - unit * tiles_w) * step_w
            down = least(rows, height - h)
            across = least(columns, width - w)
            source = x + n * image + h * row + w * pixel
            for c in range(0, channels, LANES):
                at = to + t * tile + c // LANES * step
                if down < 16 or across < 16:
                    patch(source + c * ITEM, row, pixel, down, across, least(LANES, channels - c), edge, VECTOR)
                    forward(edge, 16 * VECTOR, VECTOR, at, point, part, numbers)
                else:
                    forward(source + c * ITEM, row, pixel, at, point, part, numbers)
