"""Rows of the layers that take elements by number, as in layer_cases."""

from __future__ import annotations

import layer_formulas as plain
import numpy as np
from layer_cases import case, window
from layer_support import Array, Case, Draw

from netspec.layers.arg_max import ArgMax
from netspec.layers.batch_reindex import BatchReindex
from netspec.layers.crop import Crop
from netspec.layers.embed import Embed
from netspec.layers.filter import Filter
from netspec.layers.im2col import Im2col
from netspec.layers.locally_connected import LocallyConnected
from netspec.layers.one_hot import OneHot
from netspec.layers.pooling import Pooling
from netspec.layers.spp import SPP
from netspec.layers.top_k import TopK
from netspec.layers.unpooling import Unpooling


@case
def embed(d: Draw) -> Case:
    rows, k, bias = d.int(1, 9), d.channels(), d.choice(True, False)
    x = d.labels(rows, *d.map_shape()[: d.int(0, 4)])
    layer = Embed(input_dim=rows, num_output=k, bias_term=bias)
    one_hot = np.eye(rows)[x]
    return Case(layer, [x], lambda p, x: one_hot @ p["weight"] + (p["bias"] if bias else 0))


@case
def batch_reindex(d: Draw) -> Case:
    x = d.values(*d.map_shape()[: d.int(1, 4)])
    index = d.labels(len(x), d.int(1, 7))
    return Case(BatchReindex(), [x, index], lambda p, x, index: x[index])


@case
def filter_(d: Draw) -> Case:
    n = d.int(1, 7)
    x, y = d.values(n, d.int(1, 3), d.int(1, 3)), d.labels(9, n)
    keep = d.labels(2, *d.choice((n,), (n, 1), (n, 1, 1, 1)))
    fill = d.choice((0.0,), (0.5, -1.0))

    def expected(p: dict[str, Array], x: Array, y: Array, keep: Array) -> tuple[Array, ...]:
        chosen = np.flatnonzero(keep.reshape(n))
        tops = []
        for v, rest in zip((x, y), (fill * 2)[:2], strict=True):
            top = np.full(v.shape, rest).astype(v.dtype)
            top[: len(chosen)] = v[chosen]
            tops.append(top)
        return *tops, np.array(float(len(chosen)))

    return Case(Filter(fill=fill), [x, y, keep], expected, tops=("x", "y", "count"))


def largest(x: Array, k: int, axis: int) -> tuple[Array, Array]:
    """Values and places of the k largest, the first of equal ones first."""
    order = np.argsort(-x, axis, kind="stable")
    order = np.take(order, np.arange(k), axis)
    return np.take_along_axis(x, order, axis), order


