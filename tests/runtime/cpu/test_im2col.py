from __future__ import annotations

import pytest
from conv_cases import CHOSEN, conv_shapes
from conv_checks import check_conv, check_input_grad
from hypothesis import given, settings
from kernel_cases import GENERATED

from runtime.ways import IM2COL

NAMES = [name for name in CHOSEN if name != "depthwise"]


@settings(GENERATED, max_examples=30)
@given(conv_shapes())
def test_im2col_agrees_with_the_reference(shape):
    if not shape.groups == shape.c == shape.k > 1:
        check_conv(shape, way=IM2COL)


@settings(GENERATED, max_examples=30)
@given(conv_shapes())
def test_the_input_gradient_by_im2col_agrees_with_the_reference(shape):
    if not shape.groups == shape.c == shape.k > 1:
        check_input_grad(shape, way=IM2COL)


@pytest.mark.parametrize("check", [check_conv, check_input_grad])
@pytest.mark.parametrize("name", NAMES)
def test_im2col_has_the_same_bits_on_one_to_four_threads_and_runs_its_epilogue_once(name, check):
    check(CHOSEN[name], epilogue=True, threads=(1, 2, 3, 4), way=IM2COL)


@pytest.mark.parametrize("isa", ["avx2", "generic"])
def test_im2col_serves_narrower_vectors(isa):
    check_conv(CHOSEN["first layer, three channels"], threads=(1,), isa=isa, way=IM2COL)
