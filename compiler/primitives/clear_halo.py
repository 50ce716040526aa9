"""clear_halo: zeros around an activation; made when a graph is lowered to a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.primitives.registry import Movement, Typed, register
from runtime import ops

if TYPE_CHECKING:
    from compiler.ir import Value


@register(ops.ClearHalo)
class ClearHaloRule(Movement):
    """A step of plans alone: a graph's values have no halo."""

    no_gradient = "it changes no element"

    def infer(self, prim: ops.ClearHalo, *inputs: Value) -> list[Typed]:
        """ValueError: not for graphs."""
        raise ValueError("clear_halo: got a graph, expected a plan: values of a graph have no halo")
