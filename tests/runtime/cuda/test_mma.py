from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conv_cases import ConvShape, conv_shapes
from emulated_cases import check_emulated_step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, random_values
from tensor_cores import BOUND, check_tensor_cores, conv_plan, matmul_plan, take

from runtime.cuda.emit_mma import Tile
from runtime.cuda.emulator import Fault
from runtime.cuda.emulator.executor import EmulatedExecutor
from runtime.cuda.launch import Context
from runtime.executor import Store
from runtime.vector.kernel import Kernel

SHAPES = {
    "a padded window": ConvShape(1, 8, 12, (5, 5), (3, 3), (1, 1), (1, 1)),
    "a stride": ConvShape(1, 4, 8, (7, 6), (3, 3), (2, 2), (1, 1)),
    "a window of one pixel": ConvShape(2, 8, 8, (3, 3), (1, 1)),
    "a window of one pixel, a stride": ConvShape(2, 8, 8, (5, 5), (1, 1), (2, 2)),
    "groups and dilation": ConvShape(1, 16, 8, (5, 5), (3, 3), (1, 1), (2, 2), (2, 2), groups=2),
    "slices of wider maps": ConvShape(2, 8, 8, (4, 4), (3, 3), (1, 1), (1, 1), slack=4),
    "fully connected": ConvShape(5, 12, 16, (2, 2), (2, 2)),
}


def names_of(plan, math):
    return [launch.kernel.name for launch in Context("f32", math).launches(plan.steps[0])]


@pytest.mark.parametrize("math", ["tf32", "bf16"])
@pytest.mark.parametrize("transposed", [(False, False), (False, True), (True, False), (True, True)], ids=str)
def test_products_agree_with_the_reference(monkeypatch, math, transposed):
    take(monkeypatch)
    assert check_tensor_cores(*matmul_plan((36, 20, 40), transposed), math) == [f"mma_{math}_32x32"]


@pytest.mark.parametrize("kind", ["forward", "input", "weight"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_convolutions_and_their_gradients_agree_with_the_reference(monkeypatch, kind, shape):
    take(monkeypatch)
    assert "mma_tf32_32x32" in check_tensor_cores(*conv_plan(kind, shape), "tf32")


@pytest.mark.parametrize("kind", ["forward", "input", "weight"])
def test_convolutions_of_bf16_agree_within_its_bound(monkeypatch, kind):
    take(monkeypatch)
    plan, operands = conv_plan(kind, SHAPES["a padded window"])
    assert "mma_bf16_32x32" in check_tensor_cores(plan, operands, "bf16")


@pytest.mark.parametrize(("kind", "last"), [("forward", "mma_tf32_32x32"), ("weight", "merge")])
def test_an_image_of_three_channels_is_copied_with_a_fourth_of_zeros(monkeypatch, kind, last):
    take(monkeypatch)
    names = check_tensor_cores(*conv_plan(kind, ConvShape(1, 3, 16, (6, 6), (3, 3), (1, 1), (1, 1))), "tf32")
    assert "mma_tf32_32x32" in names
    assert names[-1] == last


def test_rows_of_odd_length_are_copied(monkeypatch):
    take(monkeypatch)
    assert check_tensor_cores(*matmul_plan((9, 13, 35), (False, True)), "tf32") == ["map", "map", "mma_tf32_32x32"]


def test_parts_along_k_are_added_by_a_second_launch(monkeypatch):
    take(monkeypatch, parts=3)
    assert check_tensor_cores(*matmul_plan((20, 12, 100), (True, False)), "tf32") == ["mma_tf32_32x32", "merge"]


def test_maps_behind_a_convolution_are_fused_into_its_kernel(monkeypatch):
    take(monkeypatch)
    names = check_tensor_cores(*conv_plan("forward", SHAPES["a padded window"], epilogue=True), "tf32")
    assert names == ["map", "mma_tf32_32x32"], "the weights' copy and the product, no map behind it"


@pytest.mark.parametrize("transposed", [(False, True), (True, False)], ids=["along k", "along rows"])
def test_a_large_tile_meets_no_bank_twice(monkeypatch, transposed):
    take(monkeypatch, Tile(128, 64, 64, 32, 2))
    check_tensor_cores(*matmul_plan((128, 64, 36), transposed), "tf32")


def without(text, monkeypatch, plan, operands):
    """Runs the product with a line of its kernel left out."""
    take(monkeypatch)
    executor = EmulatedExecutor(plan, Store({}), "tf32")
    (launch,) = executor.launches[0]
    lines = launch.kernel.text.splitlines(True)
    found = next(n for n, line in enumerate(lines) if line.strip() == text)
    del lines[found]
    object.__setattr__(launch, "kernel", Kernel("broken", "".join(lines)))
    for view in operands:
        executor.array(view)[...] = 1.0
    executor.run("forward")


@pytest.mark.parametrize(
    ("line", "why"),
    [("wait()", "nobody wrote"), ("barrier()", "since the last barrier"), ("commit()", "nobody wrote")],
)
def test_the_emulator_sees_a_wait_or_a_barrier_that_is_missing(monkeypatch, line, why):
    plan, operands = matmul_plan((32, 32, 96), (False, True))
    with pytest.raises(Fault, match=why):
        without(line, monkeypatch, plan, operands)


def test_a_product_that_is_too_small_to_pay_stays_in_float32():
    assert names_of(matmul_plan((4, 4, 4), (False, True))[0], "tf32") == ["gemm_f32_32x32"]


def test_a_large_product_takes_large_tiles():
    assert names_of(matmul_plan((4096, 4096, 512), (False, True))[0], "tf32") == ["mma_tf32_128x128"]


@pytest.mark.parametrize("math", ["fast", "exact"])
def test_full_precision_stays_in_float32(math):
    assert names_of(matmul_plan((4096, 4096, 512), (False, True))[0], math) == ["gemm_f32_128x128"]


def test_float64_stays_in_float64():
    plan, _ = matmul_plan((4096, 4096, 512), (False, True), dtype="f64")
    assert [launch.kernel.name for launch in Context("f64", "tf32").launches(plan.steps[0])] == ["gemm_f64_64x64"]


@settings(GENERATED, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=conv_shapes(), kind=st.sampled_from(["forward", "input", "weight"]), parts=st.sampled_from([1, 2]))
def test_convolutions_agree_over_generated_shapes(monkeypatch, shape, kind, parts):
    take(monkeypatch, parts=parts)
    plan, operands = conv_plan(kind, replace(shape, n=min(shape.n, 2), dtype="f32"))
    rng = np.random.default_rng(0)
    check_emulated_step(plan, {view: random_values(rng, view) for view in operands}, "tf32", BOUND["tf32"])
