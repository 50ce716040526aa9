"""Rows of the layers that move things about in space, as in layer_cases."""

from __future__ import annotations

from typing import Any

import numpy as np
from layer_cases import case
from layer_support import Array, Case, Draw

from netspec.layers.channel_norm import ChannelNorm
from netspec.layers.correlation import Correlation
from netspec.layers.correlation_1d import Correlation1D
from netspec.layers.displaced import Displaced
from netspec.layers.end_point_error import EndPointError
from netspec.layers.interp import Interp
from netspec.layers.pad import Pad
from netspec.layers.permute import Permute
from netspec.layers.pixel_shuffle import PixelShuffle
from netspec.layers.resample import Resample
from netspec.layers.warp import Warp


@case
def permute(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(1, 4)]
    order = [int(k) for k in d.random.permutation(len(shape))]
    named = order[: d.int(1, len(order))]
    whole = [*named, *sorted(set(order) - set(named))]
    return Case(Permute(order=tuple(named)), [d.values(*shape)], lambda p, x: np.transpose(x, whole))


@case
def pixel_shuffle(d: Draw) -> Case:
    n, c, h, w = d.map_shape(d.choice(1, 2, 5))
    r, order = d.int(1, 3), d.choice("CRD", "DCR")

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = np.zeros((n, c, h * r, w * r))
        for k, a, b in np.ndindex(c, r, r):
            y[:, k, a::r, b::r] = x[:, k * r * r + a * r + b if order == "CRD" else (a * r + b) * c + k]
        return y

    return Case(PixelShuffle(factor=r, order=order), [d.values(n, c * r * r, h, w)], expected)


@case
def pixel_shuffle_back(d: Draw) -> Case:
    n, c, h, w = d.map_shape(d.choice(1, 2, 5))
    r, order = d.int(1, 3), d.choice("CRD", "DCR")

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = np.zeros((n, c * r * r, h, w))
        for k, a, b in np.ndindex(c, r, r):
            y[:, k * r * r + a * r + b if order == "CRD" else (a * r + b) * c + k] = x[:, k, a::r, b::r]
        return y

    return Case(PixelShuffle(factor=r, order=order, inverse=True), [d.values(n, c, h * r, w * r)], expected)


@case
def pad(d: Draw) -> Case:
    rank = d.int(3, 4)
    shape = d.map_shape()[:rank]
    mode = d.choice("ZERO", "REFLECT", "REPLICATE")
    most = min(3, min(shape[2:]) - 1) if mode == "REFLECT" else 3
    count = d.choice(1, rank - 2, 2 * (rank - 2))
    widths = tuple(d.int(0, most) for _ in range(count))
    per_side = widths if count == 2 * (rank - 2) else np.repeat(widths if count > 1 else widths * (rank - 2), 2)
    how = {"ZERO": "constant", "REFLECT": "reflect", "REPLICATE": "edge"}[mode]
    around = [(0, 0), (0, 0), *np.reshape(per_side, (-1, 2)).tolist()]
    return Case(Pad(pad=widths, mode=mode), [d.values(*shape)], lambda p, x: np.pad(x, around, how))


@case
def channel_norm(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(2, 4)]
    return Case(ChannelNorm(), [d.values(*shape)], lambda p, x: np.linalg.norm(x, axis=1, keepdims=True))


@case
def end_point_error(d: Draw) -> Case:
    n, c, h, w = d.map_shape(2)
    x, t = d.values(2, n, c, h, w)
    return Case(EndPointError(), [x, t], lambda p, x, t: np.hypot(*np.moveaxis(x - t, 1, 0)).mean())


def bilinear(x: Array, rows: Array, columns: Array) -> Array:
    """Samples at every pair of a row and a column, the edge repeated beyond."""
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            for r in (int(np.floor(row)), int(np.floor(row)) + 1):
                for s in (int(np.floor(column)), int(np.floor(column)) + 1):
                    pixel = x[:, :, min(max(r, 0), x.shape[2] - 1), min(max(s, 0), x.shape[3] - 1)]
                    y[:, :, i, j] += (1 - abs(row - r)) * (1 - abs(column - s)) * pixel
    return y


