"""ConfusionMatrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.layers import labels
from netspec.layers.prediction import Prediction
from netspec.spec.layer import Measure, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class ConfusionMatrix(Prediction):
    """How many places of each class are taken for which.

    Shapes
        scores : N x C x ..; labels : N x .. -> counts : C x C, a row for each label, a column
        for each prediction.
    Formula
        ``counts[i, j]`` = places with label i whose first largest score is that of class j. A test
        adds up its batches. Exact up to 16 million places a batch; a score that is NaN predicts nothing.
    Gradient
        None.
    Source
        Townsend 1971; rows and columns as in scikit-learn.
    Example
        {type: ConfusionMatrix, bottom: [rows, label]}
    """

    def shapes(self, x: Shape, label: Shape) -> Shape:
        classes = x[labels.class_axis(self.axis, x, label)]
        return classes, classes

    def metric(self, top: int) -> Measure | None:
        return Measure("count", of="counts")

    def lower(self, b: Builder, x: Value, label: Value) -> Value:
        predicted, labelled = self.hot_rows(b, x, label)
        counts = b.matmul(labelled, predicted, transpose_a=True)
        b.statistic("counts", counts)
        return counts
