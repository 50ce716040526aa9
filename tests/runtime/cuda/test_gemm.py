from __future__ import annotations

import numpy as np
import pytest
from emulated_cases import check_emulated_step
from kernel_cases import ORIGIN, Bench, random_values

from runtime import ops
from runtime.cuda import gemm, matmul, tiling
from runtime.cuda.emit_gemm import Tile
from runtime.cuda.launch import Context
from runtime.cuda.operands import Axis, Operand, plain
from runtime.plan import Step
from runtime.vector.kernel import Address

CASES = [(dtype, tile) for dtype, tiles in gemm.TILES.items() for tile in tiles]


def product(dtype, m, n, k, transpose_a, transpose_b):
    bench = Bench(dtype)
    a = bench.dense((k, m) if transpose_a else (m, k))
    b = bench.dense((n, k) if transpose_b else (k, n))
    c = bench.dense((m, n))
    return bench, a, b, c, ops.Matmul(transpose_a, transpose_b)


def force(monkeypatch, tile, parts):
    monkeypatch.setattr(gemm, "choose", lambda *_: tiling.Choice(tile, parts, 0.0))


@pytest.mark.parametrize(("dtype", "tile"), CASES, ids=str)
def test_every_tile_agrees_with_the_reference_without_bank_conflicts(dtype, tile, monkeypatch):
    # whole tiles and vectors: at edges threads take elements one by one, and may meet in a bank
    force(monkeypatch, tile, 1)
    bench, a, b, c, op = product(dtype, tile.rows, tile.columns, 16, False, False)
    rng = np.random.default_rng(0)
    executor = check_emulated_step(bench.plan(op, [a, b], [c]), {v: random_values(rng, v) for v in (a, b)})
    assert executor.machine.accesses > 0
    assert executor.machine.conflicts == 0


@pytest.mark.parametrize("transposed", [(True, False), (False, True), (True, True)], ids=str)
@pytest.mark.parametrize("sizes", [(33, 12, 20), (7, 35, 11)], ids=str)
def test_every_way_of_loading_agrees_at_the_edges(transposed, sizes, monkeypatch):
    force(monkeypatch, Tile(32, 32, 4, 4), 1)
    bench, a, b, c, op = product("f32", *sizes, *transposed)
    rng = np.random.default_rng(0)
    check_emulated_step(bench.plan(op, [a, b], [c]), {v: random_values(rng, v) for v in (a, b)})


@pytest.mark.parametrize("sizes", [(20, 12, 44), (5, 7, 25)], ids=str)
def test_parts_along_k_are_added_up(sizes, monkeypatch):
    force(monkeypatch, Tile(32, 32, 4, 4), 3)
    bench, a, b, c, op = product("f32", *sizes, False, True)
    rng = np.random.default_rng(0)
    plan = bench.plan(op, [a, b], [c])
    executor = check_emulated_step(plan, {v: random_values(rng, v) for v in (a, b)})
    assert [launch.kernel.name for launch in executor.launches[0]] == ["gemm_f32_32x32", "merge"]


def launches(m, n, k):
    _, a, b, c, op = product("f32", m, n, k, False, False)
    step = Step(op, (a, b), (c,), "forward", ORIGIN)
    return matmul.product(op, a, b, c).launches(step, c, Context())


def test_large_products_take_large_tiles_and_small_ones_fill_the_device():
    large, *_ = launches(4096, 4096, 1024)
    assert large.kernel.name == "gemm_f32_128x128"
    assert large.grid == (1024, 1, 1)
    small, *merge = launches(128, 10, 4096)
    assert small.grid[1] > 1, "a long sum of few results is cut into parts"
    assert [m.kernel.name for m in merge] == ["merge"]


def test_products_of_other_sizes_share_their_kernel():
    one, two = launches(4096, 4096, 1024)[0], launches(8192, 4096, 512)[0]
    assert one.kernel == two.kernel
    assert one.args != two.args


def test_an_operand_is_loaded_in_vectors_where_its_neighbours_and_their_place_allow():
    def access(offset, row, k):
        return Operand(Address("arena", offset), plain(64, row), plain(64, k)).access("f32", 4)

    assert access(256, 256, 4) == (True, 4)
    assert access(256, 4, 256) == (False, 4)
    assert access(264, 256, 4) == (True, 2)
    assert access(256, 252, 4) == (True, 1)
    assert access(256, 512, 8) == (False, 1)


def test_taps_of_few_channels_are_one_dimension():
    pixels = Axis((1, 8, 8), (0, 96, 12), "pixels", (-1, -1), (2, 2))
    taps = Axis((3, 3, 3), (96, 12, 4), "taps", (0, 0), (1, 1))
    joined = Operand(Address("arena", 0), pixels, taps, (0, 0), (8, 8)).joined("f32", 4)
    assert joined.inner == Axis((1, 3, 9), (0, 96, 4), "pixels", (0, 0), (1, 1))
    assert joined.outer == Axis((1, 8, 8), (0, 96, 12), "pixels", (-1, -3), (2, 6))
    assert joined.border == (8, 24)
