"""Perplexity."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import labels
from netspec.spec.layer import Measure, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Perplexity(labels.Classified):
    """Among how many words, all equally likely, a model of language is as unsure: exp of the mean cross-entropy.

    Shapes
        scores : N x C x ..; labels : N x .. (whole numbers from 0 to C - 1) -> a single number, 1 at least.
    Formula
        ``exp(mean of logsumexp(x) - x[label])`` over the places whose label is not
        ``ignore_label``; a test takes the mean over the places of all batches before the exponential.
    Gradient
        None.
    Source
        Jelinek et al. 1977.
    Example
        {type: Perplexity, bottom: [rows, label]}
    """

    is_metric: ClassVar[bool] = True

    def shapes(self, x: Shape, label: Shape) -> Shape:
        labels.class_axis(self.axis, x, label)
        return ()

    def metric(self, top: int) -> Measure | None:
        return Measure("perplexity", entropy="entropy", places="counted")

    def lower(self, b: Builder, x: Value, label: Value) -> Value:
        axis, column, mask = self.aligned(b, x, label)
        entropy = labels.total(b, labels.entropy(b, x, column, axis), mask, 1.0)
        b.statistic("entropy", entropy)
        places = labels.count_places(b, b.full(column.shape, 1.0) if mask is None else mask)
        return b.exp(entropy / b.maximum(places, 1.0))
