"""IoU."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import labels
from netspec.layers.prediction import Prediction
from netspec.spec.layer import Measure, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class IoU(Prediction):
    """Intersection over union of the predicted and the labelled places, mean over the classes.

    Shapes
        scores : N x C x ..; labels : N x .. -> mean : a single number between 0 and 1; a second
        top, if named, gets the figure of each class : C.
    Formula
        For each class ``places both predicted and labelled / places predicted or labelled``; the
        prediction is the first largest score. A class that is neither predicted nor labelled has 0
        and is left out of the mean. A test adds up the places of all batches before it divides.
    Gradient
        None.
    Source
        Everingham et al. 2010 (PASCAL VOC), section 4.3; Long, Shelhamer and Darrell 2015.
    Example
        {type: IoU, bottom: [rows, label], top: [iou, by_class]}
    """

    tops: ClassVar[tuple[int, int | None]] = (1, 2)

    def shapes(self, x: Shape, label: Shape) -> tuple[Shape, ...]:
        classes = x[labels.class_axis(self.axis, x, label)]
        return ((), (classes,))[: max(1, len(self.top_names))]

    def metric(self, top: int) -> Measure | None:
        return Measure("iou", by_class=bool(top))

    def lower(self, b: Builder, x: Value, label: Value) -> tuple[Value, ...]:
        predicted, labelled = self.hot_rows(b, x, label)
        both = b.sum(predicted * labelled, 0)
        either = b.sum(predicted + labelled, 0) - both
        b.statistic("both", both)
        b.statistic("either", either)
        there = either > 0.0
        share = both / b.where(there, either, 1.0)
        mean = b.as_scalar(b.sum(share)) / b.maximum(b.as_scalar(b.sum(there)), 1.0)
        if len(self.top_names) < 2:
            return (mean,)
        return mean, b.reshape(share, (predicted.shape[1],))
