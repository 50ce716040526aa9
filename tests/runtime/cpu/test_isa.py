from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.cpu.isa import TILES, VECTOR_BYTES, detect, target_for

ROOT = Path(__file__).resolve().parents[3]


def test_lanes_fill_a_vector():
    assert {isa: target_for(isa).lanes("f32") for isa in VECTOR_BYTES} == {"avx512": 16, "avx2": 8, "generic": 4}
    assert target_for("avx512").lanes("f64") == 8
    assert set(TILES) == set(VECTOR_BYTES)


def test_accumulators_of_a_tile_leave_registers_for_operands():
    registers = {"avx512": 32, "avx2": 16, "generic": 16}
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


@pytest.mark.parametrize(
    ("name", "features"),
    [("haswell", "+avx2,+fma,+avx,+sse4.2,+ssse3,+sse3,+popcnt,+bmi,+bmi2,+f16c,+lzcnt"), ("generic", "")],
)
def test_kernels_agree_with_the_reference_on_another_instruction_set(name, features, tmp_path):
    env = {**os.environ, "NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features, "NETSPEC_CACHE": str(tmp_path)}
    chosen = ROOT / "tests" / "support" / "isa_sample.py"
    done = subprocess.run(
        [sys.executable, str(chosen)], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["avx2" if features else "generic", "ok"]
