"""Sliding windows over one, two and three axes by the primitives for two.

A length is a map of one row. Of a volume N x C x D x H x W the slices become
images, slice by slice, D N x C x H x W: a convolution puts the slices under its
kernel's depth beside each other as channels, and is one over height and width
with T times as many; pooling takes the windows of each slice, then the results
along the depth.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, cast

from netspec.layers import pools

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from runtime.ops import Pair

Sides = tuple[int, ...]


def pair(sides: Sides) -> Pair:
    """The last two of three sides; a length's behind a row's."""
    return cast("Pair", sides[-2:])


def _as_row(sides: Sides, neutral: int) -> Pair:
    return neutral, sides[0]


def _images(b: Builder, x: Value) -> Value:
    """The slices of N x C x D x H x W as D N x C x H x W."""
    n, c, d, h, w = x.shape
    return b.reshape(b.transpose(x, (2, 0, 1, 3, 4)), (d * n, c, h, w))


def _volume(b: Builder, y: Value, samples: int) -> Value:
    """Images D N x C x H x W as N x C x D x H x W."""
    count, c, h, w = y.shape
    return b.transpose(b.reshape(y, (count // samples, samples, c, h, w)), (1, 2, 0, 3, 4))


def _shifted(b: Builder, x: Value, first: int, count: int) -> Value:
    """Images ``first`` to ``first + count``, zeros where there are none."""
    if first + count <= 0 or first >= x.shape[0]:
        return b.full((count, *x.shape[1:]), 0.0)
    widths = (-first, first + count - x.shape[0])
    return x if widths == (0, 0) else b.pad(x, (widths, (0, 0), (0, 0), (0, 0)))


def _biased(b: Builder, y: Value, bias: Value | None) -> Value:
    """``y`` with its channels' biases, as a map that runs behind the product that makes y."""
    return y if bias is None else y + b.reshape(bias, (1, y.shape[1], 1, 1))


def convolved(
    b: Builder, x: Value, w: Value, bias: Value | None, stride: Sides, pad: Sides, dilation: Sides, groups: int
) -> Value:
    """``b.conv`` over one to three axes; w K x C/groups x its sides, bias K."""
    if len(stride) == 1:
        y = b.conv(_row(b, x), _row(b, w), _as_row(stride, 1), _as_row(pad, 0), _as_row(dilation, 1), groups)
        return b.reshape(_biased(b, y, bias), (*y.shape[:2], y.shape[3]))
    if len(stride) == 2:
        return _biased(b, b.conv(x, w, pair(stride), pair(pad), pair(dilation), groups), bias)
    k, part, taps, *plane = w.shape
    seen = _beside(b, _slices(b, x, taps, stride[0], pad[0], dilation[0]), groups)
    flat = b.reshape(b.transpose(w, (0, 2, 1, 3, 4)), (k, taps * part, *plane))
    y = b.conv(seen, flat, pair(stride), pair(pad), pair(dilation), groups)
    return _volume(b, _biased(b, y, bias), x.shape[0])


def _row(b: Builder, x: Value) -> Value:
    return b.reshape(x, (*x.shape[:2], 1, x.shape[2]))


