"""Convolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, volumes, windows
from netspec.layers.dilated import Dilated
from netspec.layers.weights import Weighted
from netspec.spec.layer import Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


class Grouped(Dilated, Weighted):
    """Base of Convolution and Deconvolution: groups of channels, one to three axes behind them."""

    dimensions: ClassVar[tuple[int, ...]] = (1, 2, 3)

    group: int = field(1, minimum=1, doc="groups of channels that see only each other")
    axis: int = field(1, minimum=1, maximum=1, doc="the axis of the channels, which is 1")
    force_nd_im2col: bool = field(False, doc="ignored: the compiler chooses")

    def problems(self) -> Iterator[Problem]:
        """Yield outputs that the groups do not share evenly."""
        yield from super().problems()
        if self.force_nd_im2col:
            message = "force_nd_im2col is read and ignored: the compiler chooses the kernels"
            yield Problem("W121", "force_nd_im2col", message, "drop force_nd_im2col", "warning")
        if self.num_output % self.group:
            message = f"num_output {self.num_output} is not a multiple of group {self.group}"
            yield Problem("E414", "group", message, f"num_output: {-(-self.num_output // self.group) * self.group}")

    def check_channels(self, x: Shape) -> None:
        """Raise ShapeError unless the bottom is N x C x H x W (or N x C x L, ..) with C a multiple of ``group``."""
        axes.map_axes(type(self).__name__, x, self.dimensions)
        if x[1] % self.group:
            near = range(min(self.group, x[1], 4096), 0, -1)
            fits = next(g for g in near if x[1] % g == 0 and self.num_output % g == 0)
            raise ShapeError(
                "E414", f"{x[1]} channels are not a multiple of group {self.group}", f"group: {fits}", "group"
            )


@layer
class Convolution(Grouped):
    """Convolution over height and width, ``y = w * x + bias``; over a length, or depth, height and width, too.

    Shapes
        x : N x C x H x W -> y : N x K x Ho x Wo,
        ``Ho = floor((H - F + 2 pad) / stride) + 1`` with ``F = dilation (R - 1) + 1``;
        N x C x L and N x C x D x H x W likewise, ``kernel_size: [d, h, w]`` in three dimensions.
        Further bottoms give further tops with the same weights.
    Formula
        ``y[n, k, i, j] = bias[k] + sum over c, r, s of
        w[k, c, r, s] x[n, c, stride i + dilation r - pad, stride j + dilation s - pad]``
        (a cross-correlation), c over the C / group channels of k's group, zeros outside.
    Learned
        weight : K x C/group x R x S (K x C/group x R, K x C/group x T x R x S); bias : K.
    Gradient
        For x a transposed convolution of dy with w, for w a correlation of x with dy.
    Rounding
        ``round: ceil`` adds zeros at the far ends until the last pixels are seen;
        ``round: exact`` refuses a size that the stride does not divide.
    Source
        LeCun et al. 1998; dilation Yu and Koltun 2016; groups Krizhevsky et al. 2012;
        Caffe ``ConvolutionLayer``.
    Example
        {type: Convolution, num_output: 4, kernel_size: 3, pad: 1}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, None)
    tops: ClassVar[tuple[int, int | None]] = (1, None)
    rounds: ClassVar[bool] = True

    def shapes(self, *bottoms: Shape) -> Shape | tuple[Shape, ...]:
        made = tuple(self._shape(x) for x in bottoms)
        if any(x[1] != bottoms[0][1] for x in bottoms):
            counts = ", ".join(str(x[1]) for x in bottoms)
            raise ShapeError("E415", f"bottoms that share weights need equally many channels, got {counts}")
        return made[0] if len(made) == 1 else made

    def _shape(self, x: Shape) -> Shape:
        self.check_channels(x)
        self.check_filler(x)
        return x[0], self.num_output, *(self._size(axis, x) for axis in self.axes(x))

    def _size(self, axis: windows.Axis, x: Shape) -> int:
        return self.fitted(axis, axis.ceil() if self.round == "ceil" and axis.span >= 0 else axis.floor(), x)

    def weight_shape(self, x: Shape) -> Shape:
        """Return K x C/group x R x S."""
        return self.num_output, x[1] // self.group, *self.sides("kernel_size", len(x) - 2)

    def warnings(self, *bottoms: Shape) -> Iterator[Problem]:
        """Yield a warning for pixels that no window sees."""
        if self.round is not None:
            return
        for x in bottoms:
            lost = [axis for axis in self.axes(x) if windows.misfit(axis)]
            if lost:
                hint = self.fitting(x, lambda a: not windows.misfit(a))
                yield Problem("W120", self.spelled("stride", lost[0]), windows.misfit_message(lost), hint, "warning")

    def lower(self, b: Builder, *bottoms: Value) -> Value | tuple[Value, ...]:
        w, bias = self.learned(b, bottoms[0])
        made = []
        for x in bottoms:
            _, stride, pad, dilation = self.window(x.rank - 2)
            made.append(volumes.convolved(b, self._covered(b, x), w, bias, stride, pad, dilation, self.group))
        return made[0] if len(made) == 1 else tuple(made)

    def _covered(self, b: Builder, x: Value) -> Value:
        """``x`` with the zeros that ``round: ceil`` asks for."""
        if self.round != "ceil":
            return x
        more = [(a.ceil() - 1) * a.stride - a.span for a in self.axes(x.shape)]
        return b.pad(x, ((0, 0), (0, 0), *((0, n) for n in more))) if any(more) else x
