"""TopK: a heap for each row."""

from __future__ import annotations

from runtime import ops
from runtime.plan import Step, View
from runtime.portable.site import Site, Work, kernel_file, portable
from runtime.vector.kernel import Word, address_of, byte_strides


@portable(ops.TopK)
def top_k(step: Step, site: Site) -> Work:
    """The work of ``ops.TopK``."""
    op, x = step.op, step.reads[0]
    assert isinstance(op, ops.TopK)
    rows, columns = x.shape
    depth = op.count.bit_length()
    a_chunk = site.chunk(rows, columns + 8 * op.count * depth)
    place_bytes = -(-op.count * x.item_bytes // 64) * 64
    words: tuple[Word, ...] = (
        *_words(x), *_words(step.writes[0]), *_words(step.writes[1]), columns, op.count, rows, a_chunk,
        *site.own(place_bytes + 8 * op.count), place_bytes,
    )  # fmt: skip
    kernel = kernel_file("top_k", SCALAR=x.dtype, LANES=site.lanes(x.dtype))
    return Work(kernel, words, -(-rows // a_chunk))


def _words(view: View | None) -> tuple[Word, ...]:
    """Address and strides (bytes) of rows and columns; zeros without a view."""
    return (0, 0, 0) if view is None else (address_of(view), *byte_strides(view))
