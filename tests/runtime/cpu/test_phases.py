from __future__ import annotations

import pytest

from runtime.cpu.phases import phases


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
