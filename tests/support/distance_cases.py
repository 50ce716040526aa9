"""Rows of losses that compare values with values, as in layer_cases."""

from __future__ import annotations

from typing import Any

import numpy as np
from layer_cases import case
from layer_support import Array, Case, Draw

from netspec.layers.contrastive_loss import ContrastiveLoss
from netspec.layers.cosine_embedding_loss import CosineEmbeddingLoss
from netspec.layers.dice_loss import DiceLoss
from netspec.layers.huber_loss import HuberLoss
from netspec.layers.kl_loss import KLLoss
from netspec.layers.l1_loss import L1Loss
from netspec.layers.lpq_loss import LpqLoss
from netspec.layers.smooth_l1_loss import SmoothL1Loss
from netspec.layers.total_variation import TotalVariation
from netspec.layers.triplet_loss import TripletLoss


def pair(d: Draw, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Two arrays whose differences are as far apart, and from 0, as `Draw.values` promises."""
    t = d.random.normal(size=shape)
    return t + d.values(*shape) * 4, t


@case
def l1_loss(d: Draw) -> Case:
    n, c, h, w = d.map_shape()
    x, t = pair(d, (n, c, h, w))
    alone = d.choice(False, True)
    fields: dict[str, Any] = {"normalize_by_num_entries": d.choice(False, True), "plateau": d.choice(0.0, 0.25)}
    if d.choice(False, True):
        fields |= {"l2_per_location": True, "l2_prescale_by_channels": d.choice(False, True), "epsilon": 0.1}
        fields["plateau"] = 0.0  # a sum of squares may lie just at it
    unknown = d.random.uniform(size=x.shape) < 0.2
    if not alone:
        t[unknown] = np.nan

    def expected(p: dict[str, Array], x: Array, t: Array | None = None) -> Array:
        total = 0.0
        difference = x if t is None else x - t
        for sample in np.nan_to_num(difference):
            for place in np.moveaxis(sample, 0, -1).reshape(-1, c):
                if not fields.get("l2_per_location"):
                    total += sum(abs(v) for v in place if abs(v) >= fields["plateau"])
                else:
                    total += np.sqrt((place**2).sum() / (c if fields["l2_prescale_by_channels"] else 1) + 0.1)
        places = (~np.isnan(difference)).sum() / c
        return np.array(total / (max(1, places) if fields["normalize_by_num_entries"] else n))

    return Case(L1Loss(**fields), [x] if alone else [x, t], expected, smooth=(0,))


@case
def lpq_loss(d: Draw) -> Case:
    n, c, h, w = d.map_shape()
    x, t = pair(d, (n, c, h, w))
    p, q = d.choice(1.0, 1.5, 2.0), d.choice(0.5, 0.4, 1.0)
    scale, entries, epsilon = d.choice(False, True), d.choice(False, True), d.choice(0.0, 0.05)
    t[d.random.uniform(size=x.shape) < 0.2] = np.nan
    layer = LpqLoss(p=(p,), q=(q,), p_epsilon=epsilon, l2_prescale_by_channels=scale, normalize_by_num_entries=entries)

    def expected(_: dict[str, Array], x: Array, t: Array) -> Array:
        inner = ((np.abs(np.nan_to_num(x - t)) + epsilon) ** p).sum(1) / (c if scale else 1)
        places = (~np.isnan(t)).sum() / c
        return ((inner + 1e-2) ** q).sum() / (max(1, places) if entries else n)

    return Case(layer, [x, t], expected, smooth=(0,))


@case
def smooth_l1_loss(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(1, 4)]
    x, t = pair(d, shape)
    sigma, weighted = d.choice(1.0, 3.0, 0.8), d.choice(False, True)
    inside, outside = d.choice(0.0, 0.5, 1.0) * np.ones(shape), d.random.uniform(0.5, 1.5, shape)

    def expected(p: dict[str, Array], x: Array, t: Array, inside: Any = 1.0, outside: Any = 1.0) -> Array:
        size = np.abs(inside * (x - t))
        term = np.where(size < 1 / sigma**2, (sigma * size) ** 2 / 2, size - 0.5 / sigma**2)
        return (outside * term).sum() / shape[0]

    # where the inside weight is 0 the difference is at a kink of nothing: its slope is 0 on both sides
    return Case(SmoothL1Loss(sigma=sigma), [x, t, inside, outside] if weighted else [x, t], expected)


@case
def huber_loss(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(1, 4)]
    x, t = pair(d, shape)
    delta = d.choice(1.0, 0.3, 5.0)

    def expected(p: dict[str, Array], x: Array, t: Array) -> Array:
        # the integral of the gradient, which is the difference cut at delta
        cut = np.clip(x - t, -delta, delta)
        return (cut * (x - t) - cut**2 / 2).sum() / shape[0]

    return Case(HuberLoss(delta=delta), [x, t], expected)


@case
def contrastive_loss(d: Draw) -> Case:
    n, c = d.int(1, 5), d.channels()
    a, other = pair(d, (n, c))
    margin, legacy = d.choice(1.0, 4.0), d.choice(False, True)

    def expected(p: dict[str, Array], a: Array, other: Array, same: Array) -> Array:
        total = 0.0
        for x, y, s in zip(a, other, same, strict=True):
            distance = np.linalg.norm(x - y)
            apart = max(margin - distance**2, 0) if legacy else max(margin - distance, 0) ** 2
            total += distance**2 if s else apart
        return np.array(total / (2 * n))

    return Case(ContrastiveLoss(margin=margin, legacy_version=legacy), [a, other, d.labels(2, n)], expected)


@case
def triplet_loss(d: Draw) -> Case:
    n, c = d.int(1, 5), d.channels()
    anchor, positive = pair(d, (n, c))
    negative = d.random.normal(size=(n, c))
    margin, squared = d.choice(0.2, 1.0), d.choice(False, True)

    def expected(p: dict[str, Array], anchor: Array, positive: Array, negative: Array) -> Array:
        power = 2 if squared else 1
        near, far = (np.linalg.norm(anchor - other, axis=1) ** power for other in (positive, negative))
        return np.maximum(near - far + margin, 0).sum() / n

    return Case(TripletLoss(margin=margin, squared=squared), [anchor, positive, negative], expected)


@case
def cosine_embedding_loss(d: Draw) -> Case:
    n, c = d.int(1, 5), d.channels()
    a, other = d.random.normal(size=(n, c)), d.random.normal(size=(n, c))
    margin = d.choice(0.01, -0.5, 0.3)

    def expected(p: dict[str, Array], a: Array, other: Array, same: Array) -> Array:
        cosine = np.array([x @ y / np.sqrt((x @ x) * (y @ y)) for x, y in zip(a, other, strict=True)])
        return np.where(same == 1, 1 - cosine, np.maximum(0, cosine - margin)).sum() / n

    return Case(CosineEmbeddingLoss(margin=margin), [a, other, d.labels(2, n)], expected)


@case
def dice_loss(d: Draw) -> Case:
    shape = d.map_shape()
    axis, squared, smooth = d.choice(0, 1, 2, -1), d.choice(False, True), d.choice(0.5, 1.0)
    p, t = d.random.uniform(0.1, 1, shape), d.random.uniform(0.1, 1, shape)

    def expected(_: dict[str, Array], p: Array, t: Array) -> Array:
        over = tuple(range(axis % 4, 4))
        sizes = (p**2 + t**2 if squared else p + t).sum(over)
        return np.array(1 - ((2 * (p * t).sum(over) + smooth) / (sizes + smooth)).mean())

    return Case(DiceLoss(axis=axis, squared=squared, smooth=smooth), [p, t], expected)


@case
def kl_loss(d: Draw) -> Case:
    shape, axis = d.map_shape(), d.choice(1, -1, 2)
    kind = d.choice("scores", "probabilities", "logs")
    t = d.random.uniform(0.2, 1, shape) * (d.random.uniform(size=shape) < 0.8)
    x = d.values(*shape) * 3 if kind != "probabilities" else d.random.uniform(0.1, 1, shape)

    def expected(p: dict[str, Array], x: Array, t: Array) -> Array:
        q = x if kind == "probabilities" else np.exp(x)
        if kind == "scores":
            q = q / q.sum(axis, keepdims=True)
        there = t > 0
        return (t[there] * np.log(t[there] / q[there])).sum() / (t.size / t.shape[axis])

    # where the target is 0 the derivative for it is -inf, taken as 0
    return Case(KLLoss(input=kind, axis=axis), [x, t], expected, smooth=(0,))


@case
def total_variation(d: Draw) -> Case:
    shape = d.map_shape()
    beta, form = d.choice(1.0, 1.5, 2.0, 3.0), d.choice("isotropic", "anisotropic")

    def expected(p: dict[str, Array], x: Array) -> Array:
        total = 0.0
        for plane in x.reshape(-1, *shape[2:]):
            for i in range(shape[2]):
                for j in range(shape[3]):
                    down = plane[i + 1, j] - plane[i, j] if i + 1 < shape[2] else 0.0
                    right = plane[i, j + 1] - plane[i, j] if j + 1 < shape[3] else 0.0
                    if form == "isotropic":
                        total += (down**2 + right**2) ** (beta / 2)
                    else:
                        total += abs(down) ** beta + abs(right) ** beta
        return np.array(total / shape[0])

    return Case(TotalVariation(beta=beta, form=form), [d.values(*shape) * 4], expected)
