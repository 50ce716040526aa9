"""Rows of the common layers, as in layer_cases."""

from __future__ import annotations

import layer_formulas as plain
import numpy as np
from layer_cases import case
from layer_formulas import along
from layer_support import Array, Case, Draw

from netspec.fillers.constant import Constant as Number
from netspec.layers.axpy import Axpy
from netspec.layers.bias import Bias
from netspec.layers.constant import Constant
from netspec.layers.dummy_data import DummyData
from netspec.layers.expand import Expand
from netspec.layers.gram import Gram
from netspec.layers.group_norm import GroupNorm
from netspec.layers.instance_norm import InstanceNorm
from netspec.layers.layer_norm import LayerNorm
from netspec.layers.log_softmax import LogSoftmax
from netspec.layers.mat_mul import MatMul
from netspec.layers.mvn import MVN
from netspec.layers.normalize import Normalize
from netspec.layers.split import Split
from netspec.layers.tile import Tile


@case
def bias(d: Draw) -> Case:
    shape = d.map_shape()
    axis = d.int(0, 3)
    count = d.int(-1, 4 - axis)
    stop = 4 if count < 0 else axis + count
    wide = tuple(n if axis <= k < stop else 1 for k, n in enumerate(shape))
    layer = Bias(axis=axis, num_axes=count)
    return Case(layer, [d.values(*shape)], lambda p, x: x + p["bias"].reshape(wide))


@case
def bias_from_a_bottom(d: Draw) -> Case:
    shape = d.map_shape()
    axis = d.int(0, 3)
    wide = tuple(n if k == axis else 1 for k, n in enumerate(shape))
    bottoms = [d.values(*shape), d.values(shape[axis])]
    return Case(Bias(axis=axis), bottoms, lambda p, x, v: x + v.reshape(wide))


@case
def mvn(d: Draw) -> Case:
    x = d.values(*d.map_shape()[: d.int(3, 4)])
    across = d.choice(False, True)
    over = tuple(range(1 if across else 2, x.ndim))
    # eps of the size of the deviations: with the default one, equal values have a slope of 1e9
    layer = MVN(across_channels=across, normalize_variance=d.choice(True, False), eps=0.5)

    def expected(p: dict[str, Array], x: Array) -> Array:
        centred = x - x.mean(over, keepdims=True)
        return centred / (x.std(over, keepdims=True) + 0.5) if layer.normalize_variance else centred

    return Case(layer, [x], expected)


def normalised(x: Array, over: tuple[int, ...], eps: float) -> Array:
    return (x - x.mean(over, keepdims=True)) / np.sqrt(x.var(over, keepdims=True) + eps)


@case
def layer_norm(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(1, 4)]
    axis = d.int(0, len(shape) - 1)
    layer = LayerNorm(axis=d.choice(axis, axis - len(shape)), eps=0.1, scale_bias=d.choice(True, False))

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = normalised(x, tuple(range(axis, x.ndim)), 0.1)
        return y * p["scale"] + p["bias"] if layer.scale_bias else y

    return Case(layer, [d.values(*shape)], expected)


@case
def group_norm(d: Draw) -> Case:
    groups, part = d.int(1, 3), d.choice(1, 2, 3, 17)
    x = d.values(*d.map_shape(groups * part)[: d.int(2, 4)])
    layer = GroupNorm(group=groups, eps=0.1, scale_bias=d.choice(True, False))

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = np.empty_like(x)
        for sample in range(len(x)):
            for g in range(groups):
                own = x[sample, g * part : (g + 1) * part]
                y[sample, g * part : (g + 1) * part] = (own - own.mean()) / np.sqrt(own.var() + 0.1)
        return y * along(p["scale"], x.ndim) + along(p["bias"], x.ndim) if layer.scale_bias else y

    return Case(layer, [x], expected)


@case
def instance_norm(d: Draw) -> Case:
    x = d.values(*d.map_shape()[: d.int(3, 4)])
    layer = InstanceNorm(eps=0.1, scale_bias=d.choice(True, False))

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = normalised(x, tuple(range(2, x.ndim)), 0.1)
        return y * along(p["scale"], x.ndim) + along(p["bias"], x.ndim) if layer.scale_bias else y

    return Case(layer, [x], expected)


@case
def normalize(d: Draw) -> Case:
    x = d.values(*d.map_shape()[: d.int(2, 4)])
    across, shared, term = (d.choice(True, False) for _ in range(3))
    layer = Normalize(across_spatial=across, channel_shared=shared, scale_term=term, eps=0.01)
    over = tuple(range(1, x.ndim)) if across else 1

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = x / np.sqrt((x**2).sum(over, keepdims=True) + 0.01)
        return y * (p["scale"] if shared else along(p["scale"], x.ndim)) if term else y

    return Case(layer, [x], expected)


