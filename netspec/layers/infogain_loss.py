"""InfogainLoss."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt, log, prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, labels
from netspec.spec.layer import Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

CEILING = -log(labels.SMALLEST)
"""Where Caffe's logarithm stops."""


@layer
class InfogainLoss(labels.Classified, labels.Normalised):
    """Cross-entropy of the softmax of scores in which each confusion has its weight.

    Shapes
        scores : N x C x ..; labels : N x .. (whole numbers from 0 to C - 1); H, unless ``matrix``
        has it : C x C -> loss : a single number; a second top, if named, gets the probabilities.
    Formula
        p = softmax of the scores; ``-sum over k of H[label, k] log p[k]`` at each place, each
        -log p no more than 46.05 (Caffe's log of 1e-20), summed over the places that count
        and divided as ``normalization`` says. With H = 1 on the diagonal, 0 elsewhere: SoftmaxWithLoss.
    Gradient
        ``p sum over k of H[label, k] - H[label]``, beyond the ceiling too.
    Source
        Caffe ``InfogainLossLayer``; its ``source``, a file with H, is ``matrix`` or a third bottom here.
    Example
        - {name: scores, type: InnerProduct, num_output: 2}
        - {name: loss, type: InfogainLoss, bottom: [scores, label], matrix: [1, 0.1, 0.1, 5]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 3)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)
    is_loss: ClassVar[bool] = True

    matrix: tuple[float, ...] = field((), doc="H row by row, C x C numbers; or the third bottom is H")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.matrix and isqrt(len(self.matrix)) ** 2 != len(self.matrix):
            yield Problem("E512", "matrix", f"matrix has {len(self.matrix)} numbers, which is no square", "give C x C")

    def shapes(self, x: Shape, label: Shape, matrix: Shape | None = None) -> tuple[Shape, ...]:
        classes = x[labels.class_axis(self.axis, x, label)]
        if bool(self.matrix) == (matrix is not None):
            hint = "drop matrix, or the third bottom" if self.matrix else "matrix: C x C numbers, row by row"
            raise ShapeError("E522", "H is `matrix` or the third bottom: give one of them", hint, "matrix")
        count = len(self.matrix) if matrix is None else prod(matrix)
        if count != classes**2:
            message = f"H has {count} numbers, {classes} classes need {classes**2}"
            raise ShapeError("E415", message, f"{classes} rows of {classes} numbers", "matrix")
        return ((), x)[: max(1, len(self.top_names))]

    def lower(self, b: Builder, x: Value, label: Value, matrix: Value | None = None) -> tuple[Value, ...]:
        axis = axes.canonical(self.axis, x.rank)
        classes = x.shape[axis]
        log_p = x - b.logsumexp(x, axis)
        rows = labels.places(b, log_p, axis)
        weights = b.literal([float(w) for w in self.matrix]) if matrix is None else matrix
        h = b.reshape(weights, (classes, classes))
        column = b.reshape(label, (rows.shape[0], 1))
        chosen = b.matmul(b.to_float(b.equal(b.index(rows.shape, 1), column)), h)
        mask = labels.counted(b, column, self.ignore_label)
        # f + (l - l): the figure is cut, the gradient is that of l
        term = b.stop_gradient(b.minimum(-rows, CEILING)) - (rows - b.stop_gradient(rows))
        loss = b.sum(chosen * term, 1)
        divisor = self.divisor(b, mask, rows.shape[0], prod(x.shape[:axis]))
        made = (labels.total(b, loss, mask, divisor),)
        return made if len(self.top_names) < 2 else (*made, b.exp(log_p))
