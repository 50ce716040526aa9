"""Accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import labels
from netspec.spec.layer import Measure, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Accuracy(labels.Classified):
    """Share of the samples whose label is among the ``top_k`` largest scores.

    Shapes
        scores : N x C x ..; labels : N x .. -> accuracy : a single number between 0 and 1;
        a second top, if named, gets the share for each class : C (0 for one without samples).
    Formula
        A sample is right if fewer than ``top_k`` classes rank before its label. Of equal
        scores the first wins (``ties: first``), or all others rank before the label
        (``ties: wrong``, Caffe: constant scores are never right). NaN ranks before every
        number and is never right itself.
    Gradient
        None.
    Source
        Caffe ``AccuracyLayer``.
    Example
        - {name: scores, type: InnerProduct, num_output: 4}
        - {name: accuracy, type: Accuracy, bottom: [scores, label], top_k: 2}
    """

    tops: ClassVar[tuple[int, int | None]] = (1, 2)
    is_metric: ClassVar[bool] = True

    top_k: int = field(1, minimum=1, doc="how many of the largest scores may hold the label")
    ties: str = field(
        "first", choices=("first", "wrong"), doc="of equal scores the first wins, or the label never does"
    )

    def shapes(self, x: Shape, label: Shape) -> tuple[Shape, ...]:
        axis = labels.class_axis(self.axis, x, label)
        if self.top_k > x[axis]:
            hint = f"top_k: {max(1, min(5, x[axis] - 1))}"
            raise ShapeError("E421", f"top_k {self.top_k} of {x[axis]} classes is always right", hint, "top_k")
        return ((), (x[axis],))[: max(1, len(self.top_names))]

    def metric(self, top: int) -> Measure | None:
        if top:
            return Measure("ratio", part="rights", whole="labelled")
        return None if self.ignore_label is None else Measure("mean", weight="counted")

    def lower(self, b: Builder, x: Value, label: Value) -> tuple[Value, ...]:
        axis, column, mask = self.aligned(b, x, label)
        index = b.index(x.shape, axis)
        hit = b.equal(index, column)
        score = b.sum(b.where(hit, x, 0.0), axis)
        # classes that rank behind the label, and the label itself: false for NaN on either side
        tied = b.both(b.equal(x, score), index >= column if self.ties == "first" else hit)
        ahead = b.sum(b.invert(b.either(x < score, tied)), axis)
        right = ahead < self.top_k
        counts = b.full(column.shape, 1.0) if mask is None else b.to_float(mask)
        right = right if mask is None else b.both(right, mask)
        places = b.as_scalar(b.sum(counts)) if mask is None else labels.count_places(b, mask)
        made = (b.as_scalar(b.sum(right)) / b.maximum(places, 1.0),)
        if len(self.top_names) < 2:
            return made
        others = [k for k in range(x.rank) if k != axis]
        rights, samples = (
            b.reshape(b.sum(b.where(hit, v, 0.0), others), (x.shape[axis],)) for v in (b.to_float(right), counts)
        )
        b.statistic("rights", rights)
        b.statistic("labelled", samples)
        return *made, rights / b.maximum(samples, 1.0)
