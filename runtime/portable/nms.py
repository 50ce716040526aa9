"""Suppression of overlapping boxes: an image is one chunk, its boxes come from a heap.

Source
    Girshick et al. 2014; Neubeck and Van Gool 2006.
"""

from __future__ import annotations

from runtime.cpu.launch import Context, Launch, ThreadStride, Word, address_of, byte_strides, kernel_file, launcher
from runtime.ops_detection import Nms
from runtime.plan import Step


@launcher(Nms)
def nms(step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``Nms``."""
    op, (boxes, scores), (index, count) = step.op, step.reads, step.writes
    assert isinstance(op, Nms)
    images, total = scores.shape
    lanes = ctx.lanes("f64")
    row = 4 * op.capacity
    unread = ctx.scratch(images * (row + 4))  # a result that nobody reads is written all the same, to scratch
    to_index: tuple[Word, ...] = (address_of(index), *byte_strides(index)) if index else (unread, row, 4)
    to_count: tuple[Word, ...] = (address_of(count), *byte_strides(count)) if count else (unread, 4)
    scratch = ctx.thread_scratch(8 * total + 5 * 8 * (op.capacity + lanes))
    words: tuple[Word, ...] = (
        address_of(boxes), *byte_strides(boxes), address_of(scores), *byte_strides(scores), *to_index, *to_count,
        total, op.capacity, op.candidates or total, scratch, ThreadStride(), float(op.threshold), float(op.extent),
    )  # fmt: skip
    return [Launch(kernel_file("nms", SCALAR=boxes.dtype, LANES=lanes), words, images, step.barrier)]
