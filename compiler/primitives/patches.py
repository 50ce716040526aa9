"""patches: the elements of each window as channels (im2col)."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Movement, Typed, register
from compiler.primitives.shapes import require, require_floats, require_geometry, require_rank
from runtime import ops

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


def check_patches(prim: ops.Patches | ops.Unpatch) -> None:
    """ValueError unless kernel, stride, pad, dilation and size make sense."""
    require(min(prim.kernel) >= 1, prim.kind, f"kernel {prim.kernel}", "1 or more")
    require(min(prim.size) >= 1, prim.kind, f"size {prim.size}", "1 or more")
    require_geometry(prim.kind, prim.stride, prim.pad, prim.dilation)


@register(ops.Patches)
class PatchesRule(Movement):
    """Windows as channels; dx by ``unpatch``."""

    def infer(self, prim: ops.Patches, *inputs: Value) -> list[Typed]:
        """N x C x H x W -> N x (C R S) x size."""
        require(len(inputs) == 1, "patches", f"{len(inputs)} operands", "1")
        require_floats("patches", inputs)
        require_rank("patches", "input", inputs[0], 4)
        check_patches(prim)
        n, c = inputs[0].shape[:2]
        return [((n, c * prod(prim.kernel), *prim.size), inputs[0].dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Each element gets the sum of the gradients of its copies."""
        prim, (x,), (dy,) = op.prim, op.inputs, dys
        assert isinstance(prim, ops.Patches)
        back = ops.Unpatch(prim.kernel, prim.stride, prim.pad, prim.dilation, (x.shape[2], x.shape[3]))
        return [None if dy is None else b.emit1(back, dy)]
