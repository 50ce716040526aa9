"""Perplexity."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, labels
from netspec.spec.layer import Layer, Measure, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Perplexity(Layer):
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

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    label_bottoms: ClassVar[tuple[int, ...]] = (1,)
    is_metric: ClassVar[bool] = True

    axis: int = field(1, doc="the axis of the classes")
    ignore_label: int | None = field(None, doc="label of the places that do not count")

    def shapes(self, x: Shape, label: Shape) -> Shape:
        labels.class_axis(self.axis, x, label)
        return ()

    def label_range(self, x: Shape, label: Shape) -> tuple[int, int | None]:
        return x[axes.canonical(self.axis, len(x))], self.ignore_label

    def metric(self, top: int) -> Measure | None:
        return Measure("perplexity", entropy="entropy", places="counted")

    def lower(self, b: Builder, x: Value, label: Value) -> Value:
        axis = axes.canonical(self.axis, x.rank)
        column = labels.label_column(b, x, label, axis)
        mask = labels.counted(b, column, self.ignore_label)
        entropy = labels.total(b, b.logsumexp(x, axis) - labels.picked(b, x, column, axis), mask, 1.0)
        b.statistic("entropy", entropy)
        places = labels.count_places(b, b.full(column.shape, 1.0) if mask is None else mask)
        return b.exp(entropy / b.maximum(places, 1.0))
