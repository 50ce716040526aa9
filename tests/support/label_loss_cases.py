"""Rows of losses over class labels beside SoftmaxWithLoss, as in layer_cases."""

from __future__ import annotations

from typing import Any

import layer_formulas as plain
import numpy as np
from layer_cases import case
from layer_support import Array, Case, Draw

from netspec.layers.focal_loss import FocalLoss
from netspec.layers.infogain_loss import InfogainLoss
from netspec.layers.multinomial_logistic_loss import MultinomialLogisticLoss
from netspec.layers.sigmoid_focal_loss import SigmoidFocalLoss
from netspec.layers.softmax_with_loss import SoftmaxWithLoss


class Scores:
    """Scores over classes along some axis, labels, and how they are normalised; then what each place loses."""

    def __init__(self, d: Draw):
        n, c, h, w = d.map_shape()
        rank, self.axis = d.choice((2, 1), (4, 1), (4, 3), (3, -1))
        self.shape = (n, c, h, w)[:rank]
        self.classes = self.shape[self.axis]
        self.x = d.values(*self.shape) * 4
        places = tuple(m for k, m in enumerate(self.shape) if k != self.axis % rank)
        self.labels = d.labels(self.classes, *places)
        how = d.choice("FULL", "VALID", "BATCH_SIZE", "NONE")
        self.fields: dict[str, Any] = {"axis": self.axis, "normalization": how}
        if d.choice(False, True):
            self.fields["ignore_label"] = d.int(0, self.classes - 1)

    def rows(self, x: Array) -> Array:
        return np.moveaxis(x, self.axis, -1).reshape(-1, self.classes)

    def total(self, losses: list[float]) -> Array:
        flat = self.labels.reshape(-1)
        counts = flat != self.fields.get("ignore_label")
        samples = int(np.prod(self.shape[: self.axis % len(self.shape)]))
        divisors = {"FULL": flat.size, "VALID": counts.sum(), "BATCH_SIZE": samples, "NONE": 1}
        return np.array(np.array(losses)[counts].sum() / max(1, divisors[self.fields["normalization"]]))


@case
def weighted_softmax_with_loss(d: Draw) -> Case:
    s = Scores(d)
    smoothing = d.choice(0.0, 0.1, 0.5)
    weights = d.choice((), tuple(d.random.uniform(0, 2, s.classes)))

    def expected(p: dict[str, Array], x: Array, label: Array) -> Array:
        losses = []
        for q, y in zip(s.rows(plain.softmax(x, s.axis)), label.reshape(-1), strict=True):
            target = np.full(s.classes, smoothing / s.classes) + (1 - smoothing) * np.eye(s.classes)[y]
            losses.append(-(target * np.log(q)).sum() * (weights[y] if weights else 1))
        return s.total(losses)

    layer = SoftmaxWithLoss(label_smoothing=smoothing, class_weights=weights, **s.fields)
    return Case(layer, [s.x, s.labels], expected)


@case
def multinomial_logistic_loss(d: Draw) -> Case:
    s = Scores(d)

    def expected(p: dict[str, Array], x: Array, label: Array) -> Array:
        return s.total([-np.log(q[y]) for q, y in zip(s.rows(x), label.reshape(-1), strict=True)])

    return Case(MultinomialLogisticLoss(**s.fields), [d.random.uniform(0.05, 1, s.shape), s.labels], expected)


@case
def infogain_loss(d: Draw) -> Case:
    s = Scores(d)
    h = d.random.uniform(0, 1, (s.classes, s.classes))
    inside = d.choice(False, True)

    def expected(p: dict[str, Array], x: Array, label: Array, _: Any = None) -> tuple[Array, ...]:
        q = plain.softmax(x, s.axis)
        losses = [-(h[y] * np.log(row)).sum() for row, y in zip(s.rows(q), label.reshape(-1), strict=True)]
        return s.total(losses), q

    layer = InfogainLoss(matrix=tuple(h.ravel()) if inside else (), **s.fields)
    bottoms = [s.x, s.labels] if inside else [s.x, s.labels, h]
    return Case(layer, bottoms, expected, tops=("loss", "probability"))


@case
def focal_loss(d: Draw) -> Case:
    s = Scores(d)
    gamma = d.choice(0.0, 0.5, 2.0)
    weights = d.choice((), tuple(d.random.uniform(0, 2, s.classes)))

    def expected(p: dict[str, Array], x: Array, label: Array) -> Array:
        found = [row[y] for row, y in zip(s.rows(plain.softmax(x, s.axis)), label.reshape(-1), strict=True)]
        factor = [weights[y] if weights else 1 for y in label.reshape(-1)]
        return s.total([-f * (1 - q) ** gamma * np.log(q) for f, q in zip(factor, found, strict=True)])

    return Case(FocalLoss(gamma=gamma, class_weights=weights, **s.fields), [s.x, s.labels], expected)


@case
def sigmoid_focal_loss(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(1, 4)]
    x, target = d.values(*shape) * 5, d.random.integers(0, 2, shape).astype(np.float64)
    gamma, alpha = d.choice(0.0, 0.5, 2.0), d.choice(0.25, 0.5, 1.0)
    fields: dict[str, Any] = {}
    if d.choice(False, True):
        target[d.random.uniform(size=shape) < 0.3] = -1
        fields = {"ignore_label": -1, "normalization": "VALID"}

    def expected(p: dict[str, Array], x: Array, t: Array) -> Array:
        total = 0.0
        for score, wanted in zip(x.ravel(), t.ravel(), strict=True):
            sure = 1 / (1 + np.exp(-score))
            q, weight = (sure, alpha) if wanted == 1 else (1 - sure, 1 - alpha)
            total += 0 if wanted == -1 else -weight * (1 - q) ** gamma * np.log(q)
        return np.array(total / (max(1, (t != -1).sum()) if fields else shape[0]))

    return Case(SigmoidFocalLoss(gamma=gamma, alpha=alpha, **fields), [x, target], expected, smooth=(0,))
