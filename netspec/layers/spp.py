"""SPP, spatial pyramid pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netspec.layers import axes, pools
from netspec.layers.sliding import IGNORED_ENGINE
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from runtime.ops import Pair


@layer
class SPP(Layer):
    """Pooling of the whole map in 1, 4, 16, .. windows: a vector whose length depends on no size of the map.

    Shapes
        x : N x C x H x W -> y : N x (C (4^L - 1) / 3), L = pyramid_height.
    Formula
        Level l has 2^l x 2^l windows of ``ceil(H / 2^l)`` by ``ceil(W / 2^l)`` with as large a
        stride, ``pad = (2^l kernel - size + 1) // 2``; each level flattened, one after another.
    Gradient
        That of Pooling, added over the levels.
    Source
        He et al. 2014; Caffe ``SPPLayer`` (there a pyramid of height 1 stays N x C x 1 x 1).
    Example
        {type: SPP, pyramid_height: 2}
    """

    pyramid_height: int = field(minimum=1, maximum=16, doc="levels")
    pool: str = field("MAX", choices=pools.WAYS, doc="largest, average or a drawn value")
    engine: str | None = field(None, choices=("DEFAULT", "CAFFE", "CUDNN"), doc="ignored: the compiler chooses")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.engine is not None:
            yield Problem("W121", "engine", IGNORED_ENGINE, "drop engine", "warning")

    def shapes(self, x: Shape) -> Shape:
        axes.four_axes("SPP", x)
        for bins, kernel, pad in self._levels(x):
            tight = next((k for k in (0, 1) if pad[k] >= kernel[k]), None)
            if tight is not None:
                size, level = x[2 + tight], bins.bit_length() - 1
                cut = f"level {level} cuts {size} pixels into {bins} windows of {kernel[tight]}"
                raise ShapeError("E412", f"{cut}: one would be empty", f"pyramid_height: {level}", "pyramid_height")
        return x[0], x[1] * sum(4**level for level in range(self.pyramid_height))

    def _levels(self, x: Shape) -> Iterator[tuple[int, Pair, Pair]]:
        """Windows a side, kernel and pad of each level."""
        for level in range(self.pyramid_height):
            bins = 2**level
            rows, columns = (-(-size // bins) for size in x[2:])
            above, left = ((bins * k - size + 1) // 2 for k, size in zip((rows, columns), x[2:], strict=True))
            yield bins, (rows, columns), (above, left)

    def lower(self, b: Builder, x: Value) -> Value:
        levels = []
        for bins, kernel, pad in self._levels(x.shape):
            y = pools.pooled(b, self.pool, x, kernel, kernel, pad, (bins, bins))
            levels.append(b.reshape(y, axes.rows(y.shape)))
        return b.concat(levels, 1)
