"""Rows of metrics, as in layer_cases."""

from __future__ import annotations

from collections import Counter
from math import exp, log

import layer_formulas as plain
import numpy as np
from layer_cases import case
from layer_support import Array, Case, Draw

from netspec.layers.bleu import BLEU
from netspec.layers.confusion_matrix import ConfusionMatrix
from netspec.layers.iou import IoU
from netspec.layers.mean_absolute_error import MeanAbsoluteError
from netspec.layers.perplexity import Perplexity
from netspec.layers.psnr import PSNR

IGNORED = 255


def predictions(d: Draw) -> tuple[Array, Array, int]:
    """Scores with ties, labels in which every class occurs, and some that are left out; the axis."""
    axis = d.choice(1, 2, -1)
    shape = (d.int(2, 3), d.int(3, 5), d.int(3, 5))
    classes = shape[axis]
    spots = tuple(m for k, m in enumerate(shape) if k != axis % 3)
    label = d.labels(classes, *spots)
    label.flat[:classes] = np.arange(classes)
    label.flat[classes:][d.random.uniform(size=label.size - classes) < 0.2] = IGNORED
    return d.random.integers(0, 4, shape).astype(np.float64), label, axis


def plain_confusion(x: Array, label: Array, axis: int) -> Array:
    found = np.moveaxis(x, axis, -1).reshape(label.size, -1).argmax(1)
    counts = np.zeros((x.shape[axis], x.shape[axis]))
    for guess, y in zip(found, label.ravel(), strict=True):
        if y != IGNORED:
            counts[y, guess] += 1
    return counts


@case
def confusion_matrix(d: Draw) -> Case:
    x, label, axis = predictions(d)

    def expected(p: dict[str, Array], x: Array, label: Array) -> Array:
        return plain_confusion(x, label, axis)

    return Case(ConfusionMatrix(axis=axis, ignore_label=IGNORED), [x, label], expected, smooth=())


@case
def iou(d: Draw) -> Case:
    x, label, axis = predictions(d)

    def expected(p: dict[str, Array], x: Array, label: Array) -> tuple[Array, ...]:
        counts = plain_confusion(x, label, axis)
        right = np.diag(counts)
        share = right / (counts.sum(0) + counts.sum(1) - right)
        return share.mean(), share

    return Case(IoU(axis=axis, ignore_label=IGNORED), [x, label], expected, tops=("iou", "by_class"), smooth=())


@case
def perplexity(d: Draw) -> Case:
    shape = (d.int(1, 4), d.channels(), d.int(1, 5))
    x, label = d.values(*shape) * 3, d.labels(shape[1], shape[0], shape[2])
    ignore = d.choice(None, IGNORED)
    if ignore:
        label[d.random.uniform(size=label.shape) < 0.3] = ignore

    def expected(p: dict[str, Array], x: Array, label: Array) -> Array:
        rows = np.moveaxis(plain.softmax(x, 1), 1, -1).reshape(label.size, -1)
        chosen = [q[y] for q, y in zip(rows, label.ravel(), strict=True) if y != ignore]
        return np.prod(chosen) ** (-1 / max(1, len(chosen)))

    return Case(Perplexity(ignore_label=ignore), [x, label], expected, smooth=())


@case
def psnr(d: Draw) -> Case:
    shape = d.map_shape()
    x, t = d.random.uniform(0, 200, shape), d.random.uniform(0, 200, shape)
    over = d.choice("pictures", "pixels")

    def expected(p: dict[str, Array], x: Array, t: Array) -> Array:
        squares = ((x - t) ** 2).reshape(shape[0], -1)
        errors = squares.mean(1) if over == "pictures" else squares.mean()
        return np.mean(10 * np.log10(255**2 / errors))

    return Case(PSNR(peak=255, over=over), [x, t], expected, smooth=())


@case
def mean_absolute_error(d: Draw) -> Case:
    shape = d.map_shape()[: d.int(1, 4)]
    x, t = d.values(*shape), d.values(*shape)
    return Case(MeanAbsoluteError(), [x, t], lambda p, x, t: np.mean(np.abs(x - t)), smooth=())


def plain_bleu(candidates: list[list[int]], references: list[list[list[int]]], order: int) -> float:
    """The score as Papineni et al. define it, over sentences as lists."""

    def runs(words: list[int], n: int) -> Counter[tuple[int, ...]]:
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    logs = 0.0
    for n in range(1, order + 1):
        matches = total = 0
        for words, others in zip(candidates, references, strict=True):
            found = runs(words, n)
            matches += sum(min(k, max(runs(o, n)[run] for o in others)) for run, k in found.items())
            total += sum(found.values())
        if matches == 0:
            return 0.0
        logs += log(matches / total)
    length = sum(map(len, candidates))
    nearest = [min((abs(len(o) - len(c)), len(o)) for o in os)[1] for c, os in zip(candidates, references, strict=True)]
    return min(1.0, exp(1 - sum(nearest) / length)) * exp(logs / order)


@case
def bleu(d: Draw) -> Case:
    n, axis, order = d.int(1, 3), d.choice(0, 1), d.choice(1, 2, 3)
    sizes = [d.int(2, 8) for _ in range(d.int(2, 3))]
    tables = [d.random.integers(0, 4, (n, t)).astype(np.float64) for t in sizes]
    end, pad = d.choice(None, 3), d.choice(None, -1)
    for table in tables:
        table[:, -1:][d.random.uniform(size=(n, 1)) < 0.3] = -1 if pad else 1

    def cut(row: Array) -> list[int]:
        words = [int(w) for w in row]
        ends = [k for k, w in enumerate(words) if w in (end, pad)]
        return words[: min(ends, default=len(words))]

    def expected(p: dict[str, Array], *bottoms: Array) -> Array:
        sentences = [[cut(row) for row in (x if axis else x.T)] for x in bottoms]
        references = [list(others) for others in zip(*sentences[1:], strict=True)]
        return np.array(plain_bleu(sentences[0], references, order))

    layer = BLEU(axis=axis, order=order, end_label=end, ignore_label=pad)
    return Case(layer, [t if axis else t.T.copy() for t in tables], expected, smooth=())
