"""Maps N x C x H x W as kernels see them that give each thread a vector of channels of one pixel."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

from runtime.plan import View
from runtime.vector.emit import divisor_words
from runtime.vector.kernel import Word, address_of, byte_strides


def channel_lanes(views: Sequence[View], most: int) -> int:
    """Channels of a vector, at most ``most``, so that it is whole and lies at a multiple of itself in every view."""
    lanes = gcd(views[0].shape[1], most)
    for view in views:
        if view.shape[1] > 1 and view.strides[1] != 1:
            return 1
        steps = [s for axis, (n, s) in enumerate(zip(view.shape, view.strides, strict=True)) if axis != 1 and n > 1]
        lanes = gcd(lanes, view.offset // view.item_bytes, *steps)
    return lanes


def map_words(view: View | None) -> tuple[Word, ...]:
    """Address of a map, strides (bytes) of image, channel, row and pixel; zeros without a view."""
    return (0,) * 5 if view is None else (address_of(view), *byte_strides(view))


def unit_words(view: View, lanes: int) -> tuple[tuple[Word, ...], int]:
    """Words that split a thread's number into vector of channels, column and row: three divisors; how many threads."""
    n, c, h, w = view.shape
    return tuple(word for size in (c // lanes, w, h) for word in divisor_words(size)), n * (c // lanes) * h * w
