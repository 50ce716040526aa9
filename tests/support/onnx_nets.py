"""ONNX's operators over time, its losses, its update rules, its boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from layer_support import Array
from onnx_graph import Node, Unmatched, absent, operator

from compiler.ir import Value
from netspec.layers import labels
from netspec.layers.gru import GRU
from netspec.layers.log_softmax import LogSoftmax
from netspec.layers.lstm import LSTM
from netspec.layers.nms import NMS
from netspec.layers.rnn import RNN
from netspec.layers.roi_align import RoIAlign
from netspec.layers.scaled_dot_product_attention import ScaledDotProductAttention
from netspec.layers.softmax_with_loss import SoftmaxWithLoss
from netspec.solvers.adagrad import AdaGrad
from netspec.solvers.adam import Adam
from netspec.solvers.base import Learned, Solver
from netspec.solvers.nesterov import Nesterov
from netspec.solvers.sgd import SGD

absent("attention with functions for scores; written out in operators it runs", "FlexAttention")
absent("attention with a state; written out in operators it runs where it has no loop", "LinearAttention")
absent("a convolution with a state; written out in operators it runs", "CausalConvWithState")
absent("no rotated positions; written out in operators they run", "RotaryEmbedding")
absent("a gate of two operators; written out it runs", "SwiGLU")
absent("no sums of windows but a convolution's", "Col2Im")

CELLS = {"LSTM": (LSTM, (0, 2, 1, 3), 2), "GRU": (GRU, (1, 0, 2), 1), "RNN": (RNN, (0,), 1)}
"""The layer, where its gates are among ONNX's, and how many states it has."""


@operator("LSTM", "GRU", "RNN")
def recurrent(n: Node) -> Any:
    make, gates, states = CELLS[n.proto.op_type]
    n.refuse(clip=0.0, input_forget=0, linear_before_reset=0)
    if n.has(7) or n.attr("activations"):
        raise Unmatched("peepholes, or other functions than the usual")
    by_batch, size, direction = n.attr("layout", 0), n.attr("hidden_size"), n.attr("direction", "forward")
    x = n.floating()
    x = n.b.transpose(x, (1, 0, 2)) if by_batch else x
    steps, batch = x.shape[:2]
    both = direction != "forward"  # a layer has the forward direction alone, or both
    fields = {"reset_after": False} if make is GRU else {}
    layer = make(num_output=size, bidirectional=both, expose_hidden=True, lengths=n.has(4), **fields)
    params = weights(n, gates, size, direction)
    first = [start(n, k, (1 + both, batch, size), direction) for k in (5, 6)[:states]]
    made = n.layer(layer, x, *first, *([n.value(4)] if n.has(4) else []), tops=1 + states, **params)
    chosen = slice(0, 2) if direction == "bidirectional" else slice(1, 2) if both else slice(0, 1)
    return shaped(n, made, (steps, batch, size), chosen)


def weights(n: Node, gates: Sequence[int], size: int, direction: str) -> dict[str, Array]:
    """Our parameters: gates in our order, both biases added; zeros for a direction that is not there."""
    found: dict[str, Array] = {}
    for name, array in (("weight_x", n.known(1)), ("weight_h", n.known(2))):
        for end, rows in by_direction(array, direction):
            found[f"{name}{end}"] = np.concatenate([rows[g * size : (g + 1) * size] for g in gates])
    given = n.known(3, np.zeros((len(n.known(1)), 2 * len(gates) * size), np.float32))
    halves = given.reshape(len(given), 2, -1).sum(1)
    for end, rows in by_direction(halves, direction):
        found[f"bias{end}"] = np.concatenate([rows[g * size : (g + 1) * size] for g in gates])
    return found


def by_direction(array: Array, direction: str) -> list[tuple[str, Array]]:
    """Suffix and part of each direction."""
    if direction == "reverse":
        return [("", np.zeros_like(array[0])), ("_reverse", array[0])]
    return list(zip(("", "_reverse"), array, strict=False))


def start(n: Node, k: int, shape: tuple[int, ...], direction: str) -> Value:
    """An initial state."""
    if not n.has(k):
        return n.b.full(shape, 0.0)
    if direction == "reverse" or n.attr("layout", 0):
        raise Unmatched("initial states of one direction, or with the batch first")
    return n.value(k)


