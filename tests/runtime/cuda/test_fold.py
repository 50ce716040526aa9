from __future__ import annotations

import importlib.util

import pytest
from kernel_cases import Bench

from runtime import ops
from runtime.cuda import moments, reduce  # noqa: F401  (they register their launchers)
from runtime.cuda.launch import Context, Launch
from runtime.cuda.sharing import BLOCK, ENOUGH
from runtime.expr import arg, call

needs_numba_cuda = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="the extra netspec[cuda] is not installed"
)


def _launches(op: ops.Primitive, shape: tuple[int, ...], kept: tuple[int, ...], results: int) -> list[Launch]:
    bench = Bench()
    reads = [bench.activation(shape)]
    return Context().launches(bench.plan(op, reads, [bench.dense(kept) for _ in range(results)]).steps[0])


MAP, CHANNELS = (128, 64, 56, 56), (1, 64, 1, 1)
BY_CHANNEL = [
    (ops.Reduce("sum", (arg(0), call("mul", arg(0), arg(0))), (0, 2, 3), MAP), 2),
    (ops.Moments((0, 2, 3)), 2),
]


@pytest.mark.parametrize(("op", "results"), BY_CHANNEL, ids=["reduce", "moments"])
def test_channels_of_a_large_map_are_summed_by_blocks_that_fill_a_device(op, results):
    parts, merge = _launches(op, MAP, CHANNELS, results)
    assert parts.grid[0] * parts.grid[1] * parts.block == ENOUGH
    assert merge.grid[0] * merge.block < BLOCK * 4


def test_few_elements_are_reduced_in_one_launch():
    (launch,) = _launches(ops.Reduce("sum", (arg(0),), (0, 1, 2, 3), (64, 1, 1, 1)), (64, 1, 1, 1), (1, 1, 1, 1), 1)
    assert launch.grid == (1, 1, 1)


@needs_numba_cuda
@pytest.mark.parametrize(("op", "results"), BY_CHANNEL, ids=["reduce", "moments"])
def test_channels_are_loaded_16_bytes_at_once_into_registers(op, results):
    from runtime.cuda.build import ptx

    for launch in _launches(op, MAP, CHANNELS, results):
        text = ptx(launch.kernel, len(launch.args), launch.block, (9, 0))
        assert "ld.global.v4.f32" in text
        assert "ld.shared.v4.f32" in text
        assert "ld.global.f32" not in text
        assert ".local" not in text
        assert "atom" not in text
