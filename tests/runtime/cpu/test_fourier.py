from __future__ import annotations

import pytest
from conv_cases import ConvShape
from conv_checks import check_conv, check_input_grad, check_weight_grad
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED

from runtime.ways import FFT

CHECKS = [check_conv, check_input_grad]


@st.composite
def shapes(draw: st.DrawFn) -> ConvShape:
    """Windows up to 11 on maps of one tile and of several, with edges of every size, some dilated."""
    groups = draw(st.sampled_from([1, 1, 2]))
    c, k = groups * draw(st.sampled_from([1, 3, 16, 21])), groups * draw(st.sampled_from([1, 5, 16, 35]))
    axes = []
    for _ in range(2):
        kernel, dilation = draw(st.sampled_from([(3, 1), (4, 1), (7, 1), (11, 1), (3, 2), (5, 3)]))
        pad = draw(st.integers(0, kernel // 2 * dilation))
        # one more than the window needs: a window that is the whole map is a matrix product
        smallest = dilation * (kernel - 1) + 2 - 2 * pad
        axes.append((draw(st.integers(max(1, smallest), 30)), kernel, pad, dilation))
    size, kernel, pad, dilation = zip(*axes, strict=True)
    return ConvShape(
        draw(st.sampled_from([1, 3])), c, k, size, kernel, pad=pad, dilation=dilation, groups=groups,
        slack=draw(st.sampled_from([0, 3])), margin=draw(st.sampled_from([0, 1])),
        dtype=draw(st.sampled_from(["f32", "f64"])),
    )  # fmt: skip


@settings(GENERATED, max_examples=25)
@given(shapes())
def test_fourier_convolution_agrees_with_the_reference(shape):
    check_conv(shape, way=FFT)


@settings(GENERATED, max_examples=25)
@given(shapes())
def test_fourier_input_gradient_agrees_with_the_reference(shape):
    check_input_grad(shape, way=FFT)


@settings(GENERATED, max_examples=25)
@given(shapes())
def test_fourier_weight_gradient_agrees_with_the_reference(shape):
    check_weight_grad(shape, way=FFT)


@pytest.mark.parametrize("slab_bytes", [1, 700_000])
def test_fourier_weight_gradient_adds_up_slabs_with_the_same_bits_on_one_to_four_threads(slab_bytes, monkeypatch):
    monkeypatch.setattr("runtime.cpu.fourier.weight_grad.SLAB_BYTES", slab_bytes)
    check_weight_grad(ConvShape(2, 7, 20, (23, 14), (5, 5), pad=(2, 2)), threads=(1, 2, 3, 4), way=FFT)


@pytest.mark.parametrize("check", CHECKS)
def test_dilated_fourier_convolution_runs_its_epilogue_once(check):
    check(ConvShape(2, 5, 18, (40, 9), (5, 3), pad=(4, 1), dilation=(2, 1)), epilogue=True, way=FFT)


@pytest.mark.parametrize("check", CHECKS)
def test_fourier_convolution_has_the_same_bits_on_one_to_four_threads_and_runs_its_epilogue_once(check):
    check(ConvShape(5, 19, 40, (23, 9), (7, 5), pad=(3, 2)), epilogue=True, threads=(1, 2, 3, 4), way=FFT)


@pytest.mark.parametrize("isa", ["avx2", "generic"])
def test_fourier_convolution_serves_narrower_vectors(isa):
    check_conv(ConvShape(2, 9, 10, (20, 20), (7, 7), pad=(3, 3)), threads=(1,), isa=isa, way=FFT)
