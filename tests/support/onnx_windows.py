"""ONNX's operators on maps: windows, normalisations, samples."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from onnx_graph import Node, Unmatched, absent, operator

from compiler.ir import Value
from netspec.layers.batch_norm import BatchNorm
from netspec.layers.convolution import Convolution
from netspec.layers.deconvolution import Deconvolution
from netspec.layers.group_norm import GroupNorm
from netspec.layers.instance_norm import InstanceNorm
from netspec.layers.layer_norm import LayerNorm
from netspec.layers.lrn import LRN
from netspec.layers.mat_mul import MatMul
from netspec.layers.pooling import Pooling
from netspec.layers.unpooling import Unpooling

absent("no window whose taps are displaced by data", "DeformConv")
absent("no grid of an affine map", "AffineGrid")


def pads(n: Node, kernel: list[int], stride: list[int], dilation: list[int], size: tuple[int, ...]) -> list[int]:
    """Padding before each axis, then behind each."""
    auto = n.attr("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID"):
        return list(n.attr("pads", [0] * (2 * len(kernel))))
    before, behind = [], []
    for k, s, d, m in zip(kernel, stride, dilation, size, strict=True):
        total = max(0, (-(-m // s) - 1) * s + d * (k - 1) + 1 - m)
        small, large = total // 2, total - total // 2
        before.append(small if auto == "SAME_UPPER" else large)
        behind.append(large if auto == "SAME_UPPER" else small)
    return before + behind


@operator("Conv")
def convolution(n: Node) -> Any:
    x, weight = n.floating(), n.known(1)
    kernel = list(weight.shape[2:])
    rank = len(kernel)
    stride, dilation = n.attr("strides", [1] * rank), n.attr("dilations", [1] * rank)
    around = pads(n, kernel, stride, dilation, x.shape[2:])
    if around[:rank] != around[rank:]:
        x = n.b.pad(x, [(0, 0), (0, 0), *zip(around[:rank], around[rank:], strict=True)])
        around = [0] * (2 * rank)
    layer = Convolution(
        num_output=weight.shape[0],
        kernel_size=tuple(kernel),
        stride=tuple(stride),
        dilation=tuple(dilation),
        pad=tuple(around[:rank]),
        group=n.attr("group", 1),
        bias_term=n.has(2),
    )
    return n.layer(layer, x, weight=weight, **({"bias": n.known(2)} if n.has(2) else {}))


@operator("ConvTranspose")
def deconvolution(n: Node) -> Any:
    x, weight = n.floating(), n.known(1)
    kernel, group = list(weight.shape[2:]), n.attr("group", 1)
    rank = len(kernel)
    stride, dilation = n.attr("strides", [1] * rank), n.attr("dilations", [1] * rank)
    more = n.attr("output_padding", [0] * rank)
    layer = Deconvolution(
        num_output=weight.shape[1] * group,
        kernel_size=tuple(kernel),
        stride=tuple(stride),
        dilation=tuple(dilation),
        group=group,
        bias_term=False,
    )
    full = n.layer(layer, x, weight=weight)
    sizes = n.attr("output_shape")
    if n.attr("auto_pad", "NOTSET").startswith("SAME"):
        sizes = [m * s for m, s in zip(x.shape[2:], stride, strict=True)]
    around = n.attr("pads", [0] * (2 * rank))
    if sizes:
        total = [full.shape[2 + k] + more[k] - sizes[k] for k in range(rank)]
        upper = n.attr("auto_pad", "NOTSET") != "SAME_LOWER"
        # what is missing is added behind
        before = [max(0, t // 2 if upper else t - t // 2) for t in total]
        around = before + [t - p for t, p in zip(total, before, strict=True)]
    for k in range(rank):
        start, stop = around[k], full.shape[2 + k] + more[k] - around[rank + k]
        if stop > full.shape[2 + k]:
            widths = [(0, stop - full.shape[2 + k]) if a == 2 + k else (0, 0) for a in range(rank + 2)]
            full = n.b.pad(full, widths)
        full = n.b.slice(full, 2 + k, start, stop)
    return full if not n.has(2) else full + n.b.reshape(n.value(2), (full.shape[1], *(1,) * rank))


def pooled(n: Node) -> tuple[list[int], list[int], list[int], tuple[int, ...]]:
    """Kernel, stride, padding and size of the top, of maps in two dimensions."""
    x, kernel = n.shape(), n.attr("kernel_shape")
    rank = len(kernel)
    if n.attr("dilations", [1] * rank) != [1] * rank:
        raise Unmatched("windows of pooling have no gaps")
    stride = n.attr("strides", [1] * rank)
    around = pads(n, kernel, stride, [1] * rank, x[2:])
    size = []
    for k in range(rank):
        reach = x[2 + k] + around[k] + around[rank + k] - kernel[k]
        steps = -(-reach // stride[k]) if n.attr("ceil_mode", 0) else reach // stride[k]
        # a last window that would start behind the map is left out
        size.append(steps + 1 - (steps * stride[k] >= x[2 + k] + around[k]))
    return kernel, stride, around, tuple(size)


def plain_pooling(n: Node, pool: str) -> Pooling | None:
    """The layer, where it says what the operator does: the same padding on both sides."""
    kernel, stride, around, _ = pooled(n)
    rank = len(kernel)
    if around[:rank] != around[rank:]:
        return None
    rounding = "ceil" if n.attr("ceil_mode", 0) else "floor"
    return Pooling(pool=pool, kernel_size=tuple(kernel), stride=tuple(stride), pad=tuple(around[:rank]), round=rounding)


def dilated_rows(n: Node) -> Value | None:
    """The elements of each dilated window along a third axis, N x C x RS x Ho x Wo; None without gaps."""
    kernel = n.attr("kernel_shape")
    dilation = n.attr("dilations", [1] * len(kernel))
    if set(dilation) == {1}:
        return None
    if len(kernel) != 2 or any(n.attr("pads", [0])) or n.attr("ceil_mode", 0):
        raise Unmatched("windows with gaps, padded or beside 2-D")
    x, stride = n.floating(), tuple(n.attr("strides", [1, 1]))
    rows = n.b.patches(x, tuple(kernel), stride, (0, 0), tuple(dilation))
    return n.b.reshape(rows, (*x.shape[:2], prod(kernel), *rows.shape[2:]))


@operator("MaxPool")
def max_pool(n: Node) -> Any:
    x = n.floating()
    rows = dilated_rows(n)
    if rows is not None:
        return n.b.reshape(n.b.max(rows, 2), (*rows.shape[:2], *rows.shape[3:]))
    kernel, stride, around, size = pooled(n)
    layer = plain_pooling(n, "MAX")
    if layer is None and len(kernel) == 2:
        return n.b.max_pool(x, tuple(kernel), tuple(stride), tuple(around[:2]), size)[0]
    if layer is None:
        raise Unmatched("other padding before than behind, beside 2-D")
    if not n.wants(1):
        return n.layer(layer, x)
    y, places = n.layer(layer, x, tops=2)
    if n.attr("storage_order", 0):  # numbers that go down columns first
        columns, half = x.shape[3], 0.5  # half a step above the boundary: no rounding can carry a quotient across
        row = n.b.apply("to_int", n.b.apply("floor", (n.b.to_float(places) + half) * (1 / columns)))
        places = (places - row * columns) * x.shape[2] + row
    channels, count = x.shape[1], prod(x.shape[2:])
    first = n.b.index(y.shape, 0) * channels + n.b.index(y.shape, 1)
    return y, places + first * count


@operator("AveragePool")
def average_pool(n: Node) -> Any:
    x = n.floating()
    rows = dilated_rows(n)
    if rows is not None:
        return n.b.reshape(n.b.mean(rows, 2), (*rows.shape[:2], *rows.shape[3:]))
    kernel, stride, around, size = pooled(n)
    counts_padding, rank = n.attr("count_include_pad", 0), len(kernel)
    layer = plain_pooling(n, "AVE")
    if layer is not None and (counts_padding or not any(around)):
        return n.layer(layer, x)
    if rank != 2:
        raise Unmatched("averages count padding, beside 2-D")
    args = (tuple(kernel), tuple(stride), tuple(around[:2]), size)
    if counts_padding:
        wider = n.b.pad(x, [(0, 0), (0, 0), (around[0], around[2]), (around[1], around[3])])
        return n.b.ave_pool(wider, args[0], args[1], (0, 0), size)
    return n.b.ave_pool(x, *args) / n.b.ave_pool(n.b.full(x.shape, 1.0), *args)


@operator("LpPool")
def lp_pool(n: Node) -> Any:
    kernel, stride, around, size = pooled(n)
    n.refuse(ceil_mode=0)
    if len(kernel) != 2:
        raise Unmatched("powers of pooled values, beside 2-D")
    x, p = n.floating(), float(n.attr("p", 2))
    wider = n.b.pad(n.b.abs(x) ** p, [(0, 0), (0, 0), (around[0], around[2]), (around[1], around[3])])
    return (n.b.ave_pool(wider, tuple(kernel), tuple(stride), (0, 0), size) * float(prod(kernel))) ** (1 / p)


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(n: Node) -> Any:
    pool = "MAX" if n.proto.op_type == "GlobalMaxPool" else "AVE"
    return n.layer(Pooling(pool=pool, global_pooling=True), n.floating())


@operator("MaxUnpool")
def max_unpool(n: Node) -> Any:
    x, index = n.floating(), n.value(1)
    kernel, stride = n.attr("kernel_shape"), n.attr("strides", [1, 1])
    n.refuse(pads=[0, 0, 0, 0])
    size = tuple((m - 1) * s + k for m, s, k in zip(x.shape[2:], stride, kernel, strict=True))
    first = n.b.index(x.shape, 0) * x.shape[1] + n.b.index(x.shape, 1)
    layer = Unpooling(kernel_size=tuple(kernel), unpool_size=size)
    y = n.layer(layer, x, index - first * prod(size))
    if not n.has(2):
        return y
    # the places count in the map of the size that follows, which is then made larger
    return n.b.pad(y, [(0, 0), (0, 0), *((0, w - m) for w, m in zip(n.whole(2)[2:], size, strict=True))])


@operator("LRN")
def lrn(n: Node) -> Any:
    fields = {"alpha": n.attr("alpha", 1e-4), "beta": n.attr("beta", 0.75), "k": n.attr("bias", 1.0)}
    return n.layer(LRN(local_size=n.attr("size"), **fields), n.floating())


@operator("BatchNormalization")
def batch_norm(n: Node) -> Any:
    training, x = bool(n.attr("training_mode", 0)), n.floating()
    layer = BatchNorm(eps=n.attr("epsilon", 1e-5), scale_bias=True, use_global_stats=not training)
    params = {name: n.known(k) for k, name in enumerate(("scale", "bias", "mean", "variance"), 1)}
    y = n.layer(layer, x, **params, weight_sum=np.ones(1))
    if not training:
        return y
    # what a batch weighs is said otherwise: momentum in place of Caffe's sums
    kept, statistics = n.attr("momentum", 0.9), n.b.moments(x, (0, *range(2, x.rank)))
    return y, *(kept * n.value(k) + (1 - kept) * n.b.reshape(s, (x.shape[1],)) for k, s in enumerate(statistics, 3))


@operator("InstanceNormalization")
def instance_norm(n: Node) -> Any:
    return n.layer(InstanceNorm(eps=n.attr("epsilon", 1e-5)), n.floating(), scale=n.known(1), bias=n.known(2))


@operator("GroupNormalization")
def group_norm(n: Node) -> Any:
    layer = GroupNorm(eps=n.attr("epsilon", 1e-5), group=n.attr("num_groups"))
    return n.layer(layer, n.floating(), scale=n.known(1), bias=n.known(2))


@operator("LayerNormalization")
def layer_norm(n: Node) -> Any:
    axis, eps, x = n.attr("axis", -1), n.attr("epsilon", 1e-5), n.floating()
    y = n.layer(LayerNorm(axis=axis, eps=eps), x, scale=n.known(1), bias=n.known(2, np.zeros_like(n.known(1))))
    mean, variance = n.b.moments(x, range(axis % x.rank, x.rank))
    return y, mean, n.b.rsqrt(variance + eps)


@operator("RMSNormalization")
def rms_norm(n: Node) -> Any:
    x = n.floating()
    over = range(n.attr("axis", -1) % x.rank, x.rank)
    return x * n.b.rsqrt(n.b.mean(x * x, over) + n.attr("epsilon", 1e-5)) * n.value(1)


@operator("MeanVarianceNormalization")
def mean_variance_norm(n: Node) -> Any:
    mean, variance = n.b.moments(n.floating(), n.attr("axes", [0, 2, 3]))
    return (n.floating() - mean) / (n.b.sqrt(variance) + 1e-9)


@operator("LpNormalization")
def lp_norm(n: Node) -> Any:
    x, axis = n.floating(), n.attr("axis", -1)
    length = n.b.sum(n.b.abs(x), axis) if n.attr("p", 2) == 1 else n.b.sqrt(n.b.sum(x * x, axis))
    return x / n.b.where(n.b.equal(length, 0.0), 1.0, length)


@operator("MatMul")
def matmul(n: Node) -> Any:
    return n.layer(MatMul(), n.floating(0), n.floating(1))


@operator("Gemm")
def gemm(n: Node) -> Any:
    layer = MatMul(transpose_a=bool(n.attr("transA", 0)), transpose_b=bool(n.attr("transB", 0)))
    y = n.layer(layer, n.floating(0), n.floating(1)) * n.attr("alpha", 1.0)
    return y + n.attr("beta", 1.0) * n.value(2) if n.has(2) else y


@operator("GridSample")
def grid_sample(n: Node) -> Any:
    x, grid = n.floating(0), n.floating(1)
    if (
        x.rank != 4
        or n.attr("mode", "linear") not in ("linear", "bilinear")
        or n.attr("padding_mode", "zeros") != "zeros"
    ):
        raise Unmatched("samples of maps are bilinear, zeros outside")
    b = n.b
    parts = []
    for k, size in enumerate((x.shape[3], x.shape[2])):
        g = b.slice(grid, 3, k, k + 1)
        at = (g + 1.0) * ((size - 1) / 2) if n.attr("align_corners", 0) else ((g + 1.0) * float(size) - 1.0) * 0.5
        parts.append(at)
    return b.sample(x, b.transpose(b.concat(parts, 3), (0, 3, 1, 2)))
