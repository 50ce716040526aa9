"""What Correlation and Correlation1D have in common: patches of one map against displaced ones of another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, hints
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from runtime.ops import Pair


class Displaced(Layer):
    """Base of the layers that correlate; ``vertical`` says whether displacements go down and up, too."""

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    vertical: ClassVar[bool] = True

    max_displacement: int = field(minimum=0, doc="largest displacement", unit="pixels")
    kernel_size: int = field(1, minimum=1, doc="side of the patches: odd", unit="pixels")
    pad: int = field(0, minimum=0, doc="zeros around both maps", unit="pixels")
    stride_1: int = field(1, minimum=1, doc="step from patch to patch", unit="pixels")
    stride_2: int = field(1, minimum=1, doc="step from displacement to displacement", unit="pixels")
    single_direction: int = field(
        0, minimum=-1, maximum=1, doc="-1: displacements to the left alone, 1: to the right; 0: both"
    )
    correlation_type: str = field(
        "MULTIPLY", choices=("MULTIPLY", "SUBTRACT"), doc="means of products, or of absolute differences"
    )
    do_abs: bool = field(False, doc="whether the absolute value of each mean is taken")

    def problems(self) -> Iterator[Problem]:
        """Yield an even patch, and absolute values of what is not negative."""
        yield from super().problems()
        if self.kernel_size % 2 == 0:
            message = f"kernel_size {self.kernel_size} is even, a patch has no middle"
            yield Problem("E523", "kernel_size", message, f"kernel_size: {self.kernel_size + 1}")
        if self.do_abs and self.correlation_type == "SUBTRACT":
            message = "do_abs has no effect: means of absolute differences are not negative"
            yield Problem("W125", "do_abs", message, "drop it", "warning")

    @property
    def pads(self) -> Pair:
        """Rows and columns of zeros around the maps."""
        return self.pad if self.vertical else 0, self.pad

    @property
    def borders(self) -> Pair:
        """How far from the edge of the padded map the middles of patches begin: what a displaced one reaches."""
        half = self.kernel_size // 2
        return self.max_displacement + half if self.vertical else half, self.max_displacement + half

    @property
    def displacements(self) -> tuple[Pair, Pair]:
        """First and last displacement down and to the right, in steps of ``stride_2``."""
        steps = self.max_displacement // self.stride_2
        right = {-1: (-steps, 0), 0: (-steps, steps), 1: (0, steps)}[self.single_direction]
        return (-steps, steps) if self.vertical else (0, 0), right

    @property
    def counts(self) -> Pair:
        """Numbers of displacements down and to the right."""
        (up, down), (left, right) = self.displacements
        return down - up + 1, right - left + 1

    def shapes(self, a: Shape, b: Shape) -> Shape:
        for x in (a, b):
            axes.four_axes(type(self).__name__, x)
        if a != b:
            hint = hints.made_alike(hints.name_of(self, 1), b, hints.name_of(self, 0), a)
            raise ShapeError("E415", f"the two maps must be alike: {axes.times(a)} and {axes.times(b)}", hint)
        size = []
        for name, n, pad, border in zip(("rows", "columns"), a[2:], self.pads, self.borders, strict=True):
            made = -(-(n + 2 * pad - 2 * border) // self.stride_1)
            if made < 1:
                formula = f"({n} + {2 * pad} - {2 * border})/{self.stride_1}"
                across = self.vertical or name == "columns"  # else rows are neither padded nor displaced
                hint = f"pad: {border - (n - 1) // 2}" if across else f"kernel_size: {n - 1 + n % 2}"
                raise ShapeError("E410", f"the output would have {made} {name}: {formula}", hint, "max_displacement")
            size.append(made)
        return a[0], self.counts[0] * self.counts[1], size[0], size[1]

    def lower(self, b: Builder, left: Value, right: Value) -> Value:
        _, _, height, width = self.shapes(left.shape, right.shape)
        side, half = self.kernel_size, self.kernel_size // 2
        start = self.borders[0] - self.pads[0] - half, self.borders[1] - self.pads[1] - half
        first = self.displacements[0][0] * self.stride_2, self.displacements[1][0] * self.stride_2
        step, mode = self.stride_1, self.correlation_type.lower()
        if side == 1:
            y = b.correlation(left, right, start, first, self.counts, (height, width), step, self.stride_2, mode)
        else:  # pixel by pixel, then the mean over each patch
            size = (height - 1) * step + side, (width - 1) * step + side
            pairs = b.correlation(left, right, start, first, self.counts, size, 1, self.stride_2, mode)
            y = b.ave_pool(pairs, (side, side), (step, step), (0, 0), (height, width))
        return b.abs(y) if self.do_abs else y
