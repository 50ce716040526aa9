"""Pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, windows
from netspec.layers.sliding import Sliding
from netspec.spec.layer import Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

_WINDOW = ("kernel_size", "kernel_h", "kernel_w", "stride", "stride_h", "stride_w", "pad", "pad_h", "pad_w")


@layer
class Pooling(Sliding):
    """Largest or average value of each window of each channel.

    Shapes
        x : N x C x H x W -> y : N x C x Ho x Wo,
        ``Ho = ceil((H - F + 2 pad) / stride) + 1``, less 1 where the last window would
        start in the padding; ``round: floor`` floors, ``round: exact`` refuses what the
        stride does not divide. ``global_pooling``: 1 x 1.
    Formula
        MAX: the largest element, padding ignored.
        AVE: the sum divided by the window's size, which counts padding but ends at H + pad.
    Gradient
        MAX: to the first largest element of the window; AVE: dy / size to each element.
    Source
        Caffe ``PoolingLayer``.
    """

    rounds: ClassVar[bool] = True
    passes_on: ClassVar[bool] = True
    instead: ClassVar[dict[str, tuple[str, ...]]] = {**Sliding.instead, "global_pooling": _WINDOW}

    pool: str = field("MAX", choices=("MAX", "AVE"), doc="largest or average value")
    global_pooling: bool = field(False, doc="one window over the whole map; takes no kernel, pad or stride")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.global_pooling:
            for name in _WINDOW:
                neutral = {"stride": (1, (1,), (1, 1)), "pad": (0, (0,), (0, 0))}.get(name.split("_")[0], ())
                if self.said(name) and getattr(self, name) not in neutral:
                    message = f"global_pooling takes the whole map, {name} says otherwise"
                    yield Problem("E511", name, message, f"drop {name}")
            return
        yield from self.kernel_missing()
        for k, side in enumerate(("h", "w")):
            if self.pads[k] >= self.kernel[k]:
                name = "pad" if getattr(self, f"pad_{side}") is None else f"pad_{side}"
                message = (
                    f"pad {self.pads[k]} is not below the kernel {self.kernel[k]}: a window could see only padding"
                )
                yield Problem("E424", name, message, f"{name}: {self.kernel[k] - 1}")

    def shapes(self, x: Shape) -> Shape:
        axes.four_axes("Pooling", x)
        if self.global_pooling:
            return x[0], x[1], 1, 1
        rows, columns = (self._size(axis, x) for axis in self.axes(x))
        return x[0], x[1], rows, columns

    def _size(self, axis: windows.Axis, x: Shape) -> int:
        out = self.positive(axis, axis.floor() if self.round == "floor" else axis.pooled(), x)
        self.check_exact(axis, x)
        if axis.empty(out):
            start = (out - 1) * axis.stride - axis.pad
            raise ShapeError(
                "E412",
                f"the last window would be empty: it starts at {start}, the map has {axis.size} {axis.name} "
                f"({axis.formula()}, rounded up)",
                "round: floor",
                self.spelled("stride", axis),
            )
        return out

    def lower(self, b: Builder, x: Value) -> Value:
        size = self.shapes(x.shape)[2], self.shapes(x.shape)[3]
        if not self.global_pooling:
            kernel, stride, pad = self.kernel, self.steps, self.pads
        elif self.pool == "AVE":
            return b.mean(x, (2, 3))
        else:
            kernel, stride, pad = (x.shape[2], x.shape[3]), (1, 1), (0, 0)
        if self.pool == "AVE":
            return b.ave_pool(x, kernel, stride, pad, size)
        y, _ = b.max_pool(x, kernel, stride, pad, size)
        return y
