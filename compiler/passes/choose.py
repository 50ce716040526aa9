"""choose: the algorithm of every convolution."""

from __future__ import annotations

from compiler.ir import Graph
from compiler.target import Target
from runtime.ops import Conv, ConvInputGrad, ConvWeightGrad


def choose(graph: Graph, target: Target) -> Graph:
    """Names the way of each convolution: the first of ``target.algorithms``.

    The direct convolution is exact, always possible, and the only way there is
    a kernel for; the others of the lectures become candidates here.
    """
    for op in graph.ops:
        if isinstance(op.prim, Conv | ConvInputGrad | ConvWeightGrad):
            op.algorithm = target.algorithms[0]
    return graph