def _slices(b: Builder, x: Value, taps: int, stride: int, pad: int, dilation: int) -> list[Value]:
    """For each tap of the depth, the slices that the windows find there: images of all windows."""
    n, c, d, h, w = x.shape
    extent = dilation * (taps - 1) + 1
    count = (d + 2 * pad - extent) // stride + 1
    if stride == 1:
        images = _images(b, x)
        return [_shifted(b, images, (t * dilation - pad) * n, count * n) for t in range(taps)]
    # every stride-th slice lies together: the windows of a tap are then neighbours
    rounds = -(-((count - 1) * stride + extent) // stride)
    x = b.pad(x, ((0, 0), (0, 0), (pad, rounds * stride - d - pad), (0, 0), (0, 0)))
    x = b.reshape(x, (n, c, rounds, stride, h, w))
    phases: dict[int, Value] = {}
    found = []
    for t in range(taps):
        first, phase = divmod(t * dilation, stride)
        if phase not in phases:
            phases[phase] = _images(b, b.reshape(b.slice(x, 3, phase, phase + 1), (n, c, rounds, h, w)))
        found.append(_shifted(b, phases[phase], first * n, count * n))
    return found


def _beside(b: Builder, images: list[Value], groups: int) -> Value:
    """Images as channels of one, group by group."""
    if groups == 1 or len(images) == 1:
        return b.concat(images, 1)
    m, c, h, w = images[0].shape
    parts = [b.reshape(v, (m, groups, c // groups, h, w)) for v in images]
    return b.reshape(b.concat(parts, 2), (m, len(images) * c, h, w))


def deconvolved(
    b: Builder,
    x: Value,
    w: Value,
    bias: Value | None,
    stride: Sides,
    pad: Sides,
    dilation: Sides,
    groups: int,
    size: Sides,
) -> Value:
    """``b.conv_input_grad`` over one to three axes, to maps of ``size``; w C x K/groups x its sides, bias K."""
    if len(stride) == 1:
        around = _as_row(stride, 1), _as_row(pad, 0), _as_row(dilation, 1)
        y = b.conv_input_grad(_row(b, x), _row(b, w), *around, groups, _as_row(size, 1))
        return b.reshape(_biased(b, y, bias), (*y.shape[:2], y.shape[3]))
    if len(stride) == 2:
        y = b.conv_input_grad(x, w, pair(stride), pair(pad), pair(dilation), groups, pair(size))
        return _biased(b, y, bias)
    c, part, taps, *plane = w.shape
    n, d = x.shape[0], x.shape[2]
    flat = b.reshape(b.transpose(w, (0, 2, 1, 3, 4)), (c, taps * part, *plane))
    stamped = b.conv_input_grad(
        _images(b, x), flat, pair(stride), pair(pad), pair(dilation), groups, pair(size)
    )  # fmt: skip
    whole = (groups, taps, part, *size[1:])
    stamps = b.reshape(stamped, (d * n, *whole))
    total: Value | None = None
    for t in range(taps):
        one = b.reshape(b.slice(stamps, 2, t, t + 1), (d * n, groups * part, *size[1:]))
        if stride[0] > 1:  # nothing between a stamp and the next
            apart = b.reshape(one, (d, 1, n, *one.shape[1:]))
            apart = b.pad(apart, ((0, 0), (0, stride[0] - 1), *((0, 0),) * 4))
            one = b.reshape(apart, (d * stride[0] * n, *one.shape[1:]))
        placed = _shifted(b, one, (pad[0] - t * dilation[0]) * n, size[0] * n)
        total = placed if total is None else total + placed
    assert total is not None
    return _volume(b, _biased(b, total, bias), n)


def pooled(b: Builder, way: str, x: Value, kernel: Sides, stride: Sides, pad: Sides, size: Sides) -> Value:
    """``pools.pooled`` over one to three axes."""
    if len(kernel) == 1:
        around = _as_row(kernel, 1), _as_row(stride, 1), _as_row(pad, 0)
        y = pools.pooled(b, way, _row(b, x), *around, _as_row(size, 1))
        return b.reshape(y, (*y.shape[:2], y.shape[3]))
    if len(kernel) == 2:
        return pools.pooled(b, way, x, pair(kernel), pair(stride), pair(pad), pair(size))
    n, c, d = x.shape[:3]
    y = pools.pooled(b, way, _images(b, x), pair(kernel), pair(stride), pair(pad), pair(size))
    if (kernel[0], stride[0], pad[0]) == (1, 1, 0):
        return _volume(b, y, n)
    # the numbers of a slice are channels, the slices rows of a single column
    inside = (n, *size[1:], c)
    columns = b.reshape(b.transpose(y, (0, 2, 3, 1)), (d, prod(inside)))
    columns = b.reshape(b.transpose(columns, (1, 0)), (1, prod(inside), d, 1))
    y = pools.pooled(b, way, columns, (kernel[0], 1), (stride[0], 1), (pad[0], 0), (size[0], 1))
    y = b.transpose(b.reshape(y, (prod(inside), size[0])), (1, 0))
    return b.transpose(b.reshape(y, (size[0], *inside)), (1, 4, 0, 2, 3))
