from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conv_cases import ConvShape
from conv_checks import check_conv, check_input_grad
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, ORIGIN, Bench

from runtime import ops
from runtime.cpu.executor import CpuExecutor
from runtime.cpu.launch import PACKED
from runtime.cpu.winograd.conv import is_staged, rows_of_chunk
from runtime.executor import Store
from runtime.expr import arg, call, const
from runtime.plan import Plan, Step
from runtime.ways import WINOGRAD_2, WINOGRAD_4, possible

WAYS = (WINOGRAD_2, WINOGRAD_4)

CHOSEN = {
    "tiles that fit": ConvShape(3, 16, 16, (16, 16), (3, 3), pad=(1, 1)),
    "tiles over the edge": ConvShape(9, 20, 50, (12, 13), (5, 5)),
    "a map of one tile": ConvShape(20, 33, 48, (3, 2), (3, 3), pad=(1, 1), slack=3),
    "groups": ConvShape(2, 34, 70, (13, 13), (3, 3), pad=(1, 1), groups=2, margin=1),
    "padding beyond the window": ConvShape(2, 5, 7, (6, 9), (3, 3), pad=(3, 4)),
    "many chunks": ConvShape(5, 3, 20, (33, 30), (5, 5), pad=(2, 2), slack=1),
    "weights met once": ConvShape(3, 128, 160, (7, 7), (3, 3), pad=(1, 1)),
    "weights met once, in groups": ConvShape(2, 256, 400, (5, 6), (3, 3), pad=(1, 1), groups=2, slack=2),
}


@st.composite
def shapes(draw: st.DrawFn) -> ConvShape:
    """Windows of 3 x 3 and 5 x 5 at stride 1, in groups, on maps that tiles rarely fit."""
    taps, groups = draw(st.sampled_from([3, 3, 5])), draw(st.sampled_from([1, 1, 2, 3]))
    c, k = groups * draw(st.sampled_from([1, 3, 8, 17, 32])), groups * draw(st.sampled_from([2, 7, 16, 20, 33, 50]))
    pad = draw(st.tuples(st.integers(0, taps), st.integers(0, taps)))
    h, w = (draw(st.integers(max(1, taps - 2 * p), 14)) for p in pad)
    return ConvShape(
        draw(st.sampled_from([1, 2, 3, 16])), c, k, (h, w), (taps, taps), pad=pad, groups=groups,
        slack=draw(st.sampled_from([0, 0, 3])), margin=draw(st.sampled_from([0, 0, 1])),
        dtype=draw(st.sampled_from(["f32", "f32", "f64"])),
    )  # fmt: skip


def offered(shape: ConvShape) -> bool:
    """Whether a step of this shape may ask for Winograd's algorithm at all."""
    op = ops.Conv(shape.stride, shape.pad, shape.dilation, shape.groups)
    return WINOGRAD_4 in possible(op, (shape.n, shape.c, *shape.size), shape.kernel)


@settings(GENERATED, max_examples=40)
@given(shapes().filter(offered), st.sampled_from(WAYS))
def test_conv_agrees_with_the_reference(shape, way):
    check_conv(shape, way=way)


@settings(GENERATED, max_examples=40)
@given(shapes().filter(offered), st.sampled_from(WAYS))
def test_input_gradient_agrees_with_the_reference(shape, way):
    check_input_grad(shape, way=way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CHOSEN)
def test_both_have_the_same_bits_on_one_to_four_threads_and_run_their_epilogue_on_every_row(name, way):
    for check in (check_conv, check_input_grad):
        check(CHOSEN[name], epilogue=True, threads=(1, 2, 3, 4), way=way)


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_both_serve_narrower_vectors(isa, dtype):
    for name in ("tiles over the edge", "groups"):
        for check in (check_conv, check_input_grad):
            check(replace(CHOSEN[name], dtype=dtype), threads=(1,), isa=isa, way=WINOGRAD_4)


def test_the_chosen_shapes_take_both_forms():
    staged = [name for name in CHOSEN if name.startswith("weights met once")]
    for name, shape in CHOSEN.items():
        tiles = shape.n * -(-shape.out[0] // 4) * -(-shape.out[1] // 4)
        points = (4 + shape.kernel[0] - 1) ** 2
        weights = 4 * points * shape.k * shape.c // shape.groups
        assert is_staged(weights, 4 * points * tiles * shape.c, tiles) == (name in staged), name


@pytest.mark.parametrize("name", ["groups", "weights met once"])
def test_kept_weights_give_the_bits_of_those_made_in_every_run(name):
    shape = CHOSEN[name]
    x = Bench().activation((shape.n, shape.c, *shape.size), shape.pad)
    y = Bench(size=x.offset + 4 * x.strides[0] * (shape.n + 1)).activation((shape.n, shape.k, *shape.out))
    w = replace(Bench().dense(shape.weights), memory="params", offset=0)
    conv = Step(ops.Conv(pad=shape.pad, groups=shape.groups), (x, w), (y,), "forward", ORIGIN, algorithm=WINOGRAD_4)
    again = Step(ops.Map((call("mul", arg(0), const(1.0)),), w.shape), (w,), (w,), "update", ORIGIN)
    sizes = {"arena": y.offset + 4 * y.strides[0] * (shape.n + 1), "params": 4 * w.count}
    found = []
    for steps in ((conv,), (conv, again)):
        executor = CpuExecutor(Plan("test", "f32", 1, steps, sizes, (), {}, {}), Store(sizes), 2)
        assert (executor.memories[PACKED].size > 0) == (len(steps) == 1)
        rng = np.random.default_rng(0)
        for value in (1.0, 2.0):
            executor.array(x)[...] = rng.standard_normal(x.shape)
            executor.array(w)[...] = value * rng.standard_normal(w.shape)
            executor.store.changed()
            executor.run("forward")
            executor.run("forward")
            found.append(executor.array(y).copy())
        executor.close()
    np.testing.assert_array_equal(found[:2], found[2:])
    assert not (found[0] == found[1]).any()


@pytest.mark.parametrize(("rows", "width"), [(1, 1), (64, 2), (7, 300), (1024, 8), (3, 14)])
@pytest.mark.parametrize("tile_bytes", [1_000, 100_000])
@pytest.mark.parametrize("weights", [10_000, 10_000_000])
def test_chunks_are_some_rows_of_tiles_and_never_many(rows, width, tile_bytes, weights):
    count = rows_of_chunk(rows, width, tile_bytes, weights)
    assert 1 <= count <= rows
    assert count == 1 or count * width <= 112
