"""A convolution or a gradient of one on the emulated GPU against the reference: no halo, borders are tested for."""

from __future__ import annotations

import numpy as np
from conv_cases import ConvShape
from emulated_cases import check_emulated_step
from kernel_cases import ORIGIN, Bench, random_values

from runtime import ops
from runtime.cuda.emulator.executor import EmulatedExecutor
from runtime.expr import arg, call, const
from runtime.plan import Plan, Step, View

Made = tuple[Plan, list[View]]


def conv_plan(shape: ConvShape, epilogue: bool = False) -> Made:
    """``Conv`` of this shape, with a bias, a ReLU and a residual behind it for ``epilogue``; the plan and operands."""
    bench = Bench(shape.dtype)
    x = bench.activation((shape.n, shape.c, *shape.size), slack=shape.slack)
    w = bench.dense(shape.weights)
    y = bench.activation((shape.n, shape.k, *shape.out), slack=shape.slack)
    operands, after = [x, w], ()
    if epilogue:
        bias, residual = bench.dense((1, shape.k, 1, 1)), bench.activation(y.shape)
        relu = bench.activation(y.shape)
        biased = call("add", arg(0), arg(1))
        first = Step(
            ops.Map((biased, call("max", biased, const(0.0))), y.shape), (y, bias), (y, relu), "forward", ORIGIN
        )
        mixed = call("add", call("mul", arg(0), const(0.5)), arg(1))
        after = (first, Step(ops.Map((mixed,), y.shape), (relu, residual), (relu,), "forward", ORIGIN))
        operands += [bias, residual]
    op = ops.Conv(shape.stride, shape.pad, shape.dilation, shape.groups)
    return bench.plan(op, [x, w], [y], after), operands


def input_grad_plan(shape: ConvShape, epilogue: bool = False) -> Made:
    """``ConvInputGrad`` of this shape, halved in place for ``epilogue``."""
    bench = Bench(shape.dtype)
    op = ops.ConvInputGrad(shape.stride, shape.pad, shape.dilation, shape.groups, shape.size)
    dy = bench.activation((shape.n, shape.k, *shape.out), slack=shape.slack)
    w = bench.dense(shape.weights)
    dx = bench.activation((shape.n, shape.c, *shape.size), slack=shape.slack)
    after = ()
    if epilogue:
        half = call("mul", arg(0), const(0.5))
        after = (Step(ops.Map((half,), dx.shape), (dx,), (dx,), "forward", ORIGIN),)
    return bench.plan(op, [dy, w], [dx], after), [dy, w]


def weight_grad_plan(shape: ConvShape, epilogue: bool = False) -> Made:
    """``ConvWeightGrad`` of this shape."""
    bench = Bench(shape.dtype)
    op = ops.ConvWeightGrad(shape.stride, shape.pad, shape.dilation, shape.groups, shape.kernel)
    x = bench.activation((shape.n, shape.c, *shape.size), slack=shape.slack)
    dy = bench.activation((shape.n, shape.k, *shape.out), slack=shape.slack)
    dw = bench.dense(shape.weights)
    return bench.plan(op, [x, dy], [dw]), [x, dy]


PLANS = {"conv": conv_plan, "input gradient": input_grad_plan, "weight gradient": weight_grad_plan}
"""By what they compute."""


def planar_plans(shape: ConvShape) -> dict[str, Made]:
    """The three of ``PLANS`` on activations that lie N C H W."""
    sizes = ((shape.n, shape.c, *shape.size), (shape.n, shape.k, *shape.out))
    same = (shape.stride, shape.pad, shape.dilation, shape.groups)
    prims = (ops.Conv(*same), ops.ConvInputGrad(*same, shape.size), ops.ConvWeightGrad(*same, shape.kernel))
    found = {}
    for what, op in zip(PLANS, prims, strict=True):
        bench = Bench(shape.dtype)
        x, y, w = bench.dense(sizes[0]), bench.dense(sizes[1]), bench.dense(shape.weights)
        reads, result = {"conv": ([x, w], y), "input gradient": ([y, w], x), "weight gradient": ([x, y], w)}[what]
        found[what] = bench.plan(op, reads, [result]), reads
    return found


def check_emulated(made: Made) -> EmulatedExecutor:
    """The plan's step on random operands; see ``check_emulated_step``."""
    plan, operands = made
    rng = np.random.default_rng(len(operands))
    return check_emulated_step(plan, {v: random_values(rng, v) for v in operands})


def normalised_plan(shape: ConvShape) -> Made:
    """``Conv`` with a bias, and behind it moments, the sum of two things and the largest of each channel."""
    bench = Bench(shape.dtype)
    x, w = bench.activation((shape.n, shape.c, *shape.size)), bench.dense(shape.weights)
    y = bench.activation((shape.n, shape.k, *shape.out))
    z, other, bias = bench.activation(y.shape), bench.activation(y.shape), bench.dense((1, shape.k, 1, 1))
    mean, variance, total, product, most = (bench.dense((1, shape.k, 1, 1)) for _ in range(5))
    axes = (0, 2, 3)
    two = (arg(0), call("mul", arg(0), arg(1)))
    after = (
        Step(ops.Map((call("add", arg(0), arg(1)),), y.shape), (y, bias), (z,), "forward", ORIGIN),
        Step(ops.Moments(axes), (z,), (mean, variance), "forward", ORIGIN),
        Step(ops.Reduce("sum", two, axes, y.shape), (y, other), (total, product), "forward", ORIGIN),
        Step(ops.Reduce("max", (arg(0),), axes, y.shape), (z,), (most,), "forward", ORIGIN),
    )
    op = ops.Conv(shape.stride, shape.pad, shape.dilation, shape.groups)
    return bench.plan(op, [x, w], [y], after), [x, w, bias, other]
