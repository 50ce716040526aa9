"""ONNX's operators that move elements, and those that reduce or search axes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from onnx_graph import Node, Unmatched, absent, operator

from compiler.ir import Value
from netspec.layers.arg_max import ArgMax
from netspec.layers.concat import Concat
from netspec.layers.expand import Expand
from netspec.layers.log_softmax import LogSoftmax
from netspec.layers.one_hot import OneHot
from netspec.layers.pad import Pad
from netspec.layers.permute import Permute
from netspec.layers.pixel_shuffle import PixelShuffle
from netspec.layers.reduction import Reduction
from netspec.layers.reshape import Reshape
from netspec.layers.slice import Slice
from netspec.layers.softmax import Softmax
from netspec.layers.split import Split
from netspec.layers.tile import Tile
from netspec.layers.top_k import TopK

absent("sizes that depend on the data", "Compress", "NonZero", "Unique", "Range")
absent("texts", "StringConcat", "StringNormalizer", "StringSplit", "RegexFullMatch", "LabelEncoder", "TfIdfVectorizer")
absent("sequences and optional values", "SequenceInsert", "SequenceMap", "SplitToSequence", "OptionalGetElement")
absent("sequences and optional values", "OptionalHasElement")
absent("control flow: a net is fixed", "If", "Loop", "Scan")
absent("no layer scatters or gathers single elements", "Scatter", "ScatterElements", "ScatterND", "TensorScatter")
absent("no layer scatters or gathers single elements", "GatherND", "ArrayFeatureExtractor")
absent("random numbers of another generator", "Bernoulli")
absent("no running sums or products", "CumSum", "CumProd")
absent("no determinant, transform of signals or window function", "Det", "DFT", "STFT", "MelWeightMatrix")
absent("no determinant, transform of signals or window function", "BlackmanWindow", "HammingWindow", "HannWindow")
absent("pictures are read by sources", "ImageDecoder")
absent("trees are no nets", "TreeEnsemble", "Binarizer")
absent("no product over an axis", "ReduceProd")
absent("no sums over named indices", "Einsum")
absent("time runs forwards in every sequence of a batch", "ReverseSequence")


@operator("Reshape")
def reshape(n: Node) -> Any:
    x, shape = n.value(), n.whole(1)
    if n.attr("allowzero", 0):
        return n.b.stop_gradient(n.b.reshape(x, shape))
    return n.layer(Reshape(shape=tuple(shape)), x)


@operator("Flatten")
def flatten(n: Node) -> Any:
    shape = n.shape()
    axis = n.attr("axis", 1) % (len(shape) + 1) if n.attr("axis", 1) >= 0 else n.attr("axis") + len(shape)
    return n.b.reshape(n.value(), (prod(shape[:axis]), prod(shape[axis:])))


@operator("Squeeze")
def squeeze(n: Node) -> Any:
    shape = n.shape()
    axes = n.whole(1, n.attr("axes")) or [k for k, size in enumerate(shape) if size == 1]
    gone = {a % len(shape) for a in axes}
    return n.b.reshape(n.value(), tuple(size for k, size in enumerate(shape) if k not in gone))


@operator("Unsqueeze")
def unsqueeze(n: Node) -> Any:
    axes = n.whole(1, n.attr("axes"))
    rank = len(n.shape()) + len(axes)
    new, own = {a % rank for a in axes}, iter(n.shape())
    return n.b.reshape(n.value(), tuple(1 if k in new else next(own) for k in range(rank)))


@operator("Transpose")
def transpose(n: Node) -> Any:
    order = n.attr("perm", list(range(len(n.shape())))[::-1])
    return n.layer(Permute(order=tuple(order)), n.value())


@operator("Concat")
def concat(n: Node) -> Any:
    return n.layer(Concat(axis=n.attr("axis")), *n.values())


@operator("Split")
def split(n: Node) -> Any:
    axis, tops, size = n.attr("axis", 0), len(n.proto.output), n.shape()[n.attr("axis", 0)]
    each = -(-size // tops)
    sizes = n.whole(1, n.attr("split")) or [min(each, size - k * each) for k in range(tops)]
    if min(sizes) < 1:
        raise Unmatched("empty arrays")
    points = tuple(int(p) for p in np.cumsum(sizes)[:-1])
    if tops == 1:
        return n.layer(Split(), n.value())
    return n.layer(Slice(axis=axis, slice_point=points), n.value(), tops=tops)


@operator("Slice")
def slices(n: Node) -> Any:
    x = n.value()
    starts, stops = n.whole(1, n.attr("starts")), n.whole(2, n.attr("ends"))
    axes = n.whole(3, n.attr("axes", list(range(len(starts)))))
    steps = n.whole(4, [1] * len(starts))
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        chosen = range(x.shape[axis])[slice(start, stop, step)]
        if not chosen:
            raise Unmatched("empty arrays")
        if step == 1:
            x = n.b.slice(x, axis, chosen[0], chosen[-1] + 1)
        else:
            x = taken(n, x, n.b.literal(np.array(chosen, np.int32)), axis)
    return n.b.stop_gradient(x)


def taken(n: Node, x: Value, index: Value, axis: int) -> Value:
    """``np.take``: rows of x along an axis by number."""
    if x.kind != "float":
        raise Unmatched("whole numbers by number")
    b, axis = n.b, axis % x.rank
    order = [axis, *(k for k in range(x.rank) if k != axis)]
    rows = b.gather(b.transpose(x, order), index)  # index, then the rest of x
    back = [*range(index.rank, index.rank + axis), *range(index.rank), *range(index.rank + axis, rows.rank)]
    return b.transpose(rows, back)


@operator("Gather")
def gather(n: Node) -> Any:
    axis, index = n.attr("axis", 0), n.value(1)
    wrapped = n.b.where(index < 0, index + n.shape()[axis], index)
    return taken(n, n.value(0), wrapped, axis)


@operator("GatherElements")
def gather_elements(n: Node) -> Any:
    x, index, axis = n.floating(0), n.value(1), n.attr("axis", 0) % len(n.shape())
    if any(a != c for k, (a, c) in enumerate(zip(x.shape, index.shape, strict=True)) if k != axis):
        raise Unmatched("fewer indices than rows")
    b, size = n.b, x.shape[axis]
    # all rows beside each index, of which one is the one it names
    rows = b.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))
    wrapped = b.where(index < 0, index + size, index)
    named = b.reshape(wrapped, (*index.shape[: axis + 1], 1, *index.shape[axis + 1 :]))
    shape = (*index.shape[: axis + 1], size, *index.shape[axis + 1 :])
    hit = b.equal(b.index(shape, axis + 1), named)
    return b.reshape(b.sum(b.where(hit, rows, 0.0), axis + 1), index.shape)


@operator("Expand")
def expand(n: Node) -> Any:
    shape = np.broadcast_shapes(n.shape(), tuple(n.whole(1)))
    return n.layer(Expand(shape=shape), n.value())


@operator("Tile")
def tile(n: Node) -> Any:
    x = n.value()
    for axis, times in enumerate(n.whole(1)):
        x = n.layer(Tile(axis=axis, tiles=times), x)
    return x


@operator("Pad")
def pad(n: Node) -> Any:
    mode, x = n.attr("mode", "constant"), n.floating()
    axes = n.whole(3, list(range(x.rank)))
    widths, given = [(0, 0)] * x.rank, n.whole(1, n.attr("pads"))
    for k, axis in enumerate(axes):
        widths[axis % x.rank] = given[k], given[k + len(axes)]
    if mode == "constant":
        fill = float(np.reshape(n.known(2, 0.0), -1)[0])
        inside = n.b.pad(n.b.full(x.shape, 1.0), widths)
        return n.b.where(inside > 0, n.b.pad(x, widths), fill)
    known = {"reflect": "REFLECT", "edge": "REPLICATE"}
    if mode not in known:
        raise Unmatched(f"no border of the kind {mode}")
    flat = tuple(w[side] for side in (0, 1) for w in widths)
    first = next(k for k, w in enumerate(widths) if any(w))
    return n.layer(Pad(pad=flat[first : x.rank] + flat[x.rank + first :], mode=known[mode], axis=first), x)


@operator("DepthToSpace", "SpaceToDepth")
def pixel_shuffle(n: Node) -> Any:
    inverse = n.proto.op_type == "SpaceToDepth"
    order = n.attr("mode", "DCR")
    return n.layer(PixelShuffle(factor=n.attr("blocksize"), inverse=inverse, order=order), n.floating())


@operator("Trilu")
def trilu(n: Node) -> Any:
    x, k = n.value(), int(np.reshape(n.known(1, 0), -1)[0])
    behind = n.b.index(x.shape, -1) - n.b.index(x.shape, -2)
    keeps = behind >= k if n.attr("upper", 1) else behind <= k
    return n.b.where(keeps, x, 0 if x.kind == "i32" else 0.0)


@operator("EyeLike")
def eye_like(n: Node) -> Any:
    if n.attr("dtype", 1) not in (1, 11):
        raise Unmatched("whole numbers")
    shape = n.shape()
    return n.b.to_float(n.b.equal(n.b.index(shape, -1) - n.b.index(shape, -2), n.attr("k", 0)))


@operator("OneHot")
def one_hot(n: Node) -> Any:
    depth, (off, on) = n.whole(1)[0], (float(v) for v in n.known(2))
    index = n.value(0)
    if index.kind != "i32":
        index = n.b.apply("to_int", index)
    wrapped = n.b.where(index < 0, index + depth, index)
    return n.layer(OneHot(num_output=depth, axis=n.attr("axis", -1), on_value=on, off_value=off), wrapped)


@operator("CenterCropPad")
def center_crop_pad(n: Node) -> Any:
    x, sizes = n.floating(), n.whole(1)
    for axis, size in zip(n.attr("axes", range(x.rank)), sizes, strict=True):
        own = x.shape[axis]
        if size < own:
            start = (own - size) // 2
            x = n.b.slice(x, axis, start, start + size)
        elif size > own:
            before = (size - own) // 2
            x = n.b.pad(x, [(before, size - own - before) if k == axis % x.rank else (0, 0) for k in range(x.rank)])
    return n.b.stop_gradient(x)


def reduced_axes(n: Node) -> tuple[int, ...]:
    """The axes that go; none where the operator then does nothing."""
    rank = len(n.shape())
    given = n.whole(1, n.attr("axes"))
    if not given:
        return () if n.attr("noop_with_empty_axes", 0) else tuple(range(rank))
    return tuple(sorted(a % rank for a in given))


def settled(n: Node, y: Value, gone: tuple[int, ...]) -> Value:
    """A result with or without the axes that went."""
    own = n.shape()
    keep = n.attr("keepdims", 1)
    return n.b.reshape(y, tuple(1 if k in gone else m for k, m in enumerate(own) if keep or k not in gone))


OPERATIONS = {"ReduceSum": "SUM", "ReduceMean": "MEAN", "ReduceL1": "ASUM", "ReduceSumSquare": "SUMSQ"}


@operator(*OPERATIONS)
def reduction(n: Node) -> Any:
    gone, x = reduced_axes(n), n.floating()
    if not gone:
        return n.b.stop_gradient(x)
    return settled(n, n.layer(Reduction(operation=OPERATIONS[n.proto.op_type], axes=gone), x), gone)


@operator("ReduceL2")
def l2(n: Node) -> Any:
    gone, x = reduced_axes(n), n.floating()
    return settled(n, n.b.sqrt(n.b.sum(x * x, gone)), gone)


@operator("ReduceLogSum")
def log_sum(n: Node) -> Any:
    gone, x = reduced_axes(n), n.floating()
    return settled(n, n.b.log(n.b.sum(x, gone)), gone)


@operator("ReduceLogSumExp")
def log_sum_exp(n: Node) -> Any:
    gone, x = reduced_axes(n), n.floating()
    for axis in gone:
        x = n.b.logsumexp(x, axis)
    return settled(n, x, gone)


@operator("ReduceMax", "ReduceMin")
def extreme(n: Node) -> Any:
    gone, x = reduced_axes(n), n.floating()
    y = n.b.max(x, gone) if n.proto.op_type == "ReduceMax" else -n.b.max(-x, gone)
    return settled(n, y, gone)


@operator("Softmax", "LogSoftmax")
def softmax(n: Node) -> Any:
    layer = Softmax if n.proto.op_type == "Softmax" else LogSoftmax
    axis = n.attr("axis", -1 if n.graph.opset >= 13 else 1)
    return n.layer(layer(axis=axis), n.floating())


@operator("Hardmax")
def hardmax(n: Node) -> Any:
    x = n.floating()
    axis = n.attr("axis", -1) % x.rank
    best = n.layer(ArgMax(axis=axis), x)
    return n.b.to_float(n.b.equal(n.b.index(x.shape, axis), best))


@operator("ArgMax", "ArgMin")
def arg_max(n: Node) -> Any:
    x = n.floating()
    if n.attr("select_last_index", 0):
        raise Unmatched("the first of equal values wins")
    axis = n.attr("axis", 0) % x.rank
    found = n.layer(ArgMax(axis=axis), x if n.proto.op_type == "ArgMax" else -x)
    return settled(n, found, (axis,))


@operator("TopK")
def top_k(n: Node) -> Any:
    x, largest = n.floating(), n.attr("largest", 1)
    made = n.layer(TopK(top_k=n.whole(1)[0], axis=n.attr("axis", -1)), x if largest else -x, tops=2)
    return made if largest else (-made[0], made[1])
