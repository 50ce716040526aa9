"""Suppression of overlapping boxes: an image is one chunk, its boxes come from a heap.

Source
    Girshick et al. 2014; Neubeck and Van Gool 2006.
"""

from __future__ import annotations

from runtime.ops_detection import Nms
from runtime.plan import Step
from runtime.portable.site import Site, Work, kernel_file, portable
from runtime.vector.kernel import Word, address_of, byte_strides


@portable(Nms)
def nms(step: Step, site: Site) -> Work:
    """The work of ``Nms``."""
    op, (boxes, scores), (index, count) = step.op, step.reads, step.writes
    assert isinstance(op, Nms)
    images, total = scores.shape
    lanes = site.lanes("f64")
    row = 4 * op.capacity
    unread = site.scratch(images * (row + 4))  # a result that nobody reads is written all the same, to scratch
    to_index: tuple[Word, ...] = (address_of(index), *byte_strides(index)) if index else (unread, row, 4)
    to_count: tuple[Word, ...] = (address_of(count), *byte_strides(count)) if count else (unread, 4)
    own = site.own(8 * total + 5 * 8 * (op.capacity + lanes))
    words: tuple[Word, ...] = (
        address_of(boxes), *byte_strides(boxes), address_of(scores), *byte_strides(scores), *to_index, *to_count,
        total, op.capacity, op.candidates or total, *own, float(op.threshold), float(op.extent),
    )  # fmt: skip
    return Work(kernel_file("nms", SCALAR=boxes.dtype, LANES=lanes), words, images)
