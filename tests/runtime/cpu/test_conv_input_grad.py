from __future__ import annotations

import numpy as np
import pytest
from conv_cases import CHOSEN, ConvShape, conv_shapes
from hypothesis import given, settings
from kernel_cases import GENERATED, ORIGIN, Bench, check_step, random_values

from runtime import ops
from runtime.cpu.conv_input_grad import phases
from runtime.expr import arg, call, const
from runtime.plan import Step


def check(shape: ConvShape, epilogue: bool = False, threads: tuple[int, ...] = (1, 2), isa: str | None = None) -> None:
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
    check_step(bench.plan(op, [dy, w], [dx], after), {v: random_values(rng, v) for v in (dy, w)}, threads, isa)


@settings(GENERATED, max_examples=50)
@given(conv_shapes())
def test_conv_input_grad_agrees_with_the_reference(shape):
    check(shape)


@pytest.mark.parametrize("name", CHOSEN)
def test_conv_input_grad_has_the_same_bits_on_one_to_four_threads(name):
    check(CHOSEN[name], threads=(1, 2, 3, 4))


@pytest.mark.parametrize("name", ["first layer, three channels", "fully connected 4 x 4", "small maps of many images"])
def test_conv_input_grad_runs_its_epilogue_once_on_every_row(name):
    check(CHOSEN[name], epilogue=True)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 5])
def test_phases_hold_every_position_and_exactly_the_taps_that_reach_it(stride, dilation, kernel):
    size, pad = 17, 2
    taps = {h: {} for h in range(size)}
    for out in range((size + 2 * pad - (dilation * (kernel - 1) + 1)) // stride + 1):
        for r in range(kernel):
            if 0 <= out * stride - pad + r * dilation < size:
                taps[out * stride - pad + r * dilation][r] = out
    seen = []
    for phase in phases(size, kernel, stride, pad, dilation):
        for i in range(phase.count):
            h = phase.start + i * stride
            seen.append(h)
            found = {
                phase.tap - t * phase.tap_step: phase.source + i + t * phase.source_step for t in range(phase.taps)
            }
            outs = {r: out for r, out in found.items() if r in taps[h]}
            assert taps[h] == outs
    assert list(range(size)) == sorted(seen)


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("name", ["first layer, three channels", "depthwise", "small maps of many images"])
def test_conv_input_grad_serves_narrower_vectors(name, isa):
    check(CHOSEN[name], threads=(1,), isa=isa)
