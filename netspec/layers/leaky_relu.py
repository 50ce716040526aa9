"""LeakyReLU."""

from __future__ import annotations

from netspec.layers.relu import ReLU
from netspec.spec.layer import field, layer


@layer
class LeakyReLU(ReLU):
    """Rectified linear unit that leaks, ``y = x if x > 0 else negative_slope x``.

    Shapes
        x : any -> y : same.
    Gradient
        At x = 0 the slope's side is taken, as in ReLU.
    Source
        Maas, Hannun and Ng 2013; ReLU with another default.
    Example
        {type: LeakyReLU}
    """

    negative_slope: float = field(0.01, doc="factor for x <= 0")
