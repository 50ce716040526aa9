from __future__ import annotations

import pytest
from conv_cases import CHOSEN, conv_shapes
from conv_checks import check_input_grad
from hypothesis import given, settings
from kernel_cases import GENERATED

from runtime.cpu.conv_input_grad import phases


@settings(GENERATED, max_examples=50)
@given(conv_shapes())
def test_conv_input_grad_agrees_with_the_reference(shape):
    check_input_grad(shape)


@pytest.mark.parametrize("name", CHOSEN)
def test_conv_input_grad_has_the_same_bits_on_one_to_four_threads(name):
    check_input_grad(CHOSEN[name], threads=(1, 2, 3, 4))


@pytest.mark.parametrize("name", ["first layer, three channels", "fully connected 4 x 4", "small maps of many images"])
def test_conv_input_grad_runs_its_epilogue_once_on_every_row(name):
    check_input_grad(CHOSEN[name], epilogue=True)


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
    check_input_grad(CHOSEN[name], threads=(1,), isa=isa)
