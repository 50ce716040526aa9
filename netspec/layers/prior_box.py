"""PriorBox."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import TYPE_CHECKING, ClassVar

from netspec.layers.axes import four_axes
from netspec.layers.boxes import of_four, one_or_four
from netspec.spec.layer import Layer, Problem, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class PriorBox(Layer):
    """Boxes of a few sizes and shapes around each place of a map, as parts of the image: SSD's default boxes.

    Shapes
        x : N x C x H x W, image : N x C' x Hi x Wi (only their sizes are read) ->
        priors : 1 x 2 x (4 H W P): the corners (x1, y1, x2, y2) of P boxes a place, rows
        first, then columns, and behind them the variances of each.
    Formula
        Around ``((column + offset) step_w, (row + offset) step_h)``, for each ``min_size``
        s: a square of s; with ``max_size`` m one of ``sqrt(s m)``; for each ratio a but 1
        a box ``s sqrt(a)`` wide and ``s / sqrt(a)`` high, with ``flip`` its turn too.
        Divided by the image's sides; with ``clip`` cut to 0 .. 1.
    Gradient
        None: they are constants.
    Source
        Liu et al. 2016; NVIDIA Caffe ``PriorBoxLayer``, which names the sides' sizes
        img_h, img_w and the steps step_h, step_w.
    Example
        {type: PriorBox, bottom: [x, y], min_size: 2, max_size: 4, aspect_ratio: 2}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)

    min_size: tuple[float, ...] = field(above=0, doc="sides of the squares", unit="pixels")
    max_size: tuple[float, ...] = field((), above=0, doc="one for each min_size: a square of the mean side more")
    aspect_ratio: tuple[float, ...] = field((), above=0, doc="widths over heights of further boxes")
    flip: bool = field(True, doc="each ratio upside down too")
    clip: bool = field(False, doc="cut to the image")
    variance: tuple[float, ...] = field((0.1,), above=0, doc="one, or for dx, dy, dw, dh: offsets are divided by it")
    img_size: int = field(0, minimum=0, doc="side of the image, in place of the second bottom's", unit="pixels")
    img_h: int = field(0, minimum=0, doc="its rows", unit="pixels")
    img_w: int = field(0, minimum=0, doc="its columns", unit="pixels")
    step: float = field(0.0, minimum=0, doc="pixels from place to place; 0: the image's side over the map's")
    step_h: float = field(0.0, minimum=0, doc="down", unit="pixels")
    step_w: float = field(0.0, minimum=0, doc="right", unit="pixels")
    offset: float = field(0.5, doc="where in its step a place lies", unit="steps")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.max_size and len(self.max_size) != len(self.min_size):
            message = f"max_size has {len(self.max_size)} values, min_size {len(self.min_size)}"
            yield Problem("E512", "max_size", message, "one for each min_size")
        for low, high in zip(self.min_size, self.max_size, strict=False):
            if high <= low:
                yield Problem("E512", "max_size", f"max_size {high:g} is not above its min_size {low:g}")
        yield from one_or_four(self, "variance")

    @property
    def ratios(self) -> list[float]:
        """Every ratio but 1, each once, a turned one behind its own."""
        found = [1.0]
        for ratio in self.aspect_ratio:
            for r in (ratio, 1.0 / ratio) if self.flip else (ratio,):
                # Caffe's test for a ratio that is there already
                if all(abs(r - known) >= 1e-6 for known in found):
                    found.append(r)
        return found[1:]

    def sides(self) -> list[tuple[float, float]]:
        """(width, height) of each box of a place, in pixels."""
        found = []
        for k, size in enumerate(self.min_size):
            found.append((size, size))
            if self.max_size:
                found.append((sqrt(size * self.max_size[k]),) * 2)
            found += [(size * sqrt(r), size / sqrt(r)) for r in self.ratios]
        return found

    def shapes(self, x: Shape, image: Shape) -> Shape:
        four_axes("PriorBox", x)
        four_axes("PriorBox", image)
        return 1, 2, 4 * x[2] * x[3] * len(self.sides())

    def lower(self, b: Builder, x: Value, image: Value) -> Value:
        (rows, columns), (high, wide) = x.shape[2:], self._image(image.shape)
        down, right = self.step_h or self.step or high / rows, self.step_w or self.step or wide / columns
        middles = [((h + self.offset) * down, (w + self.offset) * right) for h in range(rows) for w in range(columns)]
        corners: list[float] = []
        for y, x1 in middles:
            for w, h in self.sides():
                corners += [(x1 - w / 2) / wide, (y - h / 2) / high, (x1 + w / 2) / wide, (y + h / 2) / high]
        if self.clip:
            corners = [min(max(v, 0.0), 1.0) for v in corners]
        return b.literal([[corners, of_four(self.variance) * (len(corners) // 4)]])

    def _image(self, shape: Shape) -> tuple[float, float]:
        """Rows and columns of the image."""
        return float(self.img_h or self.img_size or shape[2]), float(self.img_w or self.img_size or shape[3])
