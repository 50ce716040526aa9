from __future__ import annotations

import pytest
from conv_cases import ConvShape
from conv_checks import check_conv
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED

from runtime import ops
from runtime.ways import WINOGRAD_2, WINOGRAD_4, possible

WAYS = (WINOGRAD_2, WINOGRAD_4)


@st.composite
def shapes(draw: st.DrawFn) -> ConvShape:
    """Windows that phases shrink to 3, 4 or 5 taps; rows of phases of one run and of several."""
    stride = draw(st.sampled_from([2, 2, 3, 4]))
    window = draw(st.integers(2 * stride + 1, min(5 * stride, 11)))
    pad = draw(st.tuples(st.integers(0, window // 2), st.integers(0, window // 2)))
    h, w = (draw(st.integers(max(1, window + 1 - 2 * p), 34)) for p in pad)
    return ConvShape(
        draw(st.sampled_from([1, 3])), draw(st.sampled_from([1, 3, 4, 17])), draw(st.sampled_from([3, 16, 37])),
        (h, w), (window, window), (stride, stride), pad,
        slack=draw(st.sampled_from([0, 0, 3])), margin=draw(st.sampled_from([0, 1])),
        dtype=draw(st.sampled_from(["f32", "f64"])),
    )  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@settings(GENERATED, max_examples=25)
@given(shapes())
def test_strided_winograd_agrees_with_the_reference(way, shape):
    op = ops.Conv(shape.stride, shape.pad)
    assert way in possible(op, (shape.n, shape.c, *shape.size), shape.kernel)
    check_conv(shape, way=way)


def test_strided_winograd_has_the_same_bits_on_one_to_four_threads_and_runs_its_epilogue_once():
    shape = ConvShape(5, 3, 40, (47, 31), (7, 7), (2, 2), (3, 3))
    check_conv(shape, epilogue=True, threads=(1, 2, 3, 4), way=WINOGRAD_4)


@pytest.mark.parametrize("isa", ["avx2", "generic"])
def test_strided_winograd_serves_narrower_vectors(isa):
    check_conv(ConvShape(2, 3, 10, (33, 20), (11, 11), (4, 4)), threads=(1,), isa=isa, way=WINOGRAD_4)
