from __future__ import annotations

from pathlib import Path

import pytest

from netspec.cli.nets import loaded
from netspec.spec.diagnostics import SpecError

SPEC = str(Path(__file__).parents[2] / "invalid" / "warning_math_without_effect.yaml")


def test_tf32_is_a_warning_on_a_cpu():
    found = loaded(SPEC, {}, (), strict=False, device="cpu")
    assert [item.code for item in found.diagnostics.items] == ["W130"]
    with pytest.raises(SpecError, match="W130"):
        loaded(SPEC, {}, (), strict=True, device="cpu")


@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_heeds_tf32_without_a_warning(device):
    assert loaded(SPEC, {}, (), strict=True, device=device).diagnostics.items == []
