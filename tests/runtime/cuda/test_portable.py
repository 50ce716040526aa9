from __future__ import annotations

from importlib.util import find_spec

import cuda_zoo
import pytest
from emulated_cases import check_emulated_case, check_emulated_step
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, maps_of
from primitive_cases import Case, fixed, strategy

from runtime.cuda.launch import Context
from runtime.cuda.portable import portable_step
from runtime.ops_detection import RoiPool, RoiUnpool
from runtime.ops_space import Correlation, CorrelationGrad, Sample, SampleGrad
from runtime.portable import families  # noqa: F401  (fills the registry)
from runtime.portable.site import LAUNCHERS

MAPS = (Correlation, CorrelationGrad, RoiPool, RoiUnpool, Sample, SampleGrad)
"""Their operands lie channels last."""

OTHERS = tuple(p for p in LAUNCHERS if p not in MAPS)


def small(case: Case) -> bool:
    """Few enough elements for an emulator."""
    return sum(a.size for a in case.operands) < 2000


@pytest.mark.parametrize("case", list(filter(small, fixed(*OTHERS))), ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_every_device_runs_agrees_with_the_reference(case, dtype):
    check_emulated_case(case, dtype, None)


@settings(GENERATED, max_examples=30)
@given(case=strategy(*OTHERS), dtype=st.sampled_from(["float32", "float64"]), seed=st.integers(0, 99))
def test_it_agrees_over_generated_shapes_and_layouts(case, dtype, seed):
    check_emulated_case(case, dtype, seed)


@pytest.mark.parametrize("case", list(filter(small, fixed(*MAPS))), ids=str)
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_what_reads_maps_agrees_with_the_reference(case, dtype):
    check_emulated_step(*maps_of(case, dtype))


@settings(GENERATED, max_examples=20)
@given(case=strategy(*MAPS), slack=st.integers(0, 3))
def test_it_agrees_however_maps_lie(case, slack):
    check_emulated_step(*maps_of(case, "f32", slack=slack))


@pytest.mark.skipif(find_spec("numba_cuda") is None, reason="needs the extra cuda")
@pytest.mark.parametrize("dtype", ["f32", pytest.param("f64", marks=pytest.mark.slow)])
def test_every_portable_kernel_becomes_machine_code_without_spills(dtype):
    forms = {}
    for case in fixed(*LAUNCHERS):
        for launch in portable_step(maps_of(case, dtype)[0].steps[0], Context(dtype)):
            kernel = launch.kernel
            forms[kernel] = cuda_zoo.Form(kernel.name, kernel.text, len(launch.args), launch.block)
    assert len(forms) >= len(LAUNCHERS)
    assert cuda_zoo.faults(list(forms.values()), ((8, 0),)) == []
