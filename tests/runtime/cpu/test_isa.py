from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cross import called, loops, neon_assembly

from runtime.cpu import isa as isa_module
from runtime.cpu.isa import TILES, VECTOR_BYTES, detect, target_for
from runtime.cpu.launch import kernel_file
from runtime.vector.kernel import Kernel

ROOT = Path(__file__).resolve().parents[3]


def test_lanes_fill_a_vector():
    lanes = {"avx512": 16, "avx2": 8, "neon": 4, "generic": 4}
    assert {isa: target_for(isa).lanes("f32") for isa in VECTOR_BYTES} == lanes
    assert target_for("avx512").lanes("f64") == 8
    assert set(TILES) == set(VECTOR_BYTES)


def test_accumulators_of_a_tile_leave_registers_for_operands():
    registers = {"avx512": 32, "avx2": 16, "neon": 32, "generic": 16}
    for isa, (rows, vectors) in TILES.items():
        assert rows * vectors + vectors + 1 <= registers[isa]


@pytest.mark.parametrize(
    ("name", "features", "isa"),
    [
        ("haswell", "+avx2,+fma,+sse4.2", "avx2"),
        ("generic", None, "generic"),
        ("skylake-avx512", "+avx512f,+avx512bw,+avx512dq,+avx512vl", "avx512"),
    ],
)
def test_numbas_settings_choose_the_instruction_set(monkeypatch, name, features, isa):
    monkeypatch.setenv("NUMBA_CPU_NAME", name)
    monkeypatch.delenv("NUMBA_CPU_FEATURES", raising=False)
    if features is not None:
        monkeypatch.setenv("NUMBA_CPU_FEATURES", features)
    assert (detect().isa, detect().name) == (isa, name)


def test_an_arm_of_64_bits_has_neon(monkeypatch):
    monkeypatch.setattr(isa_module.platform, "machine", lambda: "aarch64")
    isa_module._detect.cache_clear()
    try:
        assert (detect().isa, detect().vector_bytes, detect().x86, detect().futex) == ("neon", 16, False, False)
    finally:
        isa_module._detect.cache_clear()


HASWELL = "+avx2,+fma,+avx,+sse4.2,+ssse3,+sse3,+popcnt,+bmi,+bmi2,+f16c,+lzcnt"


@pytest.mark.parametrize(("name", "features"), [("haswell", HASWELL), ("generic", "")])
def test_kernels_agree_with_the_reference_on_another_instruction_set(name, features, tmp_path):
    env = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NETSPEC_CACHE": str(tmp_path)}
    chosen = ROOT / "tests" / "support" / "isa_sample.py"
    done = subprocess.run(
        [sys.executable, str(chosen)], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["avx2" if features else "generic", "ok"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "features"), [("haswell", HASWELL), ("generic", "")])
def test_whole_nets_agree_with_the_reference_on_another_instruction_set(name, features):
    env = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    chosen = ROOT / "tests" / "support" / "isa_nets.py"
    done = subprocess.run(
        [sys.executable, str(chosen)], env=env, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[0] == ("avx2" if features else "generic")


def test_the_micro_kernel_on_neon_is_vector_code_without_calls_or_spills():
    text = neon_assembly(kernel_file("tile", SCALAR="f32", LANES=target_for("neon").lanes("f32"), VECTORS=2))
    assert called(text) == set()
    inner = [block for block in loops(text) if "fmla" in block]
    # the tallest tile has 4 x 2 sums; a spill would go through the stack pointer
    assert max(len(re.findall(r"fmla\s+v\d+\.4s", block)) for block in inner) == 8
    assert not any("[sp" in block for block in inner)


def test_functions_on_neon_are_polynomials_over_vectors():
    text = neon_assembly(Kernel("functions", FUNCTIONS))
    assert called(text) == set()
    assert len(re.findall(r"fmla\s+v\d+\.4s", text)) >= 10


FUNCTIONS = """
from runtime.vector.simd import exp, tanh, vectors, word
V = vectors("f32", 4)
load, store = V.load, V.store
def kernel(args, first, last, thread):
    p = word(args, 0)
    i = first
    while i < last:
        store(p + 16 * i, 0, tanh(load(p + 16 * i, 0)) + exp(load(p + 16 * i, 0)))
        i += 1
"""
