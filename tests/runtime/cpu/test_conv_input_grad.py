from __future__ import annotations

import pytest
from conv_cases import CHOSEN, conv_shapes
from conv_checks import check_input_grad
from hypothesis import given, settings
from kernel_cases import GENERATED


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


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("name", ["first layer, three channels", "depthwise", "small maps of many images"])
def test_conv_input_grad_serves_narrower_vectors(name, isa):
    check_input_grad(CHOSEN[name], threads=(1,), isa=isa)
