"""Pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, pools, volumes, windows
from netspec.layers.sliding import Sliding
from netspec.spec.layer import Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

_WINDOW = ("kernel_size", "kernel_h", "kernel_w", "stride", "stride_h", "stride_w", "pad", "pad_h", "pad_w")


@layer
class Pooling(Sliding):
    """Largest, average or a drawn value of each window of each channel.

    Shapes
        x : N x C x H x W -> y : N x C x Ho x Wo; of MAX a second top, if named, gets the
        places of the largest, ``h W + w`` in the map, whole numbers (int32),
        ``Ho = ceil((H - F + 2 pad) / stride) + 1``, less 1 where the last window would
        start in the padding; ``round: floor`` floors, ``round: exact`` refuses what the
        stride does not divide. ``global_pooling``: 1 x 1. N x C x L and N x C x D x H x W likewise,
        there without a second top; STOCHASTIC not in three dimensions.
    Formula
        MAX: the largest element, padding ignored.
        AVE: the sum divided by the window's size, which counts padding but ends at H + pad.
        STOCHASTIC: in training an element drawn with probability ``x / sum of x``, in a test
        ``sum of x^2 / sum of x``; for values that are not negative, 0 where all are.
    Gradient
        MAX: to the first largest element of the window; AVE: dy / size to each element;
        STOCHASTIC: to the element drawn.
    Source
        Caffe ``PoolingLayer`` (whose STOCHASTIC refuses padding; here it is never drawn);
        Zeiler and Fergus 2013.
    Example
        {type: Pooling, pool: MAX, kernel_size: 2, stride: 2, top: [pooled, where]}
    """

    tops: ClassVar[tuple[int, int | None]] = (1, 2)
    dimensions: ClassVar[tuple[int, ...]] = (1, 2, 3)
    rounds: ClassVar[bool] = True
    passes_on: ClassVar[bool] = True
    instead: ClassVar[dict[str, tuple[str, ...]]] = {**Sliding.instead, "global_pooling": _WINDOW}

    pool: str = field("MAX", choices=pools.WAYS, doc="largest, average or a drawn value")
    global_pooling: bool = field(False, doc="one window over the whole map; takes no kernel, pad or stride")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.global_pooling:
            for name in _WINDOW:
                neutral = {"stride": {1}, "pad": {0}}.get(name.split("_")[0], set())
                value = getattr(self, name)
                if self.said(name) and not set(value if isinstance(value, tuple) else [value]) <= neutral:
                    message = f"global_pooling takes the whole map, {name} says otherwise"
                    yield Problem("E511", name, message, f"drop {name}")
            return
        yield from self.kernel_missing()
        yield from self._pads_too_wide()

    def _pads_too_wide(self) -> Iterator[Problem]:
        """Yield pads that are not below the kernel."""
        count = max(2, len(self.kernel_size), len(self.pad))
        sided = any(getattr(self, name) is not None for name in ("kernel_h", "kernel_w", "pad_h", "pad_w"))
        if {len(self.kernel_size), len(self.pad)} - {0, 1, count} or count > (2 if sided else 3):
            return  # lists that fit no map, or not each other: told with the shape of the bottom
        for k, (kernel, pad) in enumerate(zip(self.sides("kernel_size", count), self.sides("pad", count), strict=True)):
            if pad >= kernel:
                name = f"pad_{'hw'[k]}" if count == 2 and getattr(self, f"pad_{'hw'[k]}") is not None else "pad"
                message = f"pad {pad} is not below the kernel {kernel}: a window could see only padding"
                yield Problem("E424", name, message, f"{name}: {kernel - 1}")

    def shapes(self, x: Shape) -> Shape | tuple[Shape, ...]:
        shape = self._shape(x)
        return (shape, shape) if len(self.top_names) > 1 else shape

    def _shape(self, x: Shape) -> Shape:
        count = len(axes.map_axes("Pooling", x, self.dimensions)) - 2
        if len(self.top_names) > 1 and (self.pool != "MAX" or count != 2):
            what = self.pool if self.pool != "MAX" else f"{axes.times(x)} is not N x C x H x W: its MAX"
            raise ShapeError("E306", f"{what} pooling makes 1 top, {len(self.top_names)} are named", None, "top")
        if self.pool == "STOCHASTIC" and count == 3:
            message = f"STOCHASTIC pools N x C x H x W and N x C x L, the bottom is {axes.times(x)}"
            raise ShapeError("E413", message, "pool: MAX or pool: AVE", "pool")
        sizes = (1,) * count if self.global_pooling else tuple(self._size(axis, x) for axis in self.axes(x))
        return x[0], x[1], *sizes

    def _size(self, axis: windows.Axis, x: Shape) -> int:
        out = self.fitted(axis, axis.floor() if self.round == "floor" else axis.pooled(), x)
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

    def lower(self, b: Builder, x: Value) -> Value | tuple[Value, ...]:
        size, inside = self._shape(x.shape)[2:], x.shape[2:]
        count = len(size)
        if self.global_pooling:
            kernel, stride, pad = inside, (1,) * count, (0,) * count
        else:
            kernel, stride, pad, _ = self.window(count)
        if len(self.top_names) < 2:
            return volumes.pooled(b, self.pool, x, kernel, stride, pad, size)
        window = volumes.pair(kernel), volumes.pair(stride), volumes.pair(pad)
        y, index = b.max_pool(x, *window, volumes.pair(size))
        return y, b.window_places(index, *window, volumes.pair(inside))
