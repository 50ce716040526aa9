"""One row a layer: fields and bottoms as Hypothesis draws them, and the independent formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import layer_formulas as plain
import numpy as np
from layer_formulas import along
from layer_support import Array, Case, Draw

from netspec.layers.batch_norm import BatchNorm
from netspec.layers.concat import Concat
from netspec.layers.convolution import Convolution
from netspec.layers.deconvolution import Deconvolution
from netspec.layers.dropout import Dropout
from netspec.layers.eltwise import Eltwise
from netspec.layers.elu import ELU
from netspec.layers.expression import Expression
from netspec.layers.flatten import Flatten
from netspec.layers.gradient import Gradient
from netspec.layers.inner_product import InnerProduct
from netspec.layers.input import Input
from netspec.layers.lrn import LRN
from netspec.layers.parameter import Parameter
from netspec.layers.pooling import Pooling
from netspec.layers.prelu import PReLU
from netspec.layers.recurrent import Recurrent
from netspec.layers.reduction import Reduction
from netspec.layers.relu import ReLU
from netspec.layers.reshape import Reshape
from netspec.layers.scale import Scale
from netspec.layers.sigmoid import Sigmoid
from netspec.layers.silence import Silence
from netspec.layers.slice import Slice
from netspec.layers.softmax import Softmax
from netspec.layers.tanh import TanH

CASES: dict[str, Callable[[Draw], Case]] = {}


def case(make: Callable[[Draw], Case]) -> Callable[[Draw], Case]:
    CASES[make.__name__] = make
    return make


def window(d: Draw, x: Array, pad_below_kernel: bool = False) -> dict[str, Any]:
    """Kernel, stride and pad such that at least one window fits."""
    fields: dict[str, Any] = {"stride": (d.int(1, 3), d.int(1, 3))}
    kernel, pad = [], []
    for size in x.shape[2:]:
        p = d.int(0, 2)
        k = d.int(1, min(5, size + 2 * p))
        kernel.append(k)
        pad.append(min(p, k - 1) if pad_below_kernel else p)
    return {**fields, "kernel_size": tuple(kernel), "pad": tuple(pad)}


@case
def convolution(d: Draw) -> Case:
    group = d.choice(1, 1, 2, 3)
    x = d.values(*d.map_shape(group * d.choice(1, 2, 3, 17)))
    k = group * d.choice(1, 2, 3, 17)
    fields = window(d, x)
    dilation = tuple(d.int(1, 2) if (n + 2 * p - 1) // 2 + 1 >= r else 1
                     for n, r, p in zip(x.shape[2:], fields["kernel_size"], fields["pad"], strict=True))  # fmt: skip
    layer = Convolution(num_output=k, group=group, dilation=dilation, bias_term=d.choice(True, False), **fields)

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = plain.convolution(x, p["weight"], layer.stride, layer.pad, dilation, group)
        return y + along(p["bias"], 4) if layer.bias_term else y

    return Case(layer, [x], expected)


@case
def convolution_rounded_up(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    fields = window(d, x)
    layer = Convolution(num_output=d.channels(), round="ceil", **fields)
    more = [
        -(n + 2 * p - k) % s
        for n, k, s, p in zip(x.shape[2:], fields["kernel_size"], layer.stride, layer.pad, strict=True)
    ]

    def expected(p: dict[str, Array], x: Array) -> Array:
        return plain.convolution(x, p["weight"], layer.stride, layer.pad, (1, 1), 1, more) + along(p["bias"], 4)

    return Case(layer, [x], expected)


@case
def convolution_of_two_bottoms(d: Draw) -> Case:
    shape = d.map_shape()
    x, y = d.values(*shape), d.values(shape[0] + 1, shape[1], shape[2] + 1, shape[3])
    layer = Convolution(num_output=2, kernel_size=(1,))
    one = ((1, 1), (0, 0), (1, 1), 1)
    both = lambda p, *xs: tuple(plain.convolution(v, p["weight"], *one) + along(p["bias"], 4) for v in xs)  # noqa: E731
    return Case(layer, [x, y], both)


@case
def deconvolution(d: Draw) -> Case:
    group = d.choice(1, 1, 2, 3)
    n, c, h, w = d.map_shape(group * d.choice(1, 2, 3, 17))
    x = d.values(n, c, min(h, 5), min(w, 5))
    stride, kernel = (d.int(1, 3), d.int(1, 3)), (d.int(1, 4), d.int(1, 4))
    # a pad that leaves at least one pixel
    pad = tuple(
        d.int(0, min(2, (s * (m - 1) + k - 1) // 2)) for m, s, k in zip(x.shape[2:], stride, kernel, strict=True)
    )
    layer = Deconvolution(
        num_output=group * d.choice(1, 2, 3, 17), group=group, kernel_size=kernel, stride=stride, pad=pad
    )

    def expected(p: dict[str, Array], x: Array) -> Array:
        return plain.deconvolution(x, p["weight"], stride, pad, (1, 1), group) + along(p["bias"], 4)

    return Case(layer, [x], expected)


@case
def pooling(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    fields = window(d, x, pad_below_kernel=True)
    # with a stride above the kernel a last window may be empty, which is refused
    fields["stride"] = tuple(min(s, k) for s, k in zip(fields["stride"], fields["kernel_size"], strict=True))
    layer = Pooling(pool=d.choice("MAX", "AVE"), round=d.choice(None, "floor", "ceil"), **fields)
    args = (layer.kernel_size, layer.stride, layer.pad, layer.pool, layer.round)
    return Case(layer, [x], lambda p, x: plain.pooling(x, *args))


@case
def global_pooling(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    layer = Pooling(pool=d.choice("MAX", "AVE"), global_pooling=True)
    over = np.max if layer.pool == "MAX" else np.mean
    return Case(layer, [x], lambda p, x: over(x, (2, 3), keepdims=True))


@case
def inner_product(d: Draw) -> Case:
    rank = d.int(2, 4)
    shape = d.map_shape()[:rank]
    axis = d.int(1, rank - 1)
    layer = InnerProduct(num_output=d.channels(), axis=d.choice(axis, axis - rank), transpose=d.choice(False, True))

    def expected(p: dict[str, Array], x: Array) -> Array:
        rows = x.reshape(*shape[:axis], -1)
        return rows @ (p["weight"] if layer.transpose else p["weight"].T) + p["bias"]

    return Case(layer, [d.values(*shape)], expected)


@case
def relu(d: Draw) -> Case:
    slope = d.choice(0.0, 0.1, -0.5)
    return Case(
        ReLU(negative_slope=slope), [d.values(*d.map_shape())], lambda p, x: np.maximum(x, 0) + slope * np.minimum(x, 0)
    )


@case
def sigmoid(d: Draw) -> Case:
    return Case(Sigmoid(), [d.values(*d.map_shape()) * 5], lambda p, x: 1 / (1 + np.exp(-x)))


@case
def tanh(d: Draw) -> Case:
    return Case(TanH(), [d.values(*d.map_shape()) * 3], lambda p, x: 2 / (1 + np.exp(-2 * x)) - 1)


@case
def elu(d: Draw) -> Case:
    alpha = d.choice(1.0, 0.3)
    return Case(ELU(alpha=alpha), [d.values(*d.map_shape())], lambda p, x: np.where(x > 0, x, alpha * np.expm1(x)))


@case
def prelu(d: Draw) -> Case:
    x = d.values(*d.map_shape()[: d.int(2, 4)])
    shared = d.choice(False, True)

    def expected(p: dict[str, Array], x: Array) -> Array:
        return np.where(x > 0, x, (p["slope"] if shared else along(p["slope"], x.ndim)) * x)

    return Case(PReLU(channel_shared=shared), [x], expected)


@case
def dropout_in_test(d: Draw) -> Case:
    return Case(Dropout(dropout_ratio=0.5), [d.values(*d.map_shape())], lambda p, x: x, phase="test")


@case
def batch_norm(d: Draw) -> Case:
    shape = d.map_shape()[: d.choice(2, 4)]
    x = d.values(*shape)
    others = tuple(k for k in range(len(shape)) if k != 1)
    with_scale = d.choice(False, True)
    # with a single value a channel the variance is 0 and the slope is steep: eps keeps the check meaningful
    layer = BatchNorm(eps=0.1, scale_bias=with_scale)

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = (x - x.mean(others, keepdims=True)) / np.sqrt(x.var(others, keepdims=True) + 0.1)
        return y * along(p["scale"], x.ndim) + along(p["bias"], x.ndim) if with_scale else y

    return Case(layer, [x], expected)


@case
def batch_norm_with_running_statistics(d: Draw) -> Case:
    x = d.values(*d.map_shape())
    c = x.shape[1]
    phase = d.choice("train", "test")
    layer = BatchNorm(use_global_stats=d.choice(True, None) if phase == "test" else True)
    states = {"mean": d.values(c), "variance": d.values(c) + 1.5, "weight_sum": np.array([7.0])}

    def expected(p: dict[str, Array], x: Array) -> Array:
        return (x - along(p["mean"], 4)) / np.sqrt(along(p["variance"], 4) + 1e-5)

    return Case(layer, [x], expected, phase=phase, states=states)


@case
def scale(d: Draw) -> Case:
    shape = d.map_shape()
    axis = d.int(0, 3)
    count = d.int(-1, 4 - axis)
    layer = Scale(axis=axis, num_axes=count, bias_term=d.choice(False, True))
    stop = 4 if count < 0 else axis + count
    wide = tuple(n if axis <= k < stop else 1 for k, n in enumerate(shape))

    def expected(p: dict[str, Array], x: Array) -> Array:
        y = x * p["scale"].reshape(wide)
        return y + p["bias"].reshape(wide) if layer.bias_term else y

    return Case(layer, [d.values(*shape)], expected)


@case
def scale_by_a_bottom(d: Draw) -> Case:
    shape = d.map_shape()
    axis = d.int(0, 2)
    factor = d.values(*shape[axis : axis + 2])
    wide = (*(1,) * axis, *factor.shape, *(1,) * (4 - axis - 2))
    return Case(Scale(axis=axis), [d.values(*shape), factor], lambda p, x, s: x * s.reshape(wide))


@case
def lrn_across_channels(d: Draw) -> Case:
    size, alpha, beta, k = d.choice(1, 3, 5), d.choice(0.1, 1.0), d.choice(0.75, 0.5), d.choice(1.0, 2.0)
    layer = LRN(local_size=size, alpha=alpha, beta=beta, k=k)
    return Case(layer, [d.values(*d.map_shape())], lambda p, x: plain.lrn_across(x, size, alpha, beta, k))


@case
def lrn_within_a_channel(d: Draw) -> Case:
    size, alpha = d.choice(1, 3, 5), d.choice(0.1, 1.0)
    layer = LRN(local_size=size, alpha=alpha, norm_region="WITHIN_CHANNEL", k=9.0)
    half = (size // 2,) * 2

    def expected(p: dict[str, Array], x: Array) -> Array:
        return x * (1 + alpha * plain.pooling(x * x, (size, size), (1, 1), half, "AVE", None)) ** -0.75

    return Case(layer, [d.values(*d.map_shape())], expected)


@case
def eltwise(d: Draw) -> Case:
    shape = d.map_shape()
    count = d.int(2, 3)
    operation = d.choice("SUM", "PROD", "MAX")
    coeff = tuple(d.values(count)) if operation == "SUM" and d.choice(True, False) else ()
    # drawn as one array, so that no two bottoms tie
    xs = list(d.values(count, *shape))

    def expected(p: dict[str, Array], *xs: Array) -> Array:
        if operation == "MAX":
            return np.max(xs, 0)
        return (
            np.prod(xs, 0)
            if operation == "PROD"
            else sum(c * x for c, x in zip(coeff or (1,) * count, xs, strict=True))
        )

    return Case(Eltwise(operation=operation, coeff=coeff), xs, expected)


@case
def concat(d: Draw) -> Case:
    shape = d.map_shape()
    axis = d.int(-4, 3)
    sizes = [d.int(1, 4) for _ in range(d.int(1, 3))]
    xs = [d.values(*shape[: axis % 4], n, *shape[axis % 4 + 1 :]) for n in sizes]
    return Case(Concat(axis=axis), xs, lambda p, *xs: np.concatenate(xs, axis))


@case
def slice_(d: Draw) -> Case:
    axis = d.int(0, 3)
    parts = [d.int(1, 3) for _ in range(d.int(1, 3))]
    equal = d.choice(False, True)
    if equal:
        parts = parts[:1] * len(parts)
    shape = list(d.map_shape())
    shape[axis] = sum(parts)
    points = tuple(int(p) for p in np.cumsum(parts)[:-1])
    layer = Slice(axis=axis, slice_point=() if equal else points)
    tops = tuple(f"part{k}" for k in range(len(parts)))
    return Case(layer, [d.values(*shape)], lambda p, x: tuple(np.split(x, points, axis)), tops=tops)


@case
def flatten(d: Draw) -> Case:
    shape = d.map_shape()
    first = d.int(0, 3)
    last = d.int(first, 3)
    new = (*shape[:first], -1, *shape[last + 1 :])
    return Case(Flatten(axis=first, end_axis=last - d.choice(0, 4)), [d.values(*shape)], lambda p, x: x.reshape(new))


@case
def reshape(d: Draw) -> Case:
    n, c, h, w = d.map_shape()
    new, fields = d.choice(
        ((n, -1), {"shape": (0, -1)}),
        ((n, c, 1, h * w), {"shape": (0, 0, 1, -1)}),
        ((n, h, c, w), {"shape": (n, h, c, w)}),
        ((n, c * h, w), {"shape": (-1,), "axis": 1, "num_axes": 2}),
        ((n, c, h, w, 1, 1), {"shape": (1, 1), "axis": 4, "num_axes": 0}),
    )
    return Case(Reshape(**fields), [d.values(n, c, h, w)], lambda p, x: x.reshape(new))


@case
def reduction(d: Draw) -> Case:
    operation, coeff = d.choice("SUM", "ASUM", "SUMSQ", "MEAN"), d.choice(1.0, -0.5)
    rank = d.int(1, 4)
    chosen = d.choice("axis", "axes")
    gone = tuple(range(d.int(0, rank - 1), rank)) if chosen == "axis" else d.choice((0,), (rank - 1,), (0, rank - 1))
    fields = {"axis": gone[0]} if chosen == "axis" else {"axes": tuple(dict.fromkeys(gone))}
    gone = tuple(dict.fromkeys(gone))

    def expected(p: dict[str, Array], x: Array) -> Array:
        value = {"ASUM": np.abs, "SUMSQ": np.square}.get(operation, np.asarray)(x)
        return coeff * (value.mean(gone) if operation == "MEAN" else value.sum(gone))

    return Case(Reduction(operation=operation, coeff=coeff, **fields), [d.values(*d.map_shape()[:rank])], expected)


@case
def softmax(d: Draw) -> Case:
    axis = d.int(-4, 3)
    return Case(Softmax(axis=axis), [d.values(*d.map_shape()) * 3], lambda p, x: plain.softmax(x, axis))


FORMULAS = (
    ("r * tanh(h)", lambda r, h: r * np.tanh(h)),
    ("clip(r - 0.5 * sign(h), -1, 1)", lambda r, h: np.clip(r - 0.5 * np.sign(h), -1, 1)),
    ("(1 - sigmoid(r + h)) * r ** 3 / (2 + h)", lambda r, h: r * r * r / (1 + np.exp(r + h)) / (2 + h)),
    ("where(r > h, exp(r), -h)", lambda r, h: np.where(r > h, np.exp(r), -h)),
    ("max(r, h, 0.25) - min(r, h) ** 2", lambda r, h: np.maximum(np.maximum(r, h), 0.25) - np.minimum(r, h) ** 2),
    ("-r ** 2 + abs(h) * (r < 0)", lambda r, h: -(r * r) + np.where(r < 0, np.abs(h), 0)),
    ("relu(h) + floor(r)", lambda r, h: np.maximum(h, 0) + np.floor(r)),
    ("sqrt(2 + r) * log(2 + h) * sin(r)", lambda r, h: np.sqrt(2 + r) * np.log(2 + h) * np.sin(r)),
    ("r + cos(h) ** 2 ** 1", lambda r, h: r + np.cos(h) ** 2),
)


@case
def expression(d: Draw) -> Case:
    n, c, h, w = d.map_shape()
    text, value = d.choice(*FORMULAS)
    both = d.values(n * c * h * w + c * w)  # one pool of numbers, so that no two tie
    r, other = both[: n * c * h * w].reshape(n, c, h, w), both[n * c * h * w :].reshape(c, 1, w)
    return Case(Expression(expr=text), [r, other], lambda p, r, h: value(r, h), names=("r", "h"))


@case
def parameter(d: Draw) -> Case:
    return Case(Parameter(shape=d.map_shape()[: d.int(1, 4)]), [], lambda p: p["weight"])


# Input has no bottoms to compute with, Silence no tops, Gradient needs a loss that depends on its other bottom,
# Recurrent a block: they are in test_semantics, test_common, test_gradient and graph/test_loops
ELSEWHERE = {cls.__name__: cls.__module__ for cls in (Input, Silence, Gradient, Recurrent)}
