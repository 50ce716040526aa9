"""choose: the algorithm of every product and window, where there is a choice."""

from __future__ import annotations

from compiler.ir import Graph, Op
from compiler.target import Target
from runtime.ops import Conv, ConvInputGrad, ConvWeightGrad


def choose(graph: Graph, target: Target) -> Graph:
    """Names the way of each convolution among ``target.algorithms``.

    The direct convolution is exact and always possible; approximate ways stay
    within the bound of ``math`` (DESIGN: 1e-3 for Winograd and FFT).
    """
    for op in graph.ops:
        if isinstance(op.prim, Conv | ConvInputGrad | ConvWeightGrad):
            op.algorithm = _cheapest(op, target)
    return graph


def _cheapest(op: Op, target: Target) -> str:
    assert "direct" in target.algorithms
    return "direct"
