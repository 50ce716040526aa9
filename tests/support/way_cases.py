"""Convolutions and their gradients as cases of the cost model, and targets that have kernels for every way."""

from __future__ import annotations

from compiler.costs import Case
from compiler.target import Target
from runtime import ops
from runtime.ways import FFT, IM2COL, WINOGRAD_2, WINOGRAD_4

KINDS = ("Conv", "ConvInputGrad", "ConvWeightGrad")
EVERY = dict.fromkeys(KINDS, (IM2COL, WINOGRAD_2, WINOGRAD_4, FFT))
WINOGRAD = dict.fromkeys(KINDS, (WINOGRAD_2, WINOGRAD_4))


def cases(
    n: int, c: int, size: int, k: int, r: int, pad: int = 0, stride: int = 1, groups: int = 1, **more: object
) -> dict[str, Case]:
    """Forward, input gradient and weight gradient of one square convolution, by the primitive's class name."""
    x, w = (n, c, size, size), (k, c // groups, r, r)
    out = (size + 2 * pad - r) // stride + 1
    geometry = ((stride, stride), (pad, pad), (1, 1), groups)
    prims = (
        ops.Conv(*geometry),
        ops.ConvInputGrad(*geometry, (size, size)),
        ops.ConvWeightGrad(*geometry, (r, r)),
    )
    return {type(op).__name__: Case(op, x, w, (n, k, out, out), **more) for op in prims}


def target(**fields: object) -> Target:
    """A target with kernels for every way unless ``algorithms`` says otherwise."""
    return Target(**{"algorithms": EVERY, **fields})
