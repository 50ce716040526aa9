"""Gradient."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Shape, ShapeError, layer
from runtime.errors import UsageError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Gradient(Layer):
    """The slope of one blob in another, ``g = d loss / d x``, as a blob that other layers read.

    With it an attack (FGSM), a saliency map or a gradient penalty is an ordinary net, in training and
    in test alike.

    Shapes
        loss : a single number; x : any -> g : as x.
    Formula
        Reverse mode from ``loss`` back to ``x``; the sample-wise slopes of a loss that is a mean
        over N samples are N times smaller than those of one sample's loss.
    Gradient
        That of the backward steps themselves, where every layer between x and loss has a second
        derivative.
    Source
        Simonyan et al. 2013 (saliency); Goodfellow et al. 2015 (FGSM).
    Example
        inputs: {x: [4], y: [3]}
        layers:
          - {name: fit, type: InnerProduct, bottom: x, num_output: 3}
          - {name: loss, type: EuclideanLoss, bottom: [fit, y]}
          - {name: slope, type: Gradient, bottom: [loss, x]}
          - {name: penalty, type: Reduction, bottom: slope, operation: SUMSQ, loss_weight: 0.1}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)

    def shapes(self, loss: Shape, x: Shape) -> Shape:
        if prod(loss) != 1:
            message = f"the first bottom must be a single number, a loss: got {axes.times(loss)}"
            raise ShapeError("E415", message, "bottom: [LOSS, x]; a Reduction makes a number of any blob")
        return x

    def lower(self, b: Builder, loss: Value, x: Value) -> Value:
        try:
            found = b.slope(loss, x)
        except NotImplementedError as error:
            raise UsageError(f"{b.layer}: {error}") from None
        if found is None:
            raise UsageError(f"{b.layer}: {loss.name} does not depend on {x.name} by a way that carries a gradient")
        return found
