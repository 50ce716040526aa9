"""sample_grad: the gradient of ``sample`` for the map that is sampled."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from compiler.primitives.registry import Rule, Typed, register
from compiler.primitives.sample import check, slopes
from compiler.primitives.shapes import require, require_operands, require_rank, written
from runtime.ops_space import Sample, SampleGrad

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value


@register(SampleGrad)
class SampleGradRule(Rule):
    """dx of ``sample``, linear in dy."""

    def infer(self, prim: SampleGrad, *inputs: Value) -> list[Typed]:
        """N x C x Ho x Wo, N x 2 x Ho x Wo -> N x C x size."""
        require_operands("sample_grad", inputs, 2)
        dy, places = inputs
        require_rank("sample_grad", "dy", dy, 4)
        check("sample_grad", places, dy.shape[0], prim.order)
        require(dy.shape[2:] == places.shape[2:], "sample_grad", f"dy {written(dy.shape)}", "as many places")
        require(min(prim.size) >= 1, "sample_grad", f"size {prim.size}", "1 or more")
        return [((*dy.shape[:2], *prim.size), dy.dtype)]

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """For dy the samples of g; for the places those of its slopes."""
        prim, (dy, places), (g,) = op.prim, op.inputs, dys
        assert isinstance(prim, SampleGrad)
        if g is None:
            return [None, None]
        return [b.emit1(Sample(prim.order), g, places), slopes(b, g, places, prim.order, dy)]

    def flops(self, op: Op) -> int:
        """As ``sample``."""
        return 8 * prod(op.inputs[0].shape)
