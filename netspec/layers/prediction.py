"""What scores predict: the class of the largest one, and how that meets the label."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, labels
from netspec.spec.layer import Layer, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


class Prediction(Layer):
    """Base of the metrics that compare the class with the largest score with the label."""

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    label_bottoms: ClassVar[tuple[int, ...]] = (1,)
    is_metric: ClassVar[bool] = True

    axis: int = field(1, doc="the axis of the classes")
    ignore_label: int | None = field(None, doc="label of the places that do not count")

    def label_range(self, x: Shape, label: Shape) -> tuple[int, int | None]:
        """Return the classes, and the label that is left out."""
        return x[axes.canonical(self.axis, len(x))], self.ignore_label

    def hot_rows(self, b: Builder, x: Value, label: Value) -> tuple[Value, Value]:
        """Two places x C of 0 and 1: what is predicted (the first of equal scores), what is labelled.

        A place that does not count has no 1 in either; one with a score that is
        NaN has none in the first.
        """
        axis = axes.canonical(self.axis, x.rank)
        others = [k for k in range(x.rank) if k != axis]
        places, classes = prod(x.shape[k] for k in others), x.shape[axis]
        rows = b.reshape(b.transpose(x, [*others, axis]), (places, classes))
        column = b.reshape(label, (places, 1))
        index = b.index(rows.shape, 1)
        mask = labels.counted(b, column, self.ignore_label)
        behind = b.where(b.equal(rows, b.max(rows, 1)), -b.to_float(index), -float(classes))
        first = -b.max(behind, 1)
        predicted, labelled = b.equal(b.to_float(index), first), b.equal(index, column)
        if mask is not None:
            predicted, labelled = b.both(predicted, mask), b.both(labelled, mask)
        return b.to_float(predicted), b.to_float(labelled)
