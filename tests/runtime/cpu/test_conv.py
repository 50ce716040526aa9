from __future__ import annotations

import numpy as np
import pytest
from conv_cases import CHOSEN, ConvShape, conv_shapes
from hypothesis import given, settings
from kernel_cases import GENERATED, ORIGIN, Bench, check_step, random_values

from runtime import ops
from runtime.cpu.conv import split
from runtime.expr import arg, call, const
from runtime.plan import Step


def check(shape: ConvShape, epilogue: bool = False, threads: tuple[int, ...] = (1, 2), isa: str | None = None) -> None:
    bench = Bench(shape.dtype)
    halo = (shape.pad[0] + shape.margin, shape.pad[1] + shape.margin)
    x = bench.activation((shape.n, shape.c, *shape.size), halo, shape.slack)
    w = bench.dense(shape.weights)
    y = bench.activation((shape.n, shape.k, *shape.out), (shape.margin, 0), shape.slack)
    operands, after = [x, w], ()
    if epilogue:
        bias = bench.dense((1, shape.k, 1, 1))
        relu = bench.activation((shape.n, shape.k, *shape.out), (0, 1))
        biased = call("add", arg(0), arg(1))
        results = (biased, call("max", biased, const(0.0)))
        after = (Step(ops.Map(results, y.shape), (y, bias), (y, relu), "forward", ORIGIN),)
        operands.append(bias)
    op = ops.Conv(shape.stride, shape.pad, shape.dilation, shape.groups)
    rng = np.random.default_rng(shape.n * shape.c)
    check_step(bench.plan(op, [x, w], [y], after), {v: random_values(rng, v) for v in operands}, threads, isa)


@settings(GENERATED, max_examples=50)
@given(conv_shapes())
def test_conv_agrees_with_the_reference(shape):
    check(shape)


@pytest.mark.parametrize("name", CHOSEN)
def test_conv_has_the_same_bits_on_one_to_four_threads(name):
    check(CHOSEN[name], threads=(1, 2, 3, 4))


@pytest.mark.parametrize("name", CHOSEN)
def test_conv_runs_its_epilogue_once_on_every_row(name):
    check(CHOSEN[name], epilogue=True)


@pytest.mark.parametrize("work", [1e3, 1e6, 1e9])
@pytest.mark.parametrize(("rows", "width", "blocks"), [(1, 1, 1), (7, 7, 16), (512, 8, 2), (3584, 224, 2), (56, 7, 1)])
def test_split_covers_the_rows_in_tables_of_bounded_size(rows, width, blocks, work):
    rows_a_chunk, blocks_a_chunk = split(rows, width, blocks, work)
    assert 1 <= rows_a_chunk <= rows
    assert 1 <= blocks_a_chunk <= blocks
    assert rows_a_chunk == 1 or rows_a_chunk * width <= 1024


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("name", ["first layer, three channels", "depthwise", "small maps of many images"])
def test_conv_serves_narrower_vectors(name, isa):
    check(CHOSEN[name], threads=(1,), isa=isa)
