"""correlation, sample and their gradients in NumPy: one pass for each displacement, for each of the four pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runtime.ops import Pair
from runtime.ops_space import Correlation, CorrelationGrad, Sample, SampleGrad
from runtime.reference.registry import Array, Context, reference


def _displacements(prim: Correlation | CorrelationGrad, size: Pair) -> Iterator[tuple[int, list[Array], list[Array]]]:
    """For each displacement its number, and rows and columns of the pixels of a and of b."""
    own = [prim.start[axis] + prim.stride * np.arange(size[axis]) for axis in (0, 1)]
    for p, q in np.ndindex(*prim.count):
        moved = [own[axis] + prim.first[axis] + prim.step * k for axis, k in enumerate((p, q))]
        yield p * prim.count[1] + q, own, moved


def _inside(size: Pair, places: list[Array]) -> tuple[Array, Array]:
    """Which rows and columns lie in the map."""
    rows, columns = (np.flatnonzero((at >= 0) & (at < n)) for at, n in zip(places, size, strict=True))
    return rows, columns


def _taken(x: Array, places: list[Array]) -> Array:
    """The pixels at rows x columns, zeros outside."""
    rows, columns = _inside((x.shape[2], x.shape[3]), places)
    found = np.zeros((*x.shape[:2], len(places[0]), len(places[1])), x.dtype)
    found[:, :, rows[:, None], columns] = x[:, :, places[0][rows][:, None], places[1][columns]]
    return found


@reference(Correlation)
def evaluate_correlation(prim: Correlation, context: Context, a: Array, b: Array) -> tuple[Array, ...]:
    """Displacement by displacement."""
    y = np.zeros((a.shape[0], prim.count[0] * prim.count[1], *prim.size), a.dtype)
    for k, own, moved in _displacements(prim, prim.size):
        left, right = _taken(a, own), _taken(b, moved)
        y[:, k] = (left * right if prim.mode == "multiply" else np.abs(left - right)).mean(1)
    return (y,)


@reference(CorrelationGrad)
def evaluate_correlation_grad(
    prim: CorrelationGrad, context: Context, dy: Array, other: Array, *own_side: Array
) -> tuple[Array, ...]:
    """Every dy times the pixel of the other side, or by the sign of the difference, added where it came from."""
    dx = np.zeros_like(other)
    size = (other.shape[2], other.shape[3])
    for k, own, moved in _displacements(prim, (dy.shape[2], dy.shape[3])):
        here, there = (own, moved) if prim.side == "a" else (moved, own)
        factor = _taken(other, there)
        if own_side:
            factor = np.sign(_taken(own_side[0], here) - factor)
        part = dy[:, k, None] * factor / other.shape[1]
        rows, columns = _inside(size, here)
        dx[:, :, here[0][rows][:, None], here[1][columns]] += part[:, :, rows[:, None], columns]
    return (dx,)


def _corners(places: Array, size: Pair, order: Pair) -> Iterator[tuple[Array, Array, Array]]:
    """Row, column and weight of each of the four pixels around the places; weight 0 outside the map."""
    known = np.where(np.isfinite(places), places, -2.0)
    column, row = known[:, 0], known[:, 1]
    # far places would not fit into an integer
    low = [np.floor(np.clip(v, -2, n + 1)).astype(np.int64) for v, n in zip((row, column), size, strict=True)]
    for r in (0, 1):
        for s in (0, 1):
            at = low[0] + r, low[1] + s
            weight = np.ones_like(row)
            for axis, (v, step) in enumerate(((row, r), (column, s))):
                f = v - low[axis]
                weight = weight * ((2 * step - 1.0) if order[axis] else (f if step else 1 - f))
            inside = (at[0] >= 0) & (at[0] < size[0]) & (at[1] >= 0) & (at[1] < size[1])
            yield np.where(inside, at[0], 0), np.where(inside, at[1], 0), np.where(inside, weight, 0)


@reference(Sample)
def evaluate_sample(prim: Sample, context: Context, x: Array, places: Array) -> tuple[Array, ...]:
    """The four pixels around, weighed."""
    y = np.zeros((*x.shape[:2], *places.shape[2:]), x.dtype)
    for row, column, weight in _corners(places, (x.shape[2], x.shape[3]), prim.order):
        for n in range(len(x)):
            y[n] += np.where(weight[n] != 0, weight[n] * x[n][:, row[n], column[n]], 0)
    return (y,)


@reference(SampleGrad)
def evaluate_sample_grad(prim: SampleGrad, context: Context, dy: Array, places: Array) -> tuple[Array, ...]:
    """Every dy spread over the four pixels around."""
    dx = np.zeros((*dy.shape[:2], *prim.size), dy.dtype)
    for row, column, weight in _corners(places, prim.size, prim.order):
        for n in range(len(dy)):
            spread = np.where(weight[n] != 0, weight[n] * dy[n], 0)
            pixels = dx[n].reshape(dx.shape[1], -1).T
            np.add.at(pixels, (row[n] * prim.size[1] + column[n]).ravel(), spread.reshape(dx.shape[1], -1).T)
    return (dx,)
