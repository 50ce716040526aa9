"""Whether two strided views (strides of 0 or more) touch the same bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from runtime.plan import View

WORK = 100_000
"""Steps numpy's exact solver may take; beyond, overlapping extents count as an overlap."""


def overlaps(a: View, b: View) -> bool:
    """Whether an element of ``a`` and one of ``b`` share a byte; halos are not elements."""
    if a.memory != b.memory or 0 in a.shape or 0 in b.shape:
        return False
    (a_low, a_high), (b_low, b_high) = extent(a), extent(b)
    if a_high <= b_low or b_high <= a_low:
        return False
    # Only addresses are compared, nothing is read, so the arrays may reach beyond their base.
    base = np.empty(abs(a.offset - b.offset) + 1, np.uint8)
    start = min(a.offset, b.offset)
    try:
        x, y = _bytes(a, base, start), _bytes(b, base, start)
        return bool(np.shares_memory(x, y, max_work=WORK))  # type: ignore[arg-type]  # numpy's stub: 0 and -1 alone
    except np.exceptions.TooHardError:
        return True


def extent(view: View) -> tuple[int, int]:
    """First byte and the byte past the last one of the elements, without the halo."""
    return replace(view, halo=(0, 0)).extent() if view.halo != (0, 0) else view.extent()


def same_elements(a: View, b: View) -> bool:
    """Whether element i of ``a`` is element i of ``b`` for every i, counted in row-major order of their own shapes."""
    if (a.memory, a.offset, a.item_bytes) != (b.memory, b.offset, b.item_bytes):
        return False
    if a.shape == b.shape and a.strides == b.strides:
        return True
    return _runs(a) == _runs(b)


def _runs(view: View) -> list[tuple[int, int]]:
    """Sizes and strides of the axes, those joined that follow each other without gaps."""
    runs: list[tuple[int, int]] = []
    for n, stride in zip(view.shape, view.strides, strict=True):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * stride:
            runs[-1] = (runs[-1][0] * n, stride)
        else:
            runs.append((n, stride))
    return runs


def halo_strips(view: View, halo: tuple[int, int] | None = None) -> list[View]:
    """The rows above and below and the columns beside a 4-D view, each as a view of its own."""
    rows, columns = view.halo if halo is None else halo
    n, c, h, w = view.shape
    down, right = view.strides[2], view.strides[3]
    strips = [
        (-rows, -columns, rows, w + 2 * columns),
        (h, -columns, rows, w + 2 * columns),
        (0, -columns, h, columns),
        (0, w, h, columns),
    ]
    return [
        replace(
            view,
            offset=view.offset + (top * down + left * right) * view.item_bytes,
            shape=(n, c, height, width),
            halo=(0, 0),
        )
        for top, left, height, width in strips
        if height and width
    ]


def _bytes(view: View, base: NDArray[np.uint8], start: int) -> NDArray[np.uint8]:
    size = view.item_bytes
    strides = (*(s * size for s in view.strides), 1)
    return as_strided(base[view.offset - start :], (*view.shape, size), strides, writeable=False)
