"""KLLoss."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, labels
from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer(aliases=("KLDivergenceLoss", "KLDivLoss"))
class KLLoss(Layer):
    """Kullback-Leibler divergence from a predicted to a target distribution.

    Shapes
        x : N x C x ..; t : as many, probabilities along ``axis`` -> loss : a single number.
    Formula
        ``sum over k of t_k (log t_k - log q_k)`` at each place, 0 where t_k is 0, summed and divided
        by the places (N without further axes). q is softmax(x) (``input: scores``), x itself, no
        less than 1e-20 (``input: probabilities``), or exp(x) (``input: logs``).
    Gradient
        For the scores ``q sum t - t``; for t ``log t + 1 - log q``, 0 where t is 0.
    Source
        Kullback and Leibler 1951; on scores the loss of a distilled net (Hinton, Vinyals and Dean 2015).
    Example
        - {name: student, type: InnerProduct, num_output: 4}
        - {name: teacher, type: InnerProduct, num_output: 4, bottom: x}
        - {name: p, type: Softmax}
        - {name: loss, type: KLLoss, bottom: [student, p]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_loss: ClassVar[bool] = True

    input: str = field("scores", choices=("scores", "probabilities", "logs"), doc="what the first bottom holds")
    axis: int = field(1, doc="the axis of the classes")

    def shapes(self, x: Shape, target: Shape) -> Shape:
        axes.canonical(self.axis, len(x))
        axes.same_count(x, target, "targets")
        return ()

    def lower(self, b: Builder, x: Value, target: Value) -> Value:
        axis = axes.canonical(self.axis, x.rank)
        t = b.reshape(b.to_float(target), x.shape)
        zero = b.equal(t, 0.0)
        if self.input == "scores":
            log_q = x - b.logsumexp(x, axis)
        else:
            log_q = labels.safe_log(b, x) if self.input == "probabilities" else x
        term = b.where(zero, 0.0, t * (b.log(b.where(zero, 1.0, t)) - log_q))
        return b.as_scalar(b.sum(term)) * (1.0 / max(1, prod(labels.column_shape(x.shape, axis))))