@case
def interp_with_corners_aligned(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    zoom, shrink, cut = d.choice(None, 1, 2, 8), d.choice(None, 1, 3), d.choice(0, 0, -1 if min(x.shape[2:]) > 2 else 0)
    layer = Interp(zoom_factor=zoom or (None if shrink else 2), shrink_factor=shrink, pad_beg=cut, pad_end=0)

    def expected(p: dict[str, Array], x: Array) -> Array:
        x = x[:, :, -cut:, -cut:]
        places = []
        for size in x.shape[2:]:
            count = ((size - 1) // (shrink or 1)) * (layer.zoom_factor or 1) + 1
            places.append(np.linspace(0, size - 1, count) if count > 1 else np.zeros(1))
        return bilinear(x, *places)

    return Case(layer, [x], expected)


@case
def interp_of_areas(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    size = d.int(1, 12), d.int(1, 12)
    fields = {"height": size[0], "width": size[1]} if d.choice(False, True) else {}
    like = [] if fields else [d.values(1, 2, *size)]

    def expected(p: dict[str, Array], x: Array, like: Array | None = None) -> Array:
        places = [(np.arange(m) + 0.5) * n / m - 0.5 for m, n in zip(size, x.shape[2:], strict=True)]
        return bilinear(x, *places)

    return Case(Interp(align_corners=False, **fields), [x, *like], expected, smooth=(0,))


def filtered(x: Array, axis: int, count: int, kind: str, antialias: bool) -> Array:
    """An axis resampled, output by output and sample by sample."""
    x = np.moveaxis(x, axis, 0)
    size = len(x)
    y = np.zeros((count, *x.shape[1:]))
    for i in range(count):
        total = 0.0
        for k in range(size):
            distance = abs((i + 0.5) * size / count - 0.5 - k)
            if antialias and size > count:
                distance /= size / count
            if kind == "LINEAR":
                weight = max(0.0, 1 - distance)
            elif distance < 1:
                weight = 1.5 * distance**3 - 2.5 * distance**2 + 1
            else:
                weight = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2 if distance < 2 else 0.0
            y[i] += weight * x[k]
            total += weight
        y[i] /= total
    return np.moveaxis(y, 0, axis)


@case
def resample(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    kind, antialias = d.choice("LINEAR", "CUBIC"), d.choice(True, False)
    if d.choice(False, True):
        factor = d.choice(0.5, 2.0, 1.3)
        size = tuple(max(1, int(np.floor(n * factor + 0.5))) for n in x.shape[2:])
        layer = Resample(resample_type=kind, antialias=antialias, factor=factor)
    else:
        size = d.int(1, 12), d.int(1, 12)
        layer = Resample(resample_type=kind, antialias=antialias, height=size[0], width=size[1])
    return Case(
        layer, [x], lambda p, x: filtered(filtered(x, 2, size[0], kind, antialias), 3, size[1], kind, antialias)
    )


@case
def resample_nearest(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    times = d.int(1, 3)
    by = d.choice("factor", "size", "sample")
    size = x.shape[2] * times, x.shape[3] * times
    if by == "sample":
        layer, bottoms = Resample(resample_type="NEAREST"), [x, d.values(1, 1, *size)]
    else:
        fields = {"factor": float(times)} if by == "factor" else {"height": size[0], "width": size[1]}
        layer, bottoms = Resample(resample_type="NEAREST", **fields), [x]

    def expected(p: dict[str, Array], x: Array, like: Array | None = None) -> Array:
        return x.repeat(times, 2).repeat(times, 3)

    return Case(layer, bottoms, expected, smooth=(0,))


@case
def resample_of_areas(d: Draw) -> Case:
    n, c, h, w = d.map_shape()
    times, whole = (d.int(1, 3), d.int(1, 3)), d.choice(True, False)
    if whole:  # each pixel is the mean of a rectangle
        x = d.values(n, c, h * times[0], w * times[1])
        size = h, w
    else:
        x = d.values(n, c, h, w)
        size = d.int(1, 9), d.int(1, 9)

    def expected(p: dict[str, Array], x: Array) -> Array:
        # every pixel cut into as many parts as the top has, then means over as many as the bottom has
        fine = x.repeat(size[0], 2).repeat(size[1], 3)
        return fine.reshape(n, c, size[0], x.shape[2], size[1], x.shape[3]).mean((3, 5))

    return Case(Resample(resample_type="AREA", height=size[0], width=size[1]), [x], expected)


def correlated(a: Array, b: Array, reach: tuple[range, range], layer: Displaced, pads: tuple[int, int]) -> Array:
    """Patch by patch and displacement by displacement, in maps with their padding."""
    k, s = layer.kernel_size, layer.stride_1
    around = ((0, 0), (0, 0), (pads[0],) * 2, (pads[1],) * 2)
    a, b = np.pad(a, around), np.pad(b, around)
    # the corner of the first patch leaves room for every displacement
    corner = layer.max_displacement if layer.vertical else 0, layer.max_displacement
    size = [-(-(n - 2 * c - 2 * (k // 2)) // s) for n, c in zip(a.shape[2:], corner, strict=True)]
    y = np.zeros((len(a), len(reach[0]) * len(reach[1]), *size))
    for i, j in np.ndindex(*size):
        row, column = i * s + corner[0], j * s + corner[1]
        patch = a[:, :, row : row + k, column : column + k]
        for p, down in enumerate(reach[0]):
            for q, right in enumerate(reach[1]):
                other = b[:, :, row + down : row + down + k, column + right : column + right + k]
                pairs = patch * other if layer.correlation_type == "MULTIPLY" else np.abs(patch - other)
                y[:, p * len(reach[1]) + q, i, j] = pairs.mean((1, 2, 3))
    return np.abs(y) if layer.do_abs else y


def correlation_fields(d: Draw) -> dict[str, Any]:
    fields = {"kernel_size": d.choice(1, 1, 3), "stride_1": d.int(1, 2), "stride_2": d.int(1, 2)}
    fields |= {"correlation_type": d.choice("MULTIPLY", "MULTIPLY", "SUBTRACT"), "max_displacement": d.int(1, 3)}
    return {**fields, "do_abs": d.choice(False, True) if fields["correlation_type"] == "MULTIPLY" else False}


@case
def correlation(d: Draw) -> Case:
    n, c, h, w = d.map_shape(d.choice(1, 3, 17))
    fields = correlation_fields(d)
    # at least one patch
    pad = fields["max_displacement"] + d.int(0, 1)
    layer = Correlation(**fields, pad=pad + fields["kernel_size"] // 2)
    a, b = d.values(2, n, c, h, w)  # no two alike
    steps = layer.max_displacement // layer.stride_2
    reach = range(-steps * layer.stride_2, steps * layer.stride_2 + 1, layer.stride_2)
    return Case(layer, [a, b], lambda p, a, b: correlated(a, b, (reach, reach), layer, (layer.pad, layer.pad)))


@case
def correlation_1d(d: Draw) -> Case:
    n, c, h, w = d.map_shape(d.choice(1, 3, 17))
    fields = correlation_fields(d)
    h = max(h, fields["kernel_size"])
    direction = d.choice(-1, 0, 1)
    pad = fields["max_displacement"] + fields["kernel_size"] // 2
    layer = Correlation1D(**fields, pad=pad, single_direction=direction)
    a, b = d.values(2, n, c, h, w)
    most = layer.max_displacement // layer.stride_2 * layer.stride_2
    right = range(-most if direction <= 0 else 0, (most if direction >= 0 else 0) + 1, layer.stride_2)
    return Case(layer, [a, b], lambda p, a, b: correlated(a, b, (range(1), right), layer, (0, layer.pad)))


@case
def warp(d: Draw) -> Case:
    n, c, h, w = d.map_shape()
    x = d.values(n, c, h, w)
    out = (h, w) if d.choice(True, False) else (d.int(1, 5), d.int(1, 5))
    # the slope of a bilinear map jumps at its pixels: kept away from
    flow = d.random.integers(-4, 4, (n, 2, *out)) + d.random.uniform(0.05, 0.95, (n, 2, *out))
    layer = Warp()

    def expected(p: dict[str, Array], x: Array, flow: Array) -> Array:
        y = np.zeros((n, c, *out))
        for k, i, j in np.ndindex(n, *out):
            column, row = j + flow[k, 0, i, j], i + flow[k, 1, i, j]
            if 0 <= row < h and 0 <= column < w:
                y[k, :, i, j] = bilinear(x[k : k + 1], np.array([row]), np.array([column]))[0, :, 0, 0]
        return y

    return Case(layer, [x, flow], expected)
