"""How many values meet in one output or spread from one input of a parameter."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Filler, field

if TYPE_CHECKING:
    from netspec.spec.layer import Shape


class FanFiller(Filler):
    """Base of the fillers whose spread follows from the parameter's shape."""

    draws: ClassVar[bool] = True

    variance_norm: str = field(
        "FAN_IN",
        choices=("FAN_IN", "FAN_OUT", "AVERAGE"),
        doc="n: values into an output, out of an input, or their mean",
    )

    def fan(self, shape: Shape) -> float:
        """The n of the formula: fan_in = count / shape[0], fan_out = count / shape[1] (Caffe)."""
        count = prod(shape)
        fan_in = count / shape[0] if shape else 1.0
        fan_out = count / shape[1] if len(shape) > 1 else float(count)
        return {"FAN_IN": fan_in, "FAN_OUT": fan_out, "AVERAGE": (fan_in + fan_out) / 2}[self.variance_norm]
