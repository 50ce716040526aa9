"""Rows of convolution and pooling over lengths and volumes, as in layer_cases."""

from __future__ import annotations

from typing import Any

import numpy as np
from layer_cases import case
from layer_formulas import along
from layer_support import Array, Case, Draw

from netspec.layers.convolution import Convolution
from netspec.layers.deconvolution import Deconvolution
from netspec.layers.pooling import Pooling


def window_3d(d: Draw, shape: tuple[int, ...], pad_below_kernel: bool = False) -> dict[str, Any]:
    """Kernel, stride, pad and dilation such that at least one window fits."""
    fields: dict[str, list[int]] = {name: [] for name in ("kernel_size", "stride", "pad", "dilation")}
    for size in shape:
        pad, dilation = d.int(0, 2), d.int(1, 2)
        kernel = d.int(1, min(3, (size + 2 * pad - 1) // dilation + 1))
        pad = min(pad, kernel - 1) if pad_below_kernel else pad
        if pad_below_kernel:
            dilation, kernel = 1, max(kernel, 1)
        values = kernel, min(d.int(1, 3), kernel) if pad_below_kernel else d.int(1, 3), pad, dilation
        for name, value in zip(fields, values, strict=True):
            fields[name].append(value)
    return {name: tuple(values) for name, values in fields.items()}


def convolved(x: Array, w: Array, fields: dict[str, Any], group: int) -> Array:
    """Over any number of axes, one tap of the kernel at a time."""
    kernel, stride, pad, dilation = (fields[n] for n in ("kernel_size", "stride", "pad", "dilation"))
    x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in pad)))
    size = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)]
    parts = np.split(x, group, 1)
    y = []
    for seen, weights in zip(parts, np.split(w, group), strict=True):
        total = np.zeros((len(x), len(weights), *size))
        for tap in np.ndindex(*kernel):
            start = [t * d for t, d in zip(tap, dilation, strict=True)]
            cut = tuple(slice(a, a + (m - 1) * s + 1, s) for a, m, s in zip(start, size, stride, strict=True))
            total += np.einsum("nc...,kc->nk...", seen[(slice(None), slice(None), *cut)], weights[(..., *tap)])
        y.append(total)
    return np.concatenate(y, 1)


def volume_shape(d: Draw, channels: int) -> tuple[int, ...]:
    """N x C x L or N x C x D x H x W."""
    return d.int(1, 2), channels, *(d.int(1, 5) for _ in range(d.choice(1, 3, 3)))


@case
def convolution_of_lengths_and_volumes(d: Draw) -> Case:
    group = d.choice(1, 1, 2)
    shape = volume_shape(d, group * d.choice(1, 3))
    fields = window_3d(d, shape[2:])
    if d.choice(False, True):  # one value for all sides
        fields = dict.fromkeys(fields, (1,)) | {"stride": (d.int(1, 2),), "pad": (d.int(0, 2),)}
    layer = Convolution(num_output=group * d.choice(1, 2, 5), group=group, **fields)
    whole = {name: v * (len(shape) - 2) if len(v) == 1 else v for name, v in fields.items()}

    def expected(p: dict[str, Array], x: Array) -> Array:
        return convolved(x, p["weight"], whole, group) + along(p["bias"], len(shape))

    return Case(layer, [d.values(*shape)], expected)


@case
def convolution_of_volumes_rounded_up(d: Draw) -> Case:
    shape = volume_shape(d, 2)
    fields = window_3d(d, shape[2:])
    layer = Convolution(num_output=2, round="ceil", bias_term=False, **fields)
    more = []
    for n, k, s, p, dilation in zip(shape[2:], *fields.values(), strict=True):
        more.append(-(n + 2 * p - dilation * (k - 1) - 1) % s)

    def expected(p: dict[str, Array], x: Array) -> Array:
        return convolved(np.pad(x, ((0, 0), (0, 0), *((0, m) for m in more))), p["weight"], fields, 1)

    return Case(layer, [d.values(*shape)], expected)


@case
def deconvolution_of_lengths_and_volumes(d: Draw) -> Case:
    group = d.choice(1, 1, 2)
    shape = volume_shape(d, group * d.choice(1, 3))
    count = len(shape) - 2
    stride, dilation, kernel = (tuple(d.int(1, most) for _ in range(count)) for most in (3, 2, 3))
    extent = [s * (n - 1) + r * (k - 1) + 1 for n, s, r, k in zip(shape[2:], stride, dilation, kernel, strict=True)]
    pad = tuple(d.int(0, min(2, (e - 1) // 2)) for e in extent)
    layer = Deconvolution(
        num_output=group * d.choice(1, 2), group=group, kernel_size=kernel, stride=stride, pad=pad, dilation=dilation
    )

    def expected(p: dict[str, Array], x: Array) -> Array:
        w = p["weight"]
        y = np.zeros((len(x), layer.num_output, *extent))
        for c in range(shape[1]):
            g = c // (shape[1] // group)
            for place in np.ndindex(*shape[2:]):
                for tap in np.ndindex(*kernel):
                    at = tuple(s * i + r * t for s, i, r, t in zip(stride, place, dilation, tap, strict=True))
                    stamp = x[(slice(None), c, *place)][:, None] * w[(c, slice(None), *tap)][None]
                    y[(slice(None), slice(g * w.shape[1], (g + 1) * w.shape[1]), *at)] += stamp
        inside = tuple(slice(a, n - a) for a, n in zip(pad, extent, strict=True))
        return y[(slice(None), slice(None), *inside)] + along(p["bias"], len(shape))

    return Case(layer, [d.values(*shape)], expected)


@case
def pooling_of_lengths_and_volumes(d: Draw) -> Case:
    shape = volume_shape(d, d.choice(1, 3, 17))
    fields = window_3d(d, shape[2:], pad_below_kernel=True)
    del fields["dilation"]
    layer = Pooling(pool=d.choice("MAX", "AVE"), round=d.choice(None, "floor"), **fields)

    def expected(p: dict[str, Array], x: Array) -> Array:
        sizes = []
        for n, k, s, pad in zip(shape[2:], *fields.values(), strict=True):
            steps = (n + 2 * pad - k) / s
            out = int(np.floor(steps) if layer.round else np.ceil(steps)) + 1
            sizes.append(out - 1 if pad and (out - 1) * s >= n + pad else out)
        y = np.zeros((*shape[:2], *sizes))
        for place in np.ndindex(*sizes):
            low = [i * s - pad for i, s, pad in zip(place, layer.stride, layer.pad, strict=True)]
            ends = [n + pad for n, pad in zip(shape[2:], layer.pad, strict=True)]
            high = [min(a + k, end) for a, k, end in zip(low, layer.kernel_size, ends, strict=True)]
            inside = tuple(slice(max(a, 0), e) for a, e in zip(low, high, strict=True))
            seen = x[(slice(None), slice(None), *inside)].reshape(*shape[:2], -1)
            size = np.prod([e - a for a, e in zip(low, high, strict=True)])
            y[(slice(None), slice(None), *place)] = seen.max(2) if layer.pool == "MAX" else seen.sum(2) / size
        return y

    return Case(layer, [d.values(*shape)], expected)


@case
def global_pooling_of_lengths_and_volumes(d: Draw) -> Case:
    shape = volume_shape(d, d.choice(1, 3, 17))
    layer = Pooling(pool=d.choice("MAX", "AVE"), global_pooling=True)
    over = np.max if layer.pool == "MAX" else np.mean
    return Case(layer, [d.values(*shape)], lambda p, x: over(x, tuple(range(2, len(shape))), keepdims=True))