def shaped(n: Node, made: Sequence[Value], sizes: tuple[int, int, int], chosen: slice) -> list[Value]:
    """The sequence and the last states as ONNX lays them out."""
    b, (steps, batch, size) = n.b, sizes
    by_batch = n.attr("layout", 0)
    every = b.reshape(made[0], (steps, batch, made[0].shape[2] // size, size))
    every = b.slice(every, 2, chosen.start, chosen.stop)
    last = [b.slice(s, 0, chosen.start, chosen.stop) for s in made[1:]]
    every = b.transpose(every, (1, 0, 2, 3) if by_batch else (0, 2, 1, 3))
    return [every, *(b.transpose(s, (1, 0, 2)) if by_batch else s for s in last)]


MASKS = "attention with masks, caches or windows; written out in operators it runs"


@operator("Attention")
def attention(n: Node) -> Any:
    plain = not any(n.has(k) for k in range(3, 7)) and not n.wants(3)
    if not plain or n.attr("softcap", 0.0) or max(n.attr("left_window_size", -1), n.attr("right_window_size", -1)) >= 0:
        raise Unmatched(MASKS)
    b, flat = n.b, len(n.shape()) == 3
    counts = [n.attr(name) for name in ("q_num_heads", "kv_num_heads", "kv_num_heads")]
    query, key, value = (heads(n, n.floating(k), counts[k]) for k in range(3))
    batch, groups = query.shape[0], query.shape[1] // key.shape[1]
    key, value = repeated(n, key, groups), repeated(n, value, groups)
    sets = [b.reshape(x, (batch * x.shape[1], *x.shape[2:])) for x in (query, key, value)]
    y = n.layer(ScaledDotProductAttention(causal=bool(n.attr("is_causal", 0)), scale=n.attr("scale")), *sets)
    y = b.reshape(y, (*query.shape[:3], value.shape[3]))
    if not flat:
        return y
    return b.reshape(b.transpose(y, (0, 2, 1, 3)), (batch, query.shape[2], query.shape[1] * value.shape[3]))


def heads(n: Node, x: Value, count: int | None) -> Value:
    """N x heads x places x D, of N x places x (heads D) too."""
    if x.rank == 4 or count is None:
        return x
    parts = n.b.reshape(x, (*x.shape[:2], count, x.shape[2] // count))
    return n.b.transpose(parts, (0, 2, 1, 3))


def repeated(n: Node, x: Value, groups: int) -> Value:
    """Each head for the queries of its group."""
    each = n.b.reshape(x, (*x.shape[:2], 1, *x.shape[2:]))
    copies = n.b.broadcast_to(each, (*x.shape[:2], groups, *x.shape[2:]))
    return n.b.reshape(copies, (x.shape[0], x.shape[1] * groups, *x.shape[2:]))


@operator("SoftmaxCrossEntropyLoss")
def softmax_loss(n: Node) -> Any:
    x, label = n.floating(0), n.value(1)
    reduction, ignored, weights = n.attr("reduction", "mean"), n.attr("ignore_index"), n.known(2)
    log_p = n.layer(LogSoftmax(axis=1), x)
    if reduction == "none" or (reduction == "mean" and weights is not None):
        return picked_loss(n, log_p, label, ignored, weights, reduction), log_p
    layer = SoftmaxWithLoss(
        normalization="VALID" if reduction == "mean" else "NONE",
        ignore_label=ignored,
        class_weights=() if weights is None else tuple(map(float, weights)),
    )
    return n.layer(layer, x, label), log_p


@operator("NegativeLogLikelihoodLoss")
def likelihood_loss(n: Node) -> Any:
    return picked_loss(n, n.floating(0), n.value(1), n.attr("ignore_index"), n.known(2), n.attr("reduction", "mean"))


def picked_loss(n: Node, log_p: Value, label: Value, ignored: int | None, weights: Any, reduction: str) -> Value:
    """``-weight[label] log_p[label]``, with the helpers of our losses."""
    b = n.b
    column = labels.label_column(b, log_p, label, 1)
    mask = labels.counted(b, column, ignored)
    each = b.full((1, log_p.shape[1], *(1,) * (log_p.rank - 2)), 1.0)
    if weights is not None:
        each = b.reshape(b.literal(np.asarray(weights, np.float64)), each.shape)
    weight = labels.picked(b, b.broadcast_to(each, log_p.shape), column, 1)
    weight = weight if mask is None else b.where(mask, weight, 0.0)
    # an ignored place picks nothing, or what counts for nothing
    loss = -labels.picked(b, log_p, column, 1) * weight
    if reduction == "none":
        return b.reshape(loss, label.shape)
    total = b.as_scalar(b.sum(loss))
    return total if reduction == "sum" else total / b.as_scalar(b.sum(weight))


@operator("Momentum", "Adagrad", "Adam")
def update(n: Node) -> Any:
    memories = ("history", "squares") if n.proto.op_type == "Adam" else ("history",)
    count = (len(n.proto.input) - 2) // (2 + len(memories))
    rate, step = float(n.known(0)), int(n.known(1))
    solver, scale = rule(n, step)
    if n.proto.op_type == "Adagrad":
        rate /= 1.0 + step * n.attr("decay_factor", 0.0)
    if n.proto.op_type == "Adam":
        numbers = solver.corrections(step - 1) if step else (1.0, 1.0)
        n.graph.scalars |= dict(zip(("correction", "correction2"), numbers, strict=True))
    made: list[list[Value]] = [[] for _ in range(1 + len(memories))]
    for k in range(count):
        of = Learned(f"w{k}", n.b.full((), rate), n.attr("norm_coefficient", 0.0))
        new = solver.lower_update(n.b, n.value(2 + k), n.value(2 + count + k), of)
        made[0].append(new)
        for m, memory in enumerate(memories):
            units = rate if scale else 1.0
            name = f"w{k}.{memory}"
            n.graph.states[name] = units * n.known(2 + (2 + m) * count + k)
            made[1 + m].append(n.b.graph.states[name].written * (1.0 / units))
    return [value for values in made for value in values]


def rule(n: Node, step: int) -> tuple[Solver, bool]:
    """Our solver, and whether the rate is inside its velocity."""
    if n.proto.op_type == "Adagrad":
        return AdaGrad(base_lr=1.0, delta=n.attr("epsilon", 0.0)), False
    if n.proto.op_type == "Adam":
        n.refuse(norm_coefficient_post=0.0)
        fields = {"momentum": n.attr("alpha", 0.9), "momentum2": n.attr("beta", 0.999)}
        return Adam(base_lr=1.0, delta=n.attr("epsilon", 0.0), **fields), False
    if step > 0 and n.attr("beta") != 1:
        raise Unmatched("gradients that count less than the velocity")
    if n.attr("mode") == "nesterov":
        return Nesterov(base_lr=1.0, momentum=n.attr("alpha")), True
    return SGD(base_lr=1.0, momentum=n.attr("alpha"), velocity="textbook"), False


@operator("NonMaxSuppression")
def nms(n: Node) -> Any:
    b, boxes, scores = n.b, n.floating(0), n.floating(1)
    most, overlap = n.whole(2, [0])[0], float(np.reshape(n.known(3, 0.0), -1)[0])
    parts = [b.slice(boxes, 2, k, k + 1) for k in range(4)]
    if n.attr("center_point_box", 0):
        x, y, w, h = parts
        corners = [x - w * 0.5, y - h * 0.5, x + w * 0.5, y + h * 0.5]
    else:
        y1, x1, y2, x2 = parts
        corners = [b.minimum(x1, x2), b.minimum(y1, y2), b.maximum(x1, x2), b.maximum(y1, y2)]
    ordered = b.concat(corners, 2)
    capacity = min(most, boxes.shape[1])
    layer = NMS(inclusive=False, nms_thresh=overlap, capacity=capacity)
    made = []
    for c in range(scores.shape[1]):
        own = b.reshape(b.slice(scores, 1, c, c + 1), (scores.shape[0], scores.shape[2]))
        if n.has(4):
            own = b.where(own > float(np.reshape(n.known(4), -1)[0]), own, -np.inf)
        made.append(b.reshape(n.layer(layer, ordered, own), (scores.shape[0], 1, capacity)))
    n.graph.after[n.proto.output[0]] = kept
    return b.concat(made, 1)


def kept(index: Array) -> Array:
    """Rows (image, class, box) of those that are kept, from N x classes x capacity with -1 behind the last."""
    places = np.argwhere(index >= 0)
    return np.column_stack([places[:, :2], index[tuple(places.T)]])


@operator("RoiAlign")
def roi_align(n: Node) -> Any:
    n.refuse(mode="avg")
    rois, image = n.floating(1), n.b.to_float(n.value(2))
    regions = n.b.concat([n.b.reshape(image, (rois.shape[0], 1)), rois], 1)
    layer = RoIAlign(
        pooled_h=n.attr("output_height", 1),
        pooled_w=n.attr("output_width", 1),
        sampling_ratio=n.attr("sampling_ratio", 0),
        spatial_scale=n.attr("spatial_scale", 1.0),
        aligned=n.attr("coordinate_transformation_mode", "half_pixel") == "half_pixel",
    )
    return n.layer(layer, n.floating(0), regions)
