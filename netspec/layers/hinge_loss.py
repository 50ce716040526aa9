"""HingeLoss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances, labels
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class HingeLoss(Layer):
    """Margin loss of a support vector machine.

    Shapes
        scores : N x C (further axes are flattened into C); labels : N -> loss : a single number.
    Formula
        ``form: multiclass``: ``sum over j != y of max(0, s_j - s_y + margin)``;
        ``form: one_vs_rest`` (Caffe's): ``sum over j of max(0, margin - t_j s_j)``, t_y = 1,
        all other t_j = -1. ``norm: L2`` squares each term. Divided by N.
    Gradient
        0 for a term that is exactly at its kink.
    Source
        Weston and Watkins 1999; Caffe ``HingeLossLayer``.
    Example
        - {name: scores, type: InnerProduct, num_output: 4}
        - {name: loss, type: HingeLoss, bottom: [scores, label]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    label_bottoms: ClassVar[tuple[int, ...]] = (1,)
    is_loss: ClassVar[bool] = True

    norm: str = field("L1", choices=("L1", "L2"), doc="take each term as it is, or squared")
    form: str = field(
        "multiclass", choices=("multiclass", "one_vs_rest"), doc="against the label's score, or each by its sign"
    )
    margin: float = field(1.0, above=0, doc="by how much the right score should win")

    def shapes(self, x: Shape, label: Shape) -> Shape:
        labels.check_order(x, label)
        labels.check_labels(axes.rows(axes.channelled("HingeLoss", x)), label, 1)
        return ()

    def label_range(self, x: Shape, label: Shape) -> tuple[int, int | None]:
        return axes.rows(x)[1], None

    def lower(self, b: Builder, x: Value, label: Value) -> Value:
        rows = distances.flat(b, x)
        column = labels.label_column(b, rows, label, 1)
        hit = b.equal(b.index(rows.shape, 1), column)
        if self.form == "multiclass":
            lead = rows - b.sum(b.where(hit, rows, 0.0), 1) + self.margin
            # 0 first: at the kink the gradient goes to it
            term = b.where(hit, 0.0, b.maximum(0.0, lead))
        else:
            term = b.maximum(0.0, self.margin - b.where(hit, rows, -rows))
        if self.norm == "L2":
            term = term * term
        return distances.mean_over_samples(b, term, distances.samples(x))
