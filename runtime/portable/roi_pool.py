"""Pooling of regions and its gradient, vectors over channels.

Source
    Girshick 2015; rbgirshick/caffe-fast-rcnn ``ROIPoolingLayer``.
"""

from __future__ import annotations

from runtime.ops_detection import COORDINATE_LIMIT, RoiPool, RoiUnpool
from runtime.plan import Step, View
from runtime.portable.site import Site, Work, kernel_file, portable
from runtime.vector.kernel import Word, address_of, byte_strides, map_words


@portable(RoiPool)
def roi_pool(step: Step, site: Site) -> Work:
    """The work of ``RoiPool``."""
    op, (x, rois), (y, index) = step.op, step.reads, step.writes
    assert isinstance(op, RoiPool)
    made = y or index
    assert made is not None
    regions, channels, bins_h, bins_w = made.shape
    lanes, rows = site.lanes(x.dtype), regions * bins_h
    # a row of bins sees about that part of the map: regions are seldom larger
    seen = x.shape[2] * x.shape[3] // (2 * bins_h)
    rows_a_chunk = site.chunk(rows, -(-channels // lanes) * (4 * bins_w + seen))
    words: tuple[Word, ...] = (
        *map_words(x), *_region_words(rois), *map_words(y), *map_words(index),
        x.shape[0], channels, *x.shape[2:], bins_h, bins_w, rows, rows_a_chunk, float(op.scale),
    )  # fmt: skip
    kernel = kernel_file("roi_pool", SCALAR=x.dtype, LANES=lanes, LIMIT=COORDINATE_LIMIT)
    return Work(kernel, words, -(-rows // rows_a_chunk))


@portable(RoiUnpool)
def roi_unpool(step: Step, site: Site) -> Work:
    """The work of ``RoiUnpool``."""
    op, (dy, index, rois), dx = step.op, step.reads, step.writes[0]
    assert isinstance(op, RoiUnpool)
    assert dx is not None
    images, channels, height, width = dx.shape
    lanes = site.lanes(dx.dtype)
    blocks = -(-channels // lanes)
    words: tuple[Word, ...] = (
        *map_words(dy), *map_words(index), *_region_words(rois), *map_words(dx),
        images, channels, height, width, *dy.shape[2:], rois.shape[0], blocks,
        *site.own(height * width * lanes * dx.item_bytes),
    )  # fmt: skip
    kernel = kernel_file("roi_unpool", SCALAR=dx.dtype, LANES=lanes, LIMIT=COORDINATE_LIMIT)
    return Work(kernel, words, images * blocks)


def _region_words(rois: View) -> tuple[Word, ...]:
    """Address, bytes from region to region and from number to number."""
    return address_of(rois), *byte_strides(rois)
