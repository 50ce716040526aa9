from __future__ import annotations

import pytest

from runtime.cuda.emit_mma import Tile
from runtime.cuda.tiling import choose

LARGE, SMALL = Tile(128, 128, 64, 64, 3), Tile(64, 32, 16, 32, 4)


def chosen(m, n, k):
    return choose([(LARGE, 600.0), (SMALL, 240.0)], (m, n, k), 1, 32, 4)


def test_a_large_product_takes_the_tile_that_rereads_least():
    found = chosen(50176, 512, 1152)
    assert (found.tile, found.parts) == (LARGE, 1)


def test_a_small_one_takes_tiles_for_every_multiprocessor():
    assert chosen(512, 256, 64).tile == SMALL


@pytest.mark.parametrize(("m", "n", "k"), [(64, 576, 200704), (512, 4608, 3136)])
def test_a_long_k_is_cut_into_parts(m, n, k):
    found = chosen(m, n, k)
    blocks = -(-m // found.tile.rows) * -(-n // found.tile.columns)
    assert found.parts > 1
    assert blocks * found.parts >= 132


def test_more_work_is_never_estimated_to_take_less():
    assert chosen(256, 256, 256).cycles <= chosen(512, 256, 256).cycles <= chosen(512, 512, 512).cycles
