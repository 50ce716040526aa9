from __future__ import annotations

import pytest

from runtime.cpu.conv_images import Reach, choose
from runtime.cpu.isa import target_for
from runtime.cpu.launch import Context
from runtime.cpu.pack import columns_of, tile_cost
from runtime.cpu.tile import heights


@pytest.mark.parametrize("vectors", [1, 2, 4])
@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
@pytest.mark.parametrize("item", [4, 8])
def test_heights_fall_to_one_so_that_any_number_of_rows_is_covered(vector_bytes, item, vectors):
    found = heights(vector_bytes // item, item, vectors)
    assert sorted(found, reverse=True) == list(found)
    assert found[-1] == 1


@pytest.mark.parametrize(
    ("count", "width", "narrow", "blocks"),
    [(1, 16, 0, 1), (16, 16, 0, 1), (17, 32, 0, 1), (32, 32, 0, 1), (33, 32, 16, 2), (50, 32, 0, 2), (48, 32, 16, 2)],
)
def test_columns_take_the_narrow_tile_where_it_saves_half_a_block(count, width, narrow, blocks):
    columns = columns_of(Context(target_for("avx512")), "f32", count)
    assert (width, narrow, blocks) == (columns.width, columns.narrow, columns.blocks)


def test_tile_cost_is_one_a_row_for_whole_tiles_and_more_for_the_rest():
    assert tile_cost(112) == 112.0
    assert tile_cost(13) > 13.0


def test_reach_leaves_out_the_taps_that_fall_in_the_halo():
    # 5 taps with pad 2 on 8 rows: 1 + 2 taps fall outside at each end
    reach = Reach((-2, -2), (1, 1), (1, 1), (8, 8))
    assert reach.inside(0, 8, 5) == pytest.approx(34 / 40)
    assert reach.inside(0, 8, 5, span=8) == 1.0


def test_choose_spans_images_where_the_halo_is_a_large_part():
    reach = Reach((-2, -2), (1, 1), (1, 1), (8, 8))
    images, span, cost = choose((100, 8, 8), (5, 5), reach, 18432)
    assert (span, images % 14) == (1, 0)
    assert cost < 0.85
    # images a multiple of 4096 bytes apart share a set of the cache: two pixels of each image instead
    assert choose((100, 8, 8), (5, 5), reach, 36864)[1] == 2
