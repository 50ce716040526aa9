from __future__ import annotations

import pytest
from conv_cases import ConvShape
from conv_checks import check_weight_grad
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED

from runtime.ways import WINOGRAD_2, WINOGRAD_4

WAYS = (WINOGRAD_2, WINOGRAD_4)

CHOSEN = {
    "tiles that fit": ConvShape(3, 16, 16, (16, 16), (3, 3), pad=(1, 1)),
    "tiles over the edge, no padding": ConvShape(9, 20, 50, (12, 13), (5, 5)),
    "one tile": ConvShape(1, 3, 5, (3, 2), (3, 3), pad=(1, 1), slack=3),
    "parts that are merged": ConvShape(12, 17, 40, (17, 18), (3, 3), pad=(1, 1), slack=1),
    "groups where tiles are summed as they come": ConvShape(20, 34, 40, (13, 13), (5, 5), pad=(2, 2), groups=2),
    "groups of large weights": ConvShape(2, 66, 130, (7, 7), (3, 3), pad=(1, 1), groups=2, margin=1),
    "blocks of rows and columns": ConvShape(2, 70, 150, (9, 5), (3, 3), pad=(1, 1), slack=2),
    "two blocks of tiles for each sum": ConvShape(18, 96, 96, (8, 9), (3, 3), pad=(1, 1)),
    "padding beyond the window": ConvShape(2, 5, 7, (6, 9), (3, 3), pad=(3, 4)),
}


@st.composite
def shapes(draw: st.DrawFn) -> ConvShape:
    """Windows of 3 x 3 and 5 x 5 at stride 1, in groups, on maps that tiles rarely fit."""
    taps, groups = draw(st.sampled_from([3, 3, 5])), draw(st.sampled_from([1, 1, 2, 3]))
    c, k = groups * draw(st.sampled_from([1, 3, 8, 17, 40])), groups * draw(st.sampled_from([2, 7, 16, 20, 33, 50]))
    pad = draw(st.tuples(st.integers(0, taps), st.integers(0, taps)))
    h, w = (draw(st.integers(max(1, taps - 2 * p), 14)) for p in pad)
    return ConvShape(
        draw(st.sampled_from([1, 2, 3, 16])), c, k, (h, w), (taps, taps), pad=pad, groups=groups,
        slack=draw(st.sampled_from([0, 0, 3, 40])), margin=draw(st.sampled_from([0, 0, 1])),
        dtype=draw(st.sampled_from(["f32", "f32", "f64"])),
    )  # fmt: skip


@settings(GENERATED, max_examples=40)
@given(shapes(), st.sampled_from(WAYS))
def test_a_weight_gradient_agrees_with_the_reference(shape, way):
    check_weight_grad(shape, way=way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CHOSEN)
def test_a_weight_gradient_has_the_same_bits_on_one_to_four_threads(name, way):
    check_weight_grad(CHOSEN[name], (1, 2, 3, 4), way=way)


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("name", ["tiles over the edge, no padding", "blocks of rows and columns"])
def test_a_weight_gradient_serves_narrower_vectors(name, isa):
    check_weight_grad(CHOSEN[name], (2,), isa, WINOGRAD_4)
