"""What Convolution, Deconvolution and InnerProduct have in common: weights and a bias."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Self

from netspec.fillers.constant import Constant
from netspec.fillers.msra import Msra
from netspec.fillers.xavier import Xavier
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Problem, Shape, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class Weighted(Layer):
    """Base of the layers with ``<layer>.weight`` and ``<layer>.bias``."""

    num_output: int = field(minimum=1, doc="outputs, K")
    bias_term: bool = field(True, doc="add a learned bias to each output")
    weight_filler: Filler | None = field(None, doc="start of the weights; default: msra before a ReLU, else xavier")
    bias_filler: Filler | None = field(None, doc="start of the bias; default: 0")

    def with_defaults(self, consumer_is_relu_like: bool) -> Self:
        """Return the layer with a filler for its weights: msra before a ReLU-like layer, else xavier."""
        if self.weight_filler is not None:
            return self
        chosen = copy.copy(self)
        chosen.weight_filler = Msra(variance_norm="FAN_IN") if consumer_is_relu_like else Xavier(variance_norm="FAN_IN")
        return chosen

    def problems(self) -> Iterator[Problem]:
        """Yield a warning for weights that start at 0, and a bias filler without a bias."""
        yield from super().problems()
        if isinstance(self.weight_filler, Constant) and self.weight_filler.value == 0:
            yield Problem(
                "W123",
                "weight_filler",
                "the weights start at 0: all outputs stay alike and nothing before them learns",
                "weight_filler: xavier",
                "warning",
            )
        if self.bias_filler is not None and not self.bias_term:
            yield Problem("W125", "bias_filler", "bias_filler has no effect: bias_term is false", "drop it", "warning")

    def weight_shape(self, x: Shape) -> Shape:
        """Return the shape of the weights over a (first) bottom of shape ``x``."""
        raise NotImplementedError(type(self).__name__)

    def param_shapes(self, *bottoms: Shape) -> dict[str, Shape]:
        """Return the shapes of ``weight`` and, with ``bias_term``, of ``bias``: K."""
        weight = {"weight": self.weight_shape(bottoms[0])}
        return {**weight, "bias": (self.num_output,)} if self.bias_term else weight

    def check_filler(self, *bottoms: Shape) -> None:
        """Raise ShapeError if the fillers cannot fill the parameters over bottoms of these shapes."""
        axes.check_fillers(self.weight_filler, self.bias_filler, self.param_shapes(*bottoms))

    def learn(self, b: Builder, shapes: Mapping[str, Shape]) -> dict[str, Value]:
        """Make parameters of these shapes: biases are those whose names begin so."""
        weights = self.weight_filler or Xavier(variance_norm="FAN_IN")
        biases = self.bias_filler or Constant(value=0.0)
        return {
            name: b.param(name, shape, biases if name.startswith("bias") else weights) for name, shape in shapes.items()
        }

    def learned(self, b: Builder, x: Value) -> tuple[Value, Value | None]:
        """Make the parameters: the weights, and the bias or None."""
        made = self.learn(b, self.param_shapes(x.shape))
        return made["weight"], made.get("bias")
