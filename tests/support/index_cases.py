"""Cases of the primitives that take elements by number: for the table of primitive_cases, which imports this."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from primitive_cases import Array, Case, distinct, tied, values

from runtime import ops
from runtime.ops import Primitive


def numbers(seed: int, size: int, *shape: int) -> Array:
    """Numbers of rows: many twice, some of no row."""
    rng = np.random.default_rng([seed, size, *shape])
    drawn = rng.integers(-1, size + 1, shape)
    drawn[rng.random(shape) < 0.1] = rng.choice([-(2**31), -7, size + 5, 2**31 - 1])
    return drawn.astype(np.int32)


def rows_case(prim: type[Primitive], seed: int, size: int, width: int, *index: int) -> Case:
    """``Gather`` or ``ScatterAdd`` with a table of ``size`` x ``width`` and an index of this shape."""
    of = numbers(seed, size, *index)
    text = f"{size}x{width}-by-{'x'.join(map(str, index))}"
    if prim is ops.Gather:
        return Case(f"gather-{text}", ops.Gather(), (values(seed, *index[:-1], size, width), of))
    return Case(f"scatter_add-{text}", ops.ScatterAdd(size), (values(seed, *index, width), of))


ROWS = (
    (1, 1, 1), (7, 1, 5), (5, 3, 9), (9, 16, 4), (40, 33, 25), (3, 64, 700), (2000, 1, 3000), (300, 17, 500),
    (7, 1, 3, 5), (5, 4, 2, 9), (100, 1, 20, 30), (1, 1, 1, 1), (600, 2, 3, 900),
)  # fmt: skip
"""Size and width of the table, shape of the index."""


def _rows_fixed(prim: type[Primitive]) -> Callable[[], list[Case]]:
    def make() -> list[Case]:
        cases = [rows_case(prim, 1, *row) for row in ROWS]
        if prim is ops.Gather:
            table = np.arange(12, dtype=np.int32).reshape(4, 3)
            cases.append(Case("gather-integers", ops.Gather(), (table, numbers(2, 4, 9)), smooth=False))
        return cases

    return make


def _rows_strategy(prim: type[Primitive]) -> Callable[[], st.SearchStrategy[Case]]:
    sizes = st.sampled_from((1, 2, 3, 7, 17, 33))
    index = st.lists(st.integers(1, 9), min_size=1, max_size=2)
    return lambda: st.builds(
        lambda seed, v, d, i: rows_case(prim, seed, v, d, *i), st.integers(0, 99), sizes, sizes, index
    )


def top_k_case(seed: int, rows: int, columns: int, count: int, ties: bool = False) -> Case:
    """The ``count`` largest; with ties, not smooth."""
    x = (tied if ties else distinct)(seed, rows, columns)
    return Case(f"top_k-{rows}x{columns}-{count}{'-ties' if ties else ''}", ops.TopK(count), (x,), smooth=not ties)


def _top_k_fixed() -> list[Case]:
    sizes = ((1, 1, 1), (3, 9, 1), (5, 10, 5), (4, 33, 33), (2, 1000, 100), (40, 21, 2))
    cases = [top_k_case(1, *size, ties) for size in sizes for ties in (False, True)]
    odd = values(2, 4, 9)
    odd[0, 3], odd[0, 5], odd[1, :], odd[2, 1], odd[2, 2], odd[3, :] = np.nan, np.nan, np.nan, np.inf, -np.inf, -np.inf
    odd[2, 4:6] = 0.0, -0.0
    rising = np.arange(300.0).reshape(2, 150)
    special = [Case(f"top_k-special-{k}", ops.TopK(k), (odd,), smooth=False) for k in (1, 4, 9)]
    return [
        *cases,
        *special,
        Case("top_k-rising", ops.TopK(7), (rising,)),
        Case("top_k-falling", ops.TopK(7), (-rising,)),
    ]


@st.composite
def _top_k_strategy(draw: st.DrawFn) -> Case:
    columns = draw(st.integers(1, 40))
    count = draw(st.integers(1, columns))
    return top_k_case(draw(st.integers(0, 99)), draw(st.integers(1, 5)), columns, count, draw(st.booleans()))


def patches_case(
    prim: type[Primitive],
    seed: int,
    shape: tuple[int, int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    pad: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    more: int = 0,
) -> Case:
    """``Patches`` or ``Unpatch`` of a map of this shape; ``more`` rows and columns of windows beyond those that fit."""
    inside, out = shape[2:], []
    for a in (0, 1):
        span = inside[a] + 2 * pad[a] - (dilation[a] * (kernel[a] - 1) + 1)
        out.append(max(1, span // stride[a] + 1 + more))
    text = f"{'x'.join(map(str, shape))}-k{kernel}-s{stride}-p{pad}-d{dilation}-{more}".replace(" ", "")
    common = (kernel, stride, pad, dilation)
    if prim is ops.Patches:
        return Case(f"patches-{text}", ops.Patches(*common, (out[0], out[1])), (values(seed, *shape),))
    y = values(seed, shape[0], shape[1] * kernel[0] * kernel[1], *out)
    return Case(f"unpatch-{text}", ops.Unpatch(*common, (inside[0], inside[1])), (y,))


def _patches_fixed(prim: type[Primitive]) -> Callable[[], list[Case]]:
    geometries = (
        ((1, 1, 1, 1), (1, 1)),
        ((2, 5, 7, 6), (3, 2)),
        ((2, 33, 5, 4), (3, 3), (2, 1), (1, 1)),
        ((1, 3, 9, 8), (2, 3), (1, 2), (2, 0), (3, 2)),
        ((2, 16, 6, 6), (1, 1), (2, 2)),
        ((1, 4, 5, 5), (2, 2), (2, 2), (0, 0), (1, 1), 1),
        ((1, 2, 3, 3), (5, 5), (1, 1), (4, 4)),
        ((3, 17, 4, 4), (4, 4)),
    )
    return lambda: [patches_case(prim, 1, *geometry) for geometry in geometries]


@st.composite
def _patches(draw: st.DrawFn, prim: type[Primitive]) -> Case:
    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    shape = (draw(st.integers(1, 2)), draw(st.sampled_from((1, 2, 5, 17))), *pair(1, 8))
    geometry = (pair(1, 4), pair(1, 3), pair(0, 3), pair(1, 2), draw(st.integers(0, 2)))
    return patches_case(prim, draw(st.integers(0, 99)), shape, *geometry)


FIXED: dict[type[Primitive], Callable[[], list[Case]]] = {
    ops.Gather: _rows_fixed(ops.Gather),
    ops.ScatterAdd: _rows_fixed(ops.ScatterAdd),
    ops.TopK: _top_k_fixed,
    ops.Patches: _patches_fixed(ops.Patches),
    ops.Unpatch: _patches_fixed(ops.Unpatch),
}

STRATEGIES: dict[type[Primitive], Callable[[], st.SearchStrategy[Case]]] = {
    ops.Gather: _rows_strategy(ops.Gather),
    ops.ScatterAdd: _rows_strategy(ops.ScatterAdd),
    ops.TopK: _top_k_strategy,
    ops.Patches: lambda: _patches(ops.Patches),
    ops.Unpatch: lambda: _patches(ops.Unpatch),
}
