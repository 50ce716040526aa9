"""Attributes of the primitives that compare and sample maps at displaced places."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.ops import Pair, Primitive


@dataclass(frozen=True)
class Correlation(Primitive):
    """Pixels of one map with those around them of another: a, b N x C x H x W -> N x P Q x ``size``.

    y[n, p Q + q, i, j] = mean over c of a[c, u, v] b[c, u + first_0 + step p, v + first_1 + step q]
    (``multiply``) or of the absolute difference of the two (``subtract``), with
    u = start_0 + stride i, v = start_1 + stride j, (P, Q) = ``count``, zeros outside both maps.
    """

    mode: str
    stride: int
    start: Pair
    first: Pair
    step: int
    count: Pair
    size: Pair


@dataclass(frozen=True)
class CorrelationGrad(Primitive):
    """Gradient of ``Correlation`` for one side, ``a`` or ``b``: (dy, other) -> as other.

    ``subtract`` reads the own side too: (dy, other, own).
    """

    side: str
    mode: str
    stride: int
    start: Pair
    first: Pair
    step: int
    count: Pair


@dataclass(frozen=True)
class Sample(Primitive):
    """Bilinear samples at places that are data: x N x C x H x W, places N x 2 x Ho x Wo -> N x C x Ho x Wo.

    ``places[:, 0]`` counts columns, ``places[:, 1]`` rows, in pixels; zeros
    outside the map, and where a place is not a number. ``order`` is the number
    of derivatives by (row, column), each 0 or 1: its weights of the two pixels
    around are (-1, 1) in place of (1 - f, f).
    """

    order: Pair = (0, 0)


@dataclass(frozen=True)
class SampleGrad(Primitive):
    """Adjoint of ``Sample`` in x: dy N x C x Ho x Wo, places -> N x C x ``size``.

    Each dy times its weights, added to the pixels around in the order of the places.
    """

    size: Pair
    order: Pair = (0, 0)