@case
def arg_max(d: Draw) -> Case:
    x = d.values(*d.map_shape()[: d.int(2, 4)])
    n = len(x)
    k, both = d.int(1, min(3, x.size // n)), d.choice(False, True)

    def expected(p: dict[str, Array], x: Array) -> Array:
        values, places = largest(x.reshape(n, -1), k, 1)
        found = np.stack([places, values], 1) if both else places[:, None]
        return found.reshape(*found.shape, *(1,) * (x.ndim - 3))

    return Case(ArgMax(top_k=k, out_max_val=both), [x], expected)


@case
def arg_max_along_an_axis(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    axis, values = d.int(-4, 3), d.choice(False, True)
    k = d.int(1, x.shape[axis])
    layer = ArgMax(top_k=k, axis=axis, out_max_val=values)
    return Case(layer, [x], lambda p, x: largest(x, k, axis)[0 if values else 1])


@case
def top_k(d: Draw) -> Case:
    x = d.values(*d.map_shape()[: d.int(1, 4)])
    axis = d.int(-x.ndim, x.ndim - 1)
    k = d.int(1, x.shape[axis])
    return Case(TopK(top_k=k, axis=axis), [x], lambda p, x: largest(x, k, axis), tops=("values", "places"))


@case
def one_hot(d: Draw) -> Case:
    classes, shape = d.int(1, 9), d.map_shape()[: d.int(0, 3)]
    axis = d.int(-len(shape) - 1, len(shape))
    layer = OneHot(num_output=classes, axis=axis, on_value=2.0, off_value=-0.5)

    def expected(p: dict[str, Array], x: Array) -> Array:
        return np.moveaxis(np.eye(classes)[x] * 2.5 - 0.5, -1, axis)

    return Case(layer, [d.labels(classes, *shape)], expected)


def windows(x: Array, layer: Im2col | LocallyConnected) -> Array:
    """The windows of N x C x H x W as N x C x R x S x Ho x Wo, one at a time."""
    (ph, pw), (sh, sw), (dh, dw), (r, s) = layer.pads, layer.steps, layer.holes, layer.kernel
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows, columns = (padded.shape[2] - dh * (r - 1) - 1) // sh + 1, (padded.shape[3] - dw * (s - 1) - 1) // sw + 1
    made = np.zeros((*x.shape[:2], r, s, rows, columns))
    for i in range(rows):
        for j in range(columns):
            seen = padded[:, :, i * sh : i * sh + dh * (r - 1) + 1 : dh, j * sw : j * sw + dw * (s - 1) + 1 : dw]
            made[..., i, j] = seen
    return made


def dilated(d: Draw, x: Array) -> dict[str, tuple[int, ...]]:
    fields = window(d, x)
    dilation = tuple(d.int(1, 2) if (n + 2 * p - 1) // 2 + 1 >= r else 1
                     for n, r, p in zip(x.shape[2:], fields["kernel_size"], fields["pad"], strict=True))  # fmt: skip
    return {**fields, "dilation": dilation}


@case
def im2col(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    layer = Im2col(**dilated(d, x))

    def expected(p: dict[str, Array], x: Array) -> Array:
        seen = windows(x, layer)
        return seen.reshape(len(x), -1, *seen.shape[4:])

    return Case(layer, [x], expected)


@case
def locally_connected(d: Draw) -> Case:
    n, c, h, w = d.map_shape(d.choice(1, 2, 5))
    x = d.values(n, c, min(h, 6), min(w, 6))
    k = d.int(1, 4)
    layer = LocallyConnected(num_output=k, bias_term=d.choice(True, False), **dilated(d, x))

    def expected(p: dict[str, Array], x: Array) -> Array:
        seen = windows(x, layer)
        rows, columns = seen.shape[4:]
        kernels = p["weight"].reshape(rows, columns, k, *p["weight"].shape[1:])
        y = np.einsum("ncrsij,ijkcrs->nkij", seen, kernels)
        return y + p["bias"] if layer.bias_term else y

    return Case(layer, [x], expected)


@case
def pooling_with_places(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    fields = window(d, x, pad_below_kernel=True)
    fields["stride"] = tuple(min(s, k) for s, k in zip(fields["stride"], fields["kernel_size"], strict=True))
    everywhere = d.choice(False, False, True)
    layer = Pooling(global_pooling=True) if everywhere else Pooling(**fields)
    kernel, stride, pad = (x.shape[2:], (1, 1), (0, 0)) if everywhere else (layer.kernel, layer.steps, layer.pads)

    def expected(p: dict[str, Array], x: Array) -> tuple[Array, ...]:
        y = plain.pooling(x, kernel, stride, pad, "MAX", None)
        # no two elements are equal: each is found by its value
        flat = x.reshape(*x.shape[:2], -1)
        places = (flat[:, :, None] == y.reshape(*y.shape[:2], -1, 1)).argmax(-1)
        return y, places.reshape(y.shape)

    return Case(layer, [x], expected, tops=("pooled", "where"))


@case
def stochastic_pooling_in_test(d: Draw) -> Case:
    least = d.choice(0.0, 0.25)
    x = np.maximum(d.values(*d.map_shape()), 0.0) + least
    fields = window(d, x, pad_below_kernel=True)
    fields["stride"] = tuple(min(s, k) for s, k in zip(fields["stride"], fields["kernel_size"], strict=True))
    layer = Pooling(pool="STOCHASTIC", **fields)

    def expected(p: dict[str, Array], x: Array) -> Array:
        # the divisors of the averages cancel
        squares, sums = (plain.pooling(v, *layer_window, "AVE", None) for v in (x * x, x))
        return np.divide(squares, sums, out=np.zeros_like(sums), where=sums != 0)

    layer_window = (layer.kernel, layer.steps, layer.pads)
    # where all values are 0 the figure jumps
    return Case(layer, [x], expected, phase="test", smooth=None if least else ())


@case
def spp(d: Draw) -> Case:
    n, c, _, _ = d.map_shape()
    h, w = d.choice((8, 8), (4, 7), (9, 12), (1, 1), (10, 16))
    height = 1 if h == 1 else d.int(1, 3) if (h, w) != (9, 12) else 2
    way = d.choice("MAX", "AVE")
    layer = SPP(pyramid_height=height, pool=way)

    def expected(p: dict[str, Array], x: Array) -> Array:
        parts = []
        for bins in (1, 2, 4)[:height]:
            kernel = tuple(int(np.ceil(size / bins)) for size in x.shape[2:])
            pad = tuple((k * bins - size + 1) // 2 for k, size in zip(kernel, x.shape[2:], strict=True))
            y = plain.pooling(x, kernel, kernel, pad, way, None)
            assert y.shape[2:] == (bins, bins)
            parts.append(y.reshape(n, -1))
        return np.concatenate(parts, 1)

    return Case(layer, [d.values(n, c, h, w)], expected)


@case
def crop(d: Draw) -> Case:
    shape = d.map_shape()
    axis = d.int(-4, 3)
    cut = range(axis % 4, 4)
    sizes = [d.int(1, shape[k]) for k in cut]
    starts = [d.int(0, shape[k] - n) for k, n in zip(cut, sizes, strict=True)]
    if d.choice(False, True):
        starts = [min(starts)] * len(starts)
    offset = tuple(starts[:1]) if len(set(starts)) == 1 else tuple(starts)
    reference = d.values(*[9] * (axis % 4), *sizes)
    part = (..., *(slice(start, start + n) for start, n in zip(starts, sizes, strict=True)))
    return Case(Crop(axis=axis, offset=offset), [d.values(*shape), reference], lambda p, x, reference: x[part])


@case
def unpooling(d: Draw) -> Case:
    n, c, h, w = d.map_shape()
    high, wide = d.int(1, 9), d.int(1, 9)
    x, where = d.values(n, c, h, w), d.labels(high * wide + 2, n, c, h, w) - 1  # some are nowhere
    like = d.values(n, 2, high, wide)
    bottoms = [x, where.astype(np.int32), like] if d.choice(False, True) else [x, where.astype(np.int32)]

    def expected(p: dict[str, Array], x: Array, where: Array, *like: Array) -> Array:
        y = np.zeros((n, c, high * wide))
        for i, j, k in np.ndindex(n, c, h * w):
            place = where[i, j].ravel()[k]
            if 0 <= place < high * wide:
                y[i, j, place] += x[i, j].ravel()[k]
        return y.reshape(n, c, high, wide)

    return Case(Unpooling(unpool_size=() if len(bottoms) == 3 else (high, wide)), bottoms, expected)


@case
def unpooling_without_places(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    kernel, stride = (d.int(1, 3), d.int(1, 3)), (d.int(1, 3), d.int(1, 3))

    def expected(p: dict[str, Array], x: Array) -> Array:
        size = [s * (m - 1) + k for s, m, k in zip(stride, x.shape[2:], kernel, strict=True)]
        y = np.zeros((*x.shape[:2], *size))
        y[:, :, : size[0] - kernel[0] + 1 : stride[0], : size[1] - kernel[1] + 1 : stride[1]] = x
        return y

    return Case(Unpooling(kernel_size=kernel, stride=stride), [x], expected)
