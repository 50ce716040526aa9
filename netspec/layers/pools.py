"""What pooling makes of a window: its largest element, its average, or an element drawn by its size.

Source
    Zeiler and Fergus 2013, "Stochastic pooling for regularization of deep convolutional neural networks".
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from runtime.ops import Pair

WAYS = ("MAX", "AVE", "STOCHASTIC")
"""Choices of a field ``pool``."""


def pooled(b: Builder, way: str, x: Value, kernel: Pair, stride: Pair, pad: Pair, size: Pair) -> Value:
    """Windows of N x C x H x W pooled to N x C x ``size``."""
    if way == "AVE":
        return (
            b.mean(x, (2, 3)) if kernel == x.shape[2:] and pad == (0, 0) else b.ave_pool(x, kernel, stride, pad, size)
        )
    if way == "STOCHASTIC":
        return (drawn if b.phase == "train" else weighted)(b, x, kernel, stride, pad, size)
    return b.max_pool(x, kernel, stride, pad, size)[0]


def drawn(b: Builder, x: Value, kernel: Pair, stride: Pair, pad: Pair, size: Pair) -> Value:
    """An element of each window of N x C x H x W, taken with the probability of its part in the window's sum.

    Where the sum is 0 it is the first. One number a window decides: the first
    element up to which the sum is a share of the whole at least as large.
    """
    (n, c), count = x.shape[:2], prod(kernel)
    taps = b.transpose(b.patches(x, kernel, stride, pad, (1, 1), size), (0, 2, 3, 1))
    rows = b.reshape(taps, (n * prod(size) * c, count))
    # sums up to each element, by a product with a triangle of ones: the last is the whole
    triangle = b.to_float(b.index((count, count), 0) <= b.index((count, count), 1))
    sums = b.matmul(rows, triangle)
    share = b.uniform((rows.shape[0], 1)) * b.slice(sums, 1, count - 1, count)
    number = b.sum(b.to_float(sums < share), 1)
    hit = b.equal(b.to_float(b.index(rows.shape, 1)), number)
    y = b.sum(b.where(hit, rows, 0.0), 1)
    return b.transpose(b.reshape(y, (n, *size, c)), (0, 3, 1, 2))


def weighted(b: Builder, x: Value, kernel: Pair, stride: Pair, pad: Pair, size: Pair) -> Value:
    """Sum of x^2 over sum of x of each window: what ``drawn`` gives in the mean; 0 where the sum is."""
    squares, sums = (b.ave_pool(v, kernel, stride, pad, size) for v in (x * x, x))
    some = b.not_equal(sums, 0.0)
    return b.where(some, squares / b.where(some, sums, 1.0), 0.0)
