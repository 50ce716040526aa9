"""The weights of bilinear interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.spec.layer import Filler, filler

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


@filler(name="bilinear")
class Bilinear(Filler):
    """``w(y, x) = (1 - |y/f - c|) (1 - |x/f - c|)``, ``f = ceil(k/2)``, ``c = (k - 1) / (2 f)``, k x k kernels.

    A Deconvolution with stride f, kernel 2 f - f % 2, pad ceil((f - 1) / 2),
    as many groups as channels and this filler scales its input up f times.

    Source
        Long, Shelhamer and Darrell 2015; Caffe ``BilinearFiller``.
    """

    def problem(self, shape: Shape) -> str | None:
        """Only four axes with a square kernel will do."""
        if len(shape) == 4 and shape[2] == shape[3]:
            return None
        return f"bilinear fills square kernels, this parameter is {' x '.join(map(str, shape))}"

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        k = shape[3]
        f = (k + 1) // 2
        c = (k - 1) / (2 * f)
        rows, columns = (1.0 - b.abs(b.to_float(b.index(shape, axis)) / f - c) for axis in (2, 3))
        return rows * columns
