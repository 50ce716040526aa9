"""Fully connected layers: products along rows, skinny gradients, updates on strips of the gradient."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_cases import ORIGIN, Bench, check_step, random_values, run_on_cpu, run_reference

from runtime import ops
from runtime.cpu.flat import strip_of
from runtime.cpu.isa import target_for
from runtime.cpu.launch import Context
from runtime.cpu.skinny import dots_of
from runtime.expr import arg, call, const
from runtime.plan import Step

SHAPES = {
    "one sample": (1, 70, (1, 1), 45),
    "fewer samples than a tile": (3, 16, (3, 2), 7),
    "a last row by itself": (5, 33, (1, 1), 130),
    "long rows in parts, many outputs": (9, 1700, (1, 1), 301),
    "whole maps": (16, 12, (5, 5), 64),
    "between the ways": (50, 90, (1, 1), 40),
    "many samples": (70, 65, (1, 1), 33),
}


def check(kind: str, name: str, dtype: str = "f32", isa: str | None = None, threads: tuple[int, ...] = (1, 2)) -> None:
    n, c, size, k = SHAPES[name]
    bench = Bench(dtype)
    slack = 0 if n % 2 else 3
    x = bench.activation((n, c, *size), (0, 0), slack)
    y = bench.activation((n, k, 1, 1), (0, 0), slack)
    w = bench.dense((k, c, *size))
    geometry = ((1, 1), (0, 0), (1, 1), 1)
    made = {
        "forward": (ops.Conv(*geometry), [x, w], y),
        "input": (ops.ConvInputGrad(*geometry, size), [y, w], x),
        "weight": (ops.ConvWeightGrad(*geometry, size), [x, y], w),
    }
    op, reads, result = made[kind]
    rng = np.random.default_rng(n * k)
    check_step(bench.plan(op, reads, [result]), {v: random_values(rng, v) for v in reads}, threads, isa)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("kind", ["forward", "input", "weight"])
def test_products_of_a_fully_connected_layer_agree_with_the_reference(kind, name):
    check(kind, name, threads=(1, 2, 3))


@pytest.mark.parametrize("kind", ["forward", "input", "weight"])
def test_products_serve_float64(kind):
    check(kind, "long rows in parts, many outputs", "f64")


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("kind", ["forward", "input", "weight"])
def test_products_serve_narrower_vectors(kind, isa):
    check(kind, "a last row by itself", isa=isa, threads=(1,))


@pytest.mark.parametrize(
    ("n", "c", "size", "k"),
    [(4, 70, (1, 1), 45), (16, 6144 + 64, (1, 1), 13), (3, 11, (3, 3), 50), (20, 1024, (2, 1), 30)],
)
def test_an_update_behind_a_weight_gradient_sees_every_element_once(n, c, size, k):
    bench = Bench()
    x, dy = bench.activation((n, c, *size)), bench.activation((n, k, 1, 1))
    dw, shape = bench.dense((k, c, *size)), (k, c * size[0] * size[1])
    w, velocity = bench.dense(shape), bench.dense(shape)
    moved = call("add", call("mul", arg(1), const(0.9)), arg(0))
    rule = ops.Map((moved, call("sub", arg(2), moved)), shape)
    flat = type(dw)(dw.memory, dw.offset, shape, (shape[1], 1), dw.dtype)
    update = Step(rule, (flat, velocity, w), (velocity, w), "forward", ORIGIN)
    op = ops.ConvWeightGrad((1, 1), (0, 0), (1, 1), 1, size)
    plan = bench.plan(op, [x, dy], [dw], (update,))
    rng = np.random.default_rng(c)
    values = {v: random_values(rng, v) for v in (x, dy, w, velocity)}
    want, got = run_reference(plan, values), run_on_cpu(plan, values, 2)
    for view in (velocity, w):
        # sums of up to 20 products in float32, rounded once more by the rule
        np.testing.assert_allclose(got[view], want[view], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("size", [1, 13, 64, 784, 1009, 4096, 9216, 25088, 6211])
@pytest.mark.parametrize("samples", [1, 16, 128])
def test_strips_divide_the_rows_of_a_gradient(size, samples):
    strip = strip_of(size, samples, 4)
    assert size % strip == 0
    assert strip >= min(size, 64)


def test_long_strips_are_taken_where_their_x_stays_in_the_cache():
    assert strip_of(9216, 16, 4) == 4608
    assert strip_of(9216, 128, 4) < 1024


@pytest.mark.parametrize(
    ("isa", "dtype", "tile"), [("avx512", "f32", (4, 6)), ("avx512", "f64", (4, 6)), ("avx2", "f32", (3, 3))]
)
def test_tiles_of_dots_fit_the_registers(isa, dtype, tile):
    lanes = Context(target_for(isa)).lanes(dtype)
    assert dots_of(lanes, 4 if dtype == "f32" else 8) == tile


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("n", "c", "k"), [(1, 70, 45), (5, 33, 130), (16, 300, 512), (70, 65, 33)])
def test_maps_behind_the_outputs_see_every_element_once(n, c, k, threads):
    bench = Bench()
    x, w, bias = bench.activation((n, c, 1, 1)), bench.dense((k, c, 1, 1)), bench.dense((1, k, 1, 1))
    y, shifted, end = (bench.activation((n, k, 1, 1)) for _ in range(3))
    flat = type(end)(end.memory, end.offset, (n, k), end.strides[:2], end.dtype)
    again = type(end)(shifted.memory, shifted.offset, (n, k), shifted.strides[:2], end.dtype)
    add = Step(ops.Map((call("add", arg(0), arg(1)),), (n, k, 1, 1)), (y, bias), (shifted,), "forward", ORIGIN)
    relu = Step(ops.Map((call("max", arg(0), const(0.0)),), (n, k)), (again,), (flat,), "forward", ORIGIN)
    plan = bench.plan(ops.Conv((1, 1), (0, 0), (1, 1), 1), [x, w], [y], (add, relu))
    rng = np.random.default_rng(k)
    values = {v: random_values(rng, v) for v in (x, w, bias)}
    want, got = run_reference(plan, values), run_on_cpu(plan, values, threads)
    for view in (y, shifted, flat):
        # sums of 300 products of numbers about 1, rounded to float32
        np.testing.assert_allclose(got[view], want[view], rtol=1e-4, atol=1e-4)
