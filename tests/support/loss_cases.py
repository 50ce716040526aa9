"""Rows of losses and metrics, as in layer_cases."""

from __future__ import annotations

from typing import Any

import distance_cases  # noqa: F401 (adds its rows)
import label_loss_cases  # noqa: F401 (adds its rows)
import layer_formulas as plain
import metric_cases  # noqa: F401 (adds its rows)
import numpy as np
from layer_cases import case
from layer_support import Array, Case, Draw

from netspec.layers.accuracy import Accuracy
from netspec.layers.euclidean_loss import EuclideanLoss
from netspec.layers.hinge_loss import HingeLoss
from netspec.layers.sigmoid_cross_entropy_loss import SigmoidCrossEntropyLoss
from netspec.layers.softmax_with_loss import SoftmaxWithLoss


def divisor(how: str, places: int, counted: int, samples: int) -> int:
    return max(1, {"FULL": places, "VALID": counted, "BATCH_SIZE": samples, "NONE": 1}[how])


@case
def softmax_with_loss(d: Draw) -> Case:
    n, c, h, w = d.map_shape()
    rank, axis = d.choice((2, 1), (4, 1), (4, 3), (3, -1))
    shape = (n, c, h, w)[:rank]
    x = d.values(*shape) * 4
    classes = shape[axis]
    spots = tuple(m for k, m in enumerate(shape) if k != axis % rank)
    keeps_axis = d.choice(False, True)
    label = d.labels(
        classes, *(tuple(1 if k == axis % rank else m for k, m in enumerate(shape)) if keeps_axis else spots)
    )
    fields: dict[str, Any] = {"axis": axis, "normalization": d.choice("FULL", "VALID", "BATCH_SIZE", "NONE")}
    if d.choice(False, True):
        fields["ignore_label"] = d.int(0, classes - 1)
    layer = SoftmaxWithLoss(**fields)

    def expected(p: dict[str, Array], x: Array, label: Array) -> tuple[Array, ...]:
        probability = plain.softmax(x, axis)
        rows = np.moveaxis(probability, axis, -1).reshape(-1, classes)
        flat = label.reshape(-1)
        counts = flat != fields.get("ignore_label")
        loss = -np.log(rows[np.arange(flat.size), flat])[counts].sum()
        samples = int(np.prod(shape[: axis % rank]))
        return np.array(loss / divisor(layer.normalization, flat.size, int(counts.sum()), samples)), probability

    return Case(layer, [x, label], expected, tops=("loss", "probability"))


@case
def sigmoid_cross_entropy_loss(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(1, 4)]
    x, target = d.values(*shape) * 5, d.values(*shape) * 0.5 + 0.5
    target[d.random.uniform(size=shape) < 0.3] = -1.0
    fields: dict[str, Any] = {}
    if d.choice(False, True):
        fields = {"ignore_label": -1, "normalization": d.choice("FULL", "VALID", "BATCH_SIZE", "NONE")}
    layer = SigmoidCrossEntropyLoss(**fields)

    def expected(p: dict[str, Array], x: Array, t: Array) -> Array:
        sure = 1 / (1 + np.exp(-x))
        counts = t != -1 if fields else np.full(shape, True)
        loss = (-t * np.log(sure) - (1 - t) * np.log(1 - sure))[counts].sum()
        return loss / divisor(layer.normalization, x.size, int(counts.sum()), shape[0])

    # an ignored target is a constant: its gradient would jump from 0
    return Case(layer, [x, target], expected, smooth=(0,))


@case
def euclidean_loss(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(1, 4)]
    x, t = d.values(*shape), d.values(*shape)
    return Case(EuclideanLoss(), [x, t], lambda p, x, t: ((x - t) ** 2).sum() / (2 * shape[0]))


@case
def hinge_loss(d: Draw) -> Case:
    n, c = d.int(1, 4), d.int(1, 9)
    form, norm, margin = d.choice("multiclass", "one_vs_rest"), d.choice("L1", "L2"), d.choice(1.0, 0.5)
    x, label = d.values(n, c) * 2, d.labels(c, n)

    def expected(p: dict[str, Array], x: Array, label: Array) -> Array:
        total = 0.0
        for s, y in zip(x, label, strict=True):
            for j in range(c):
                if form == "one_vs_rest":
                    term = max(0, margin - (1 if j == y else -1) * s[j])
                else:
                    term = 0 if j == y else max(0, s[j] - s[y] + margin)
                total += term if norm == "L1" else term**2
        return np.array(total / n)

    return Case(HingeLoss(form=form, norm=norm, margin=margin), [x, label], expected)


@case
def accuracy(d: Draw) -> Case:
    n, c = d.int(1, 9), d.int(1, 9)
    x = d.random.integers(0, 4, (n, c)).astype(np.float64)  # many ties
    label = d.labels(c, n)
    ties, top_k, ignore = d.choice("first", "wrong"), d.int(1, c), d.choice(None, d.int(0, c - 1))

    def expected(p: dict[str, Array], x: Array, label: Array) -> tuple[Array, ...]:
        right = np.zeros(c)
        seen = np.zeros(c)
        for s, y in zip(x, label, strict=True):
            if y == ignore:
                continue
            seen[y] += 1
            before = [j for j in range(c) if s[j] > s[y] or (s[j] == s[y] and (j < y if ties == "first" else j != y))]
            right[y] += len(before) < top_k
        return right.sum() / max(1, seen.sum()), right / np.maximum(seen, 1)

    layer = Accuracy(top_k=top_k, ties=ties, ignore_label=ignore)
    return Case(layer, [x, label], expected, tops=("accuracy", "by_class"), smooth=())
