"""Bilinear sampling at places that are data, and its adjoint.

Source
    Jaderberg et al. 2015 (spatial transformers).
"""

from __future__ import annotations

from runtime.ops_space import Sample, SampleGrad
from runtime.plan import Step
from runtime.portable.site import Site, Work, kernel_file, portable
from runtime.vector.kernel import Word, map_words


@portable(Sample)
def sample(step: Step, site: Site) -> Work:
    """The work of ``Sample``."""
    op, (x, places), y = step.op, step.reads, step.writes[0]
    assert isinstance(op, Sample)
    assert y is not None
    n, channels, height, width = y.shape
    lanes = site.lanes(y.dtype)
    rows_a_chunk = site.chunk(n * height, width * (8 + 5 * -(-channels // lanes)))
    words: tuple[Word, ...] = (
        *map_words(x), *map_words(places), *map_words(y),
        channels, *x.shape[2:], height, width, n * height, rows_a_chunk, *op.order,
    )  # fmt: skip
    kernel = kernel_file("sample", SCALAR=y.dtype, LANES=lanes)
    return Work(kernel, words, -(-n * height // rows_a_chunk))


@portable(SampleGrad)
def sample_grad(step: Step, site: Site) -> Work:
    """The work of ``SampleGrad``."""
    op, (dy, places), dx = step.op, step.reads, step.writes[0]
    assert isinstance(op, SampleGrad)
    assert dx is not None
    n, channels, height, width = dx.shape
    lanes = site.lanes(dx.dtype)
    blocks = -(-channels // lanes)
    words: tuple[Word, ...] = (
        *map_words(dy), *map_words(places), *map_words(dx),
        channels, height, width, *dy.shape[2:], blocks, *op.order,
    )  # fmt: skip
    kernel = kernel_file("sample_grad", SCALAR=dx.dtype, LANES=lanes)
    return Work(kernel, words, n * blocks)
