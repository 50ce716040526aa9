"""Correlation of two maps over displacements, and its gradients: vectors over channels.

Source
    Dosovitskiy et al. 2015 (FlowNet).
"""

from __future__ import annotations

from runtime.ops_space import Correlation, CorrelationGrad
from runtime.plan import Step
from runtime.portable.site import Site, Work, kernel_file, portable
from runtime.vector.kernel import Word, map_words


@portable(Correlation)
def correlation(step: Step, site: Site) -> Work:
    """The work of ``Correlation``."""
    op, (a, b), y = step.op, step.reads, step.writes[0]
    assert isinstance(op, Correlation)
    assert y is not None
    n, _, height, width = y.shape
    channels, lanes = a.shape[1], site.lanes(y.dtype, held=2)
    rows_a_chunk = site.chunk(n * height, width * y.shape[1] * (4 + -(-channels // lanes)))
    words: tuple[Word, ...] = (
        *map_words(a), *map_words(b), *map_words(y),
        channels, *a.shape[2:], height, width, n * height, rows_a_chunk,
        op.stride, *op.start, *op.first, op.step, *op.count, channels // lanes * lanes, 1.0 / channels,
    )  # fmt: skip
    kernel = kernel_file("correlation", SCALAR=y.dtype, LANES=lanes, MODE=op.mode)
    return Work(kernel, words, -(-n * height // rows_a_chunk))


@portable(CorrelationGrad)
def correlation_grad(step: Step, site: Site) -> Work:
    """The work of ``CorrelationGrad``."""
    op, (dy, other, *own), dx = step.op, step.reads, step.writes[0]
    assert isinstance(op, CorrelationGrad)
    assert dx is not None
    n, channels, height, width = dx.shape
    lanes = site.lanes(dx.dtype)
    rows_a_chunk = site.chunk(n * height, width * dy.shape[1] * (2 + -(-channels // lanes)))
    words: tuple[Word, ...] = (
        *map_words(dy), *map_words(other), *map_words(own[0] if own else None), *map_words(dx),
        channels, height, width, *dy.shape[2:], n * height, rows_a_chunk,
        op.stride, *op.start, *op.first, op.step, *op.count, 1 if op.side == "a" else -1, 1.0 / channels,
    )  # fmt: skip
    kernel = kernel_file("correlation_grad", SCALAR=dx.dtype, LANES=lanes, MODE=op.mode)
    return Work(kernel, words, -(-n * height // rows_a_chunk))
