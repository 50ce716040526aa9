"""costs: what must show in an estimate, whatever the rates are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from way_cases import KINDS, cases

from compiler.costs import case_of, rates_of, seconds
from runtime import ops
from runtime.ways import DIRECT, FFT, WINOGRAD_2, WINOGRAD_4, possible

RATES = rates_of(64)


def test_a_case_knows_its_operands_and_its_arithmetic():
    conv, dx, dw = cases(2, 3, 8, 5, 3, pad=1).values()
    assert conv.shapes == (((2, 3, 8, 8), (5, 3, 3, 3)), (2, 5, 8, 8))
    assert dx.shapes == (((2, 5, 8, 8), (5, 3, 3, 3)), (2, 3, 8, 8))
    assert dw.shapes == (((2, 3, 8, 8), (2, 5, 8, 8)), (5, 3, 3, 3))
    assert conv.flops == dx.flops == dw.flops == 2 * 2 * 5 * 64 * 27
    for case in (conv, dx, dw):
        assert case_of(case.op, *case.shapes, case.dtype) == case


def test_other_primitives_are_no_case():
    assert case_of(ops.LogSumExp(1), ((2, 3),), (2, 1), "f32") is None


@pytest.mark.parametrize("kind", KINDS)
@given(
    n=st.integers(14, 64),
    c=st.integers(1, 80),
    size=st.integers(5, 40),
    k=st.integers(1, 80),
    r=st.sampled_from([3, 5]),
)
def test_more_images_or_channels_never_cost_less(kind, n, c, size, k, r):
    small = cases(n, c, size, k, r, pad=r // 2)[kind]
    for other in ((n + 1, c, k), (n, c + 16, k), (n, c, k + 16)):
        large = cases(other[0], other[1], size, other[2], r, pad=r // 2)[kind]
        for way in possible(small.op, small.x, small.kernel):
            assert 0 < seconds(small, way, RATES) <= seconds(large, way, RATES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", [WINOGRAD_2, WINOGRAD_4])
def test_maps_that_are_no_multiple_of_the_tile_cost_nearly_as_much_as_the_next_that_is(kind, way):
    tile = {WINOGRAD_2: 2, WINOGRAD_4: 4}[way]
    costs = [seconds(cases(16, 128, 4 * tile + k, 128, 3, pad=1)[kind], way, RATES) for k in range(tile + 1)]
    # another row and column of tiles, then nothing but a few more bytes of the operands
    assert costs[1] - costs[0] > 5 * (costs[-1] - costs[1]) >= 0


def test_few_tiles_pay_for_the_transformed_weights_unless_these_are_kept():
    case = cases(1, 512, 4, 512, 3, pad=1)["Conv"]
    kept = replace(case, fixed=True)
    # 36 numbers for 9, written and read again, against a single tile's products
    assert seconds(kept, WINOGRAD_4, RATES) < 0.5 * seconds(case, WINOGRAD_4, RATES)
    many = cases(256, 512, 4, 512, 3, pad=1)["Conv"]
    assert seconds(replace(many, fixed=True), WINOGRAD_4, RATES) > 0.8 * seconds(many, WINOGRAD_4, RATES)


@pytest.mark.parametrize("kind", KINDS)
def test_transforms_weigh_more_the_fewer_channels_share_them(kind):
    gains = []
    for channels in (16, 64, 256):
        case = cases(32, channels, 32, channels, 3, pad=1)[kind]
        gains.append(seconds(case, DIRECT, RATES) / seconds(case, WINOGRAD_4, RATES))
    assert gains[0] < gains[1] < gains[2]


def test_fourier_transforms_gain_with_the_window():
    gains = [
        seconds(case, DIRECT, RATES) / seconds(case, FFT, RATES)
        for r in (3, 7, 11)
        for case in [cases(8, 64, 48, 64, r, pad=r // 2)["Conv"]]
    ]
    assert gains[0] < gains[1] < gains[2]


def test_a_stride_leaves_a_part_of_the_taps_to_the_input_gradient():
    one = cases(8, 64, 32, 64, 3, pad=1)["ConvInputGrad"]
    two = cases(8, 64, 32, 64, 3, pad=1, stride=2)["ConvInputGrad"]
    assert seconds(two, DIRECT, RATES) < 0.5 * seconds(one, DIRECT, RATES)


def test_float64_is_weighed_as_float32():
    case = cases(8, 64, 28, 64, 3, pad=1)["Conv"]
    for way in possible(case.op, case.x, case.kernel):
        assert seconds(replace(case, dtype="f64"), way, RATES) == seconds(case, way, RATES)


def test_unknown_vectors_are_taken_for_the_smallest():
    assert rates_of(48) == rates_of(16)