@case
def tile(d: Draw) -> Case:
    axis, tiles = d.int(-4, 3), d.int(1, 4)
    return Case(
        Tile(axis=axis, tiles=tiles), [d.values(*d.map_shape())], lambda p, x: np.concatenate([x] * tiles, axis)
    )


@case
def expand(d: Draw) -> Case:
    full = d.map_shape()
    given = tuple(d.choice(n, 1) for n in full[d.int(0, 3) :])
    wanted = tuple(
        d.choice(n, 0) if m == n else n for n, m in zip(full, (*(0,) * (4 - len(given)), *given), strict=True)
    )
    return Case(Expand(shape=wanted), [d.values(*given)], lambda p, x: np.broadcast_to(x, full))


@case
def split(d: Draw) -> Case:
    tops = ("a", "b", "c")[: d.int(1, 3)]
    return Case(Split(), [d.values(*d.map_shape())], lambda p, x: (x,) * len(tops), tops=tops)


@case
def axpy(d: Draw) -> Case:
    shape = d.map_shape()
    a = d.values(*shape[:2], *d.choice((), (1,), (1, 1)))
    bottoms = [a, d.values(*shape), d.values(*shape)]
    return Case(Axpy(), bottoms, lambda p, a, x, y: a.reshape(*shape[:2], 1, 1) * x + y)


@case
def log_softmax(d: Draw) -> Case:
    axis = d.int(-4, 3)
    x = d.values(*d.map_shape()) * 3
    return Case(LogSoftmax(axis=axis), [x], lambda p, x: np.log(plain.softmax(x, axis)))


@case
def mat_mul(d: Draw) -> Case:
    m, k, n = d.int(1, 9), d.channels(), d.channels()
    ta, tb = d.choice(False, True), d.choice(False, True)
    lead = tuple(d.int(1, 3) for _ in range(d.int(0, 2)))
    leads = [tuple(d.choice(p, 1) for p in lead[d.int(0, len(lead)) :]) for _ in range(2)]
    a = d.values(*leads[0], *((k, m) if ta else (m, k)))
    b = d.values(*leads[1], *((n, k) if tb else (k, n)))

    def expected(p: dict[str, Array], a: Array, b: Array) -> Array:
        left = np.swapaxes(a, -1, -2) if ta else a
        right = np.swapaxes(b, -1, -2) if tb else b
        return np.einsum("...ij,...jk->...ik", left, right)

    return Case(MatMul(transpose_a=ta, transpose_b=tb), [a, b], expected)


@case
def mat_mul_of_vectors(d: Draw) -> Case:
    k, shape = d.channels(), (d.int(1, 3), d.int(1, 5))
    a, b = d.choice(((k,), (k,)), ((k,), (*shape, k, 4)), ((*shape, k), (k,)))
    return Case(MatMul(), [d.values(*a), d.values(*b)], lambda p, a, b: np.matmul(a, b))


@case
def gram(d: Draw) -> Case:
    x = d.values(*d.map_shape()[: d.int(2, 4)])
    how = d.choice("NONE", "PLACES", "FULL")
    places = int(np.prod(x.shape[2:]))
    divisor = {"NONE": 1, "PLACES": places, "FULL": places * x.shape[1]}[how]

    def expected(p: dict[str, Array], x: Array) -> Array:
        rows = x.reshape(*x.shape[:2], -1)
        return np.einsum("ncp,ndp->ncd", rows, rows) / divisor

    return Case(Gram(normalization=how), [x], expected)


@case
def constant(d: Draw) -> Case:
    shape, value = d.map_shape()[: d.int(1, 4)], d.choice(None, 0.25)
    layer = Constant(shape=shape, filler=None if value is None else Number(value=value))
    return Case(layer, [], lambda p: np.full(shape, value or 0.0))


@case
def dummy_data(d: Draw) -> Case:
    shape, tops = d.map_shape()[: d.int(1, 4)], ("a", "b")[: d.int(1, 2)]
    fillers = tuple(Number(value=float(k)) for k in range(1, 1 + d.choice(1, len(tops))))
    values = [f.value for f in fillers] * (len(tops) // len(fillers))
    layer = DummyData(shape=d.choice(shape, dict.fromkeys(tops, shape)), data_filler=fillers)
    layer.top_names = tops
    return Case(layer, [], lambda p: tuple(np.full(shape, v) for v in values), tops=tops)
