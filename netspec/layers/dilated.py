"""Sliding windows with holes: what Convolution, Deconvolution, LocallyConnected and Im2col have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.layers.sliding import Sliding
from netspec.spec.layer import Problem, Shape, field

if TYPE_CHECKING:
    from runtime.ops import Pair


class Dilated(Sliding):
    """Base of the layers whose window has a dilation, and of which a kernel must be given."""

    dilation: tuple[int, ...] = field((1,), minimum=1, doc="distance of the kernel's taps: one, or down and right")

    def problems(self) -> Iterator[Problem]:
        """Yield a missing kernel and a list that is too long."""
        yield from super().problems()
        yield from self.kernel_missing()
        yield from self.too_long("dilation")

    @property
    def holes(self) -> Pair:
        """Dilations (down, right)."""
        return self.dilation[0], self.dilation[-1]

    def places(self, x: Shape) -> Pair:
        """Windows down and across an N x C x H x W bottom, rounded down.

        Raises
        ------
        ShapeError
            Where there is none, or ``round: exact`` asks for a stride that fits.
        """
        rows, columns = (self.fitted(axis, axis.floor(), x) for axis in self.axes(x))
        return rows, columns
