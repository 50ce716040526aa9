from __future__ import annotations

import pytest
from conv_cases import ConvShape, conv_shapes
from emulated_convs import PLANS, check_emulated, planar_plans
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED

SHAPES = {
    "vectors of channels": ConvShape(1, 4, 8, (4, 5), (3, 3), (1, 1), (1, 1)),
    "first layer, three channels": ConvShape(1, 3, 5, (5, 4), (3, 3), (2, 2), (1, 1)),
    "three channels of a wider pixel": ConvShape(1, 3, 4, (4, 4), (3, 3), (1, 1), (1, 1), slack=1),
    "groups": ConvShape(1, 8, 12, (3, 3), (2, 2), (1, 1), (1, 1), groups=2),
    "dilation, no border": ConvShape(1, 4, 4, (6, 6), (2, 2), (1, 1), (0, 0), (2, 2)),
    "one pixel": ConvShape(2, 8, 12, (3, 3), (1, 1)),
    "one pixel, stride beyond it": ConvShape(1, 4, 6, (3, 4), (1, 1), (2, 2)),
    "fully connected": ConvShape(5, 3, 7, (2, 2), (2, 2)),
    "slices of concatenated maps": ConvShape(1, 4, 8, (3, 3), (3, 3), (1, 1), (1, 1), slack=3),
    "float64": ConvShape(1, 4, 6, (4, 4), (3, 3), (2, 2), (1, 1), dtype="f64"),
    "no images": ConvShape(0, 4, 8, (4, 4), (3, 3)),
}


@pytest.mark.parametrize("what", PLANS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_convolutions_and_gradients_agree_with_the_reference(shape, what):
    check_emulated(PLANS[what](shape))


@pytest.mark.parametrize("what", PLANS)
@pytest.mark.parametrize("groups", [1, 4], ids=["one group", "depthwise"])
def test_maps_that_lie_channel_by_channel_are_taken_element_by_element(groups, what):
    shape = ConvShape(1, 4, 4, (3, 4), (2, 2), (1, 1), (1, 1), groups=groups)
    check_emulated(planar_plans(shape)[what])


@pytest.mark.slow
@settings(GENERATED, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(shape=conv_shapes(), what=st.sampled_from(sorted(PLANS)))
def test_convolutions_agree_over_generated_shapes(shape, what):
    check_emulated(PLANS[what](shape))


@pytest.mark.parametrize("name", ["vectors of channels", "fully connected", "groups"])
def test_maps_behind_a_convolution_are_evaluated_in_its_kernel(name):
    executor = check_emulated(PLANS["conv"](SHAPES[name], True))
    names = [launch.kernel.name for launch in executor.launches[0]]
    assert names[-1].startswith("gemm"), "no launch of a map behind the product"


def test_a_map_behind_an_input_gradient_is_evaluated_in_every_phase():
    executor = check_emulated(PLANS["input gradient"](SHAPES["first layer, three channels"], True))
    names = [launch.kernel.name for launch in executor.launches[0]]
    assert names == ["map", "gemm_f32_32x32"] * 4, "weights put in order, then the product, four times"


def test_vectors_of_channels_meet_no_bank_conflicts():
    assert check_emulated(PLANS["conv"](SHAPES["vectors of channels"])).machine.conflicts == 0
