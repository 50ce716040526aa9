"""PSNR."""

from __future__ import annotations

from math import log, log10, prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances
from netspec.spec.layer import Layer, Measure, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

DECIBEL = 10.0 / log(10.0)
"""Natural logarithms of a ratio of powers to decibels."""


@layer
class PSNR(Layer):
    """Peak signal-to-noise ratio of pictures, in decibels.

    Shapes
        x : N x ..; t : as many -> a single number.
    Formula
        ``10 log10(peak^2 / mean of (x - t)^2)`` of each picture, the mean over the pictures; with
        ``over: pixels`` the mean of the squares is taken over all pictures (of all batches, in a
        test) before the logarithm. A picture without an error has an infinite one.
    Gradient
        None.
    Source
        Huynh-Thu and Ghanbari 2008.
    Example
        {type: PSNR, bottom: [x, y], peak: 255}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    is_metric: ClassVar[bool] = True

    peak: float = field(1.0, above=0, doc="the largest value that a pixel can have: 1, or 255")
    over: str = field("pictures", choices=("pictures", "pixels"), doc="each picture has its own, or all have one")

    def shapes(self, x: Shape, target: Shape) -> Shape:
        axes.same_count(x, target, "targets")
        return ()

    def metric(self, top: int) -> Measure | None:
        return Measure("psnr", peak=self.peak) if self.over == "pixels" else None

    def lower(self, b: Builder, x: Value, target: Value) -> Value:
        n = distances.samples(x)
        rows = (n, prod(x.shape) // n)
        d = b.reshape(x, rows) - b.reshape(b.to_float(target), rows)
        squares = b.sum(d * d, 1)
        values = float(max(1, rows[1]))
        if self.over == "pixels":
            squares, values = b.sum(squares), values * n
            b.statistic("squares", b.as_scalar(squares))
            b.statistic("values", b.full((), values))
        decibels = -DECIBEL * b.log(squares * (1.0 / values)) + 20.0 * log10(self.peak)
        return b.as_scalar(b.mean(decibels))
