from __future__ import annotations

import pytest
from conv_cases import CHOSEN, ConvShape, conv_shapes
from conv_checks import check_weight_grad
from hypothesis import given, settings
from kernel_cases import GENERATED


@settings(GENERATED, max_examples=50)
@given(conv_shapes())
def test_conv_weight_grad_agrees_with_the_reference(shape):
    check_weight_grad(shape)


@pytest.mark.parametrize("name", CHOSEN)
def test_conv_weight_grad_has_the_same_bits_on_one_to_four_threads(name):
    check_weight_grad(CHOSEN[name], threads=(1, 2, 3, 4))


@pytest.mark.parametrize(
    "shape",
    [
        ConvShape(2, 200, 130, (9, 9), (3, 3), (1, 1), (1, 1)),
        ConvShape(2, 3, 16, (40, 50), (5, 5), (1, 1), (2, 2)),
        ConvShape(40, 3, 10, (5, 5), (3, 3)),
        ConvShape(1, 2, 3, (2, 250), (1, 3)),
    ],
    ids=["sums beyond the cache", "maps in row blocks", "images together", "one long row"],
)
def test_conv_weight_grad_splits_by_shape(shape):
    check_weight_grad(shape, (1, 3))


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("name", ["first layer, three channels", "depthwise", "small maps of many images"])
def test_conv_weight_grad_serves_narrower_vectors(name, isa):
    check_weight_grad(CHOSEN[name], threads=(1,), isa=isa)
