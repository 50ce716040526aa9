"""Products on emulated tensor cores: a tile small enough for the emulator, taken whatever it costs."""

from __future__ import annotations

import numpy as np
from conv_cases import ConvShape
from emulated_cases import check_emulated_step
from kernel_cases import ORIGIN, Bench, random_values

from runtime import ops
from runtime.cuda import mma
from runtime.cuda.emit_mma import Tile
from runtime.cuda.tiling import Choice
from runtime.expr import arg, call, const
from runtime.plan import Plan, Step, View

BOUND = {"tf32": {"f32": 5e-3}, "bf16": {"f32": 2e-2}}
"""max|y - ref| / rms(ref) of products of rounded factors: DESIGN.md, section 6."""

SMALL = Tile(32, 32, 16, 32, 3)
"""Two warps; the loop over tiles, steps and stages is that of the large ones."""


def take(monkeypatch, tile: Tile = SMALL, parts: int = 1) -> None:
    """Makes every product that can take tensor cores take them, with this tile."""
    monkeypatch.setattr(mma, "_choose", lambda *size: Choice(tile, parts, -1e9))


def matmul_plan(
    size: tuple[int, int, int], transposed: tuple[bool, bool], dtype: str = "f32"
) -> tuple[Plan, list[View]]:
    """The plan of a product of M x K and K x N, and its operands."""
    m, n, k = size
    bench = Bench(dtype)
    a = bench.dense((k, m) if transposed[0] else (m, k))
    b = bench.dense((n, k) if transposed[1] else (k, n))
    return bench.plan(ops.Matmul(*transposed), [a, b], [bench.dense((m, n))]), [a, b]


def conv_plan(kind: str, shape: ConvShape, epilogue: bool = False) -> tuple[Plan, list[View]]:
    """The plan of a convolution (``forward``) or one of its gradients (``input``, ``weight``), and its operands."""
    bench = Bench()
    x = bench.activation((shape.n, shape.c, *shape.size), slack=shape.slack)
    y = bench.activation((shape.n, shape.k, *shape.out), slack=shape.slack)
    w = bench.dense(shape.weights)
    window = (shape.stride, shape.pad, shape.dilation, shape.groups)
    if kind == "input":
        return bench.plan(ops.ConvInputGrad(*window, shape.size), [y, w], [x]), [y, w]
    if kind == "weight":
        return bench.plan(ops.ConvWeightGrad(*window, shape.kernel), [x, y], [w]), [x, y]
    after, operands = (), [x, w]
    if epilogue:
        bias = bench.dense((1, shape.k, 1, 1))
        relu = call("max", call("add", arg(0), arg(1)), const(0.0))
        after = (Step(ops.Map((relu,), y.shape), (y, bias), (y,), "forward", ORIGIN),)
        operands.append(bias)
    return bench.plan(ops.Conv(*window), [x, w], [y], after), operands


def check_tensor_cores(plan: Plan, operands: list[View], math: str) -> list[str]:
    """Parity and no bank conflict; the names of the step's kernels."""
    rng = np.random.default_rng(plan.steps[0].reads[0].count)
    values = {view: random_values(rng, view) for view in operands}
    executor = check_emulated_step(plan, values, math, BOUND[math])
    assert executor.machine.conflicts == 0
    return [launch.kernel.name for launch in executor.launches[0]]
