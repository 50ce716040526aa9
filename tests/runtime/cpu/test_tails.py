from __future__ import annotations

import numpy as np
import pytest
from conv_cases import CHOSEN, ConvShape
from kernel_cases import ORIGIN, Bench, check_step, random_values

from runtime import ops
from runtime.cpu.isa import detect
from runtime.cpu.launch import Context
from runtime.expr import Expr, arg, call, const
from runtime.plan import Step, View

AXES = (0, 2, 3)


def part(op: ops.Primitive, reads: tuple[View, ...], writes: tuple[View | None, ...]) -> Step:
    return Step(op, reads, writes, "forward", ORIGIN)


def check(shape: ConvShape, kind: str, threads: tuple[int, ...] = (1, 2, 3, 4), isa: str | None = None) -> None:
    """A convolution with an epilogue of some kind against the reference; unused memory and lanes are NaN."""
    bench = Bench(shape.dtype)
    halo = (shape.pad[0] + shape.margin, shape.pad[1] + shape.margin)
    x = bench.activation((shape.n, shape.c, *shape.size), halo, shape.slack)
    w = bench.dense(shape.weights)
    y = bench.activation((shape.n, shape.k, *shape.out), (shape.margin, 0), shape.slack)
    bias, other = bench.dense((1, shape.k, 1, 1)), bench.activation(y.shape, (0, 1), shape.slack)
    outs = [bench.dense((1, shape.k, 1, 1)) for _ in range(3)]
    epilogue, operands = EPILOGUES[kind](y, bias, other, outs)
    op = ops.Conv(shape.stride, shape.pad, shape.dilation, shape.groups)
    rng = np.random.default_rng(shape.n * shape.c)
    values = {v: random_values(rng, v) for v in (x, w, *operands)}
    check_step(bench.plan(op, [x, w], [y], epilogue), values, threads, isa)


def _moments(y, bias, other, outs):
    return (part(ops.Moments(AXES), (y,), tuple(outs[:2])),), ()


def _sums(y, bias, other, outs):
    trees = (arg(0), call("mul", arg(0), call("sub", arg(1), arg(2))))
    return (part(ops.Reduce("sum", trees, AXES, y.shape), (y, other, bias), tuple(outs[:2])),), (bias, other)


def _largest(y, bias, other, outs):
    return (part(ops.Reduce("max", (arg(0),), AXES, y.shape), (y,), (outs[0],)),), ()


def _map_and_sums(y, bias, other, outs):
    """A mask in place, as behind the gradient of a convolution, and the sums that a normalisation asks for."""
    mask = call("where", call("gt", arg(1), const(0.0)), call("add", arg(0), arg(2)), const(0.0))
    trees = (arg(0), call("mul", arg(0), arg(1)))
    first = part(ops.Map((mask,), y.shape), (y, other, bias), (y,))
    return (first, part(ops.Reduce("sum", trees, AXES, y.shape), (y, other), tuple(outs[:2]))), (bias, other)


def _map_and_moments(y, bias, other, outs):
    first = part(ops.Map((call("add", arg(0), arg(1)),), y.shape), (y, bias), (other,))
    return (first, part(ops.Moments(AXES), (other,), (None, outs[1]))), (bias,)


def _two_passes(y, bias, other, outs):
    """A sum of what was there before the map, the map, and a sum of another row's form behind it."""
    before = part(ops.Reduce("sum", (arg(0),), AXES, y.shape), (y,), (outs[0],))
    middle = part(ops.Map((call("mul", arg(0), const(0.5)),), y.shape), (y,), (other,))
    places = call("mul", arg(0), call("to_float", Expr("index", (), -1, "i32")))
    after = part(ops.Reduce("sum", (places, arg(0)), AXES, y.shape), (other,), (None, outs[2]))
    return (before, middle, after), ()


EPILOGUES = {
    "moments": _moments,
    "sums": _sums,
    "largest": _largest,
    "map and sums": _map_and_sums,
    "map and moments": _map_and_moments,
    "two passes": _two_passes,
}


@pytest.mark.parametrize("kind", EPILOGUES)
def test_a_reduction_in_the_tail_has_the_same_bits_on_one_to_four_threads(kind):
    check(ConvShape(5, 6, 37, (9, 7), (3, 3), pad=(1, 1), slack=3, margin=1), kind)


@pytest.mark.parametrize("name", CHOSEN)
def test_every_way_of_the_convolution_sums_up_its_rows(name):
    check(CHOSEN[name], "map and sums", threads=(1, 2))
    check(CHOSEN[name], "moments", threads=(1, 2))


@pytest.mark.parametrize("channels", [1, 16, 20, 64, 96, 130])
def test_wide_and_narrow_vectors_of_channels_agree_with_the_reference(channels):
    shape = ConvShape(4, 3, channels, (11, 5), (1, 1))
    check(shape, "map and sums", threads=(1, 3))
    check(shape, "moments", threads=(1, 3))


@pytest.mark.parametrize("isa", ["avx2", "generic"])
def test_reductions_in_the_tail_serve_narrower_vectors(isa):
    shape = ConvShape(3, 4, 21, (6, 7), (3, 3), pad=(1, 1), slack=1)
    check(shape, "map and sums", threads=(1,), isa=isa)
    check(shape, "moments", threads=(1,), isa=isa)


def test_reductions_in_the_tail_work_in_float64():
    shape = ConvShape(3, 4, 21, (6, 7), (3, 3), pad=(1, 1), slack=1, dtype="f64")
    check(shape, "sums", threads=(1, 2))
    check(shape, "moments", threads=(1, 2))


def test_moments_far_from_zero_keep_their_digits():
    """The squares are taken around each range's mean: 1e4 + noise of 1 has a variance of 1."""
    bench = Bench()
    x, w = bench.activation((8, 1, 40, 40)), bench.dense((3, 1, 1, 1))
    y, mean, variance = bench.activation((8, 3, 40, 40)), bench.dense((1, 3, 1, 1)), bench.dense((1, 3, 1, 1))
    plan = bench.plan(ops.Conv(), [x, w], [y], (part(ops.Moments(AXES), (y,), (mean, variance)),))
    rng = np.random.default_rng(0)
    check_step(plan, {x: 1e4 + rng.standard_normal(x.shape), w: np.ones(w.shape)}, (1, 2))


def test_a_map_and_the_sums_behind_it_are_one_pass():
    bench = Bench()
    y, bias, other = bench.activation((2, 9, 4, 4)), bench.dense((1, 9, 1, 1)), bench.activation((2, 9, 4, 4))
    outs = [bench.dense((1, 9, 1, 1)) for _ in range(3)]
    epilogue, _ = _map_and_sums(y, bias, other, outs)
    step = Step(ops.Window(1), (y,), (y,), "forward", ORIGIN, epilogue=epilogue)
    tail = Context(detect()).tail(step)
    assert [launch.kernel.name for launch in tail.inside] == ["reduce_sum_rows"]
    assert len(tail.after) == 1
    assert len(tail.apart) >= 2
