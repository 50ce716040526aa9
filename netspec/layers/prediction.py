"""What scores predict: the class of the largest one, and how that meets the label."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, indices, labels

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class Prediction(labels.Classified):
    """Base of the metrics that compare the class with the largest score with the label."""

    is_metric: ClassVar[bool] = True

    def hot_rows(self, b: Builder, x: Value, label: Value) -> tuple[Value, Value]:
        """Two places x C of 0 and 1: what is predicted (the first of equal scores), what is labelled.

        A place that does not count has no 1 in either; one with a score that is
        NaN has none in the first.
        """
        axis = axes.canonical(self.axis, x.rank)
        rows = labels.places(b, x, axis)
        column = b.reshape(label, (rows.shape[0], 1))
        index = b.index(rows.shape, 1)
        mask = labels.counted(b, column, self.ignore_label)
        _, predicted = indices.first_largest(b, rows, 1)
        labelled = b.equal(index, column)
        if mask is not None:
            predicted, labelled = b.both(predicted, mask), b.both(labelled, mask)
        return b.to_float(predicted), b.to_float(labelled)
