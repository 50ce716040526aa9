from __future__ import annotations

import numpy as np
import pytest
from cpu_cases import ORIGIN, executor_of
from kernel_cases import Bench

from runtime import ops
from runtime.plan import Step, View


@pytest.mark.parametrize("slack", [0, 3])
@pytest.mark.parametrize("halo", [(1, 2), (0, 3), (2, 0), (0, 0)])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_clear_halo_writes_the_frame_and_nothing_else(dtype, halo, slack):
    bench = Bench(dtype)
    n, c, h, w = shape = (3, 5, 4, 6)
    view = bench.activation(shape, halo, slack)
    executor = executor_of((Step(ops.ClearHalo(), (), (view,), "forward", ORIGIN),), bench.size + 4096, dtype=dtype)
    executor.poison()
    executor.array(view)[...] = 1
    before = executor.memories["arena"].bytes.copy()
    executor.run("forward")
    start = view.offset - (halo[0] * view.strides[2] + halo[1] * view.strides[3]) * view.item_bytes
    framed = View("arena", start, (n, c, h + 2 * halo[0], w + 2 * halo[1]), view.strides, dtype)
    want = np.pad(np.ones(shape), ((0, 0), (0, 0), (halo[0], halo[0]), (halo[1], halo[1])))
    np.testing.assert_array_equal(executor.array(framed), want)
    executor.array(framed)[...] = np.nan
    executor.array(view)[...] = 1
    now = executor.memories["arena"].array(framed).copy()
    after = executor.memories["arena"].bytes.copy()
    executor.memories["arena"].bytes[...] = before
    executor.array(framed)[...] = now
    np.testing.assert_array_equal(executor.memories["arena"].bytes, after)
