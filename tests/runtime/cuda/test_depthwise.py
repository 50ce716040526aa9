from __future__ import annotations

import pytest
from conv_cases import ConvShape
from emulated_convs import PLANS, check_emulated

SHAPES = {
    "stride 1": ConvShape(1, 8, 8, (5, 6), (3, 3), (1, 1), (1, 1), groups=8),
    "stride 2, odd channels": ConvShape(2, 7, 7, (5, 6), (3, 3), (2, 2), (1, 1), groups=7),
    "dilation": ConvShape(1, 4, 4, (7, 7), (3, 3), (1, 1), (2, 2), (2, 2), groups=4),
    "slices of concatenated maps": ConvShape(1, 6, 6, (4, 9), (3, 2), (1, 1), (1, 0), groups=6, slack=2),
    "float64, stride beyond the window": ConvShape(1, 4, 4, (5, 5), (1, 1), (2, 2), groups=4, dtype="f64"),
}


@pytest.mark.parametrize("epilogue", [False, True], ids=["alone", "with maps behind"])
@pytest.mark.parametrize("what", PLANS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_depthwise_agrees_with_the_reference(shape, what, epilogue):
    executor = check_emulated(PLANS[what](shape, epilogue))
    assert any(launch.kernel.name.startswith("depthwise") for launch in executor.launches[0])


def test_several_outputs_a_channel_are_products_of_groups():
    executor = check_emulated(PLANS["conv"](ConvShape(1, 3, 6, (4, 4), (3, 3), (1, 1), (1, 1), groups=3)))
    assert executor.launches[0][-1].kernel.name.startswith("gemm")
