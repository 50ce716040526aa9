"""How far a way of a convolution may be off, and how far it will be."""

from __future__ import annotations

from math import ceil, log2, prod, sqrt

from compiler.costs import Case
from runtime.ops import Conv, ConvInputGrad, ConvWeightGrad
from runtime.ways import FFT, winograd_taps
from runtime.winograd import TILE, parity_error

BOUND = {"f32": 1e-3, "f64": 1e-9}
"""Largest error an approximate way may have, as a part of the result's root mean square."""

UNIT = {"f32": 2.0**-24, "f64": 2.0**-53}
"""Relative rounding error of one operation."""

FFT_SAFETY = 8.0
"""Data that are all positive and the largest of millions of results reach up to this many times the usual error."""


def predicted(case: Case, way: str) -> float:
    """An upper estimate of max |result - exact| over the result's root mean square; 0 for what only sums products."""
    if way in TILE:
        gradient = isinstance(case.op, ConvWeightGrad)
        taps = winograd_taps(case.op, case.kernel)
        return parity_error(way, taps, _terms(case, way), weight_grad=gradient, dtype=case.dtype)
    if way == FFT:
        # each level of the transforms adds a rounding; the products' sum one that grows with the root of its length
        levels = sum(log2(n + f) for n, f in zip(case.x[2:], case.kernel, strict=True))
        return FFT_SAFETY * UNIT[case.dtype] * (levels + sqrt(_terms(case, way)))
    return 0.0


def _terms(case: Case, way: str) -> int:
    """Numbers summed for each number of the result, in the transformed space."""
    if isinstance(case.op, Conv):
        return case.w[1] * (prod(case.op.stride) if way in TILE else 1)
    if isinstance(case.op, ConvInputGrad):
        return case.w[0] // case.op.groups
    tile = TILE.get(way)
    n, _, ho, wo = case.y
    return n if tile is None else n * ceil(ho / tile) * ceil(wo / tile)
