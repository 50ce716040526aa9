"""A convolution or a gradient of one on the CPU against the reference, whatever the way it is computed."""

from __future__ import annotations

import numpy as np
from conv_cases import ConvShape
from kernel_cases import APPROXIMATE, ORIGIN, PARITY, Bench, check_step, random_values

from runtime import ops
from runtime.expr import arg, call, const
from runtime.plan import Step
from runtime.winograd import TILE


def parity_of(way: str | None) -> dict[str, float]:
    """What a way may be off; Fourier transforms of such maps keep to the bound of direct products."""
    return APPROXIMATE if way in TILE else PARITY


def check_conv(
    shape: ConvShape,
    epilogue: bool = False,
    threads: tuple[int, ...] = (1, 2),
    isa: str | None = None,
    way: str | None = None,
) -> None:
    """``Conv`` of this shape, with a bias and a ReLU behind it for ``epilogue``."""
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
    values = {v: random_values(rng, v) for v in operands}
    check_step(bench.plan(op, [x, w], [y], after, way), values, threads, isa, parity_of(way))


def check_input_grad(
    shape: ConvShape,
    epilogue: bool = False,
    threads: tuple[int, ...] = (1, 2),
    isa: str | None = None,
    way: str | None = None,
) -> None:
    """``ConvInputGrad`` of this shape, halved in place for ``epilogue``."""
    bench = Bench(shape.dtype)
    op = ops.ConvInputGrad(shape.stride, shape.pad, shape.dilation, shape.groups, shape.size)
    need = ops.conv_input_grad_halo(op, shape.kernel, shape.out)
    halo = (need[0] + shape.margin, need[1] + shape.margin)
    dy = bench.activation((shape.n, shape.k, *shape.out), halo, shape.slack)
    w = bench.dense(shape.weights)
    dx = bench.activation((shape.n, shape.c, *shape.size), (0, shape.margin), shape.slack)
    after = ()
    if epilogue:
        half = call("mul", arg(0), const(0.5))
        after = (Step(ops.Map((half,), dx.shape), (dx,), (dx,), "forward", ORIGIN),)
    rng = np.random.default_rng(shape.n * shape.c)
    values = {v: random_values(rng, v) for v in (dy, w)}
    check_step(bench.plan(op, [dy, w], [dx], after, way), values, threads, isa, parity_of(way))


def check_weight_grad(
    shape: ConvShape, threads: tuple[int, ...] = (1, 2), isa: str | None = None, way: str | None = None
) -> None:
    """``ConvWeightGrad`` of this shape."""
    bench = Bench(shape.dtype)
    op = ops.ConvWeightGrad(shape.stride, shape.pad, shape.dilation, shape.groups, shape.kernel)
    halo = (shape.pad[0] + shape.margin, shape.pad[1] + shape.margin)
    x = bench.activation((shape.n, shape.c, *shape.size), halo, shape.slack)
    dy = bench.activation((shape.n, shape.k, *shape.out), (shape.margin, 0), shape.slack)
    dw = bench.dense(shape.weights)
    rng = np.random.default_rng(shape.n * shape.c)
    values = {v: random_values(rng, v) for v in (x, dy)}
    check_step(bench.plan(op, [x, dy], [dw], way=way), values, threads, isa, parity_of(way))
