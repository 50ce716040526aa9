from __future__ import annotations

import pytest

from runtime import ops, ops_detection, ops_space
from runtime.cuda import families  # noqa: F401  (fills the registry of launchers)
from runtime.cuda.launch import LAUNCHERS

NEVER = (ops.Primitive, ops.Concat, ops.Slice, ops.Reshape, ops.Transpose, ops.Pad, ops.ClearHalo)
"""What plans for a GPU do not hold: movements are views or maps, kernels test for the border."""

PRIMITIVES = [
    found
    for module in (ops, ops_space, ops_detection)
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, ops.Primitive) and found not in NEVER
]


@pytest.mark.parametrize("primitive", dict.fromkeys(PRIMITIVES), ids=lambda p: p.__name__)
def test_every_primitive_of_a_plan_has_a_launcher(primitive):
    assert callable(LAUNCHERS.of(primitive.__name__))
