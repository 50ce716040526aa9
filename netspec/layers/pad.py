"""Pad."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from runtime.ops import Pair


@layer
class Pad(Layer):
    """A border around each map: zeros, the map reflected at its edge, or the edge repeated.

    Shapes
        x : N x C x H x W -> y : N x C x (H + above + below) x (W + left + right);
        any number of axes behind C.
    Formula
        ZERO: 0; REFLECT: ``y[-k] = x[k]``, the edge itself is not repeated; REPLICATE: ``y[-k] = x[0]``,
        and likewise at the other end, one axis after another.
    Gradient
        dy inside; REFLECT and REPLICATE add that of each copy to its original.
    Source
        Goodfellow et al. 2016, section 9.5; ONNX ``Pad``; reflection: Johnson et al. 2016.
    Example
        {type: Pad, pad: [1, 2], mode: REFLECT}
    """

    passes_on: ClassVar[bool] = True

    pad: tuple[int, ...] = field(
        minimum=0, doc="one for all sides, one an axis ([rows, columns]), or two ([above, below, left, right])"
    )
    mode: str = field("ZERO", choices=("ZERO", "REFLECT", "REPLICATE"), doc="what the border holds")
    axis: int = field(2, minimum=0, doc="the first axis with a border; all behind it have one")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if not self.pad:
            yield Problem("E512", "pad", "pad is empty", "pad: 1")

    def shapes(self, x: Shape) -> Shape:
        made = list(x)
        for axis, (before, behind) in self._widths(x):
            if self.mode == "REFLECT" and max(before, behind) >= x[axis]:
                message = f"a border of {max(before, behind)} cannot be reflected: axis {axis} has {x[axis]}"
                raise ShapeError("E442", message, f"pad: {x[axis] - 1}, or mode: REPLICATE", "pad")
            made[axis] += before + behind
        return tuple(made)

    def _widths(self, x: Shape) -> list[tuple[int, Pair]]:
        """The axes with a border and its widths at both ends."""
        if self.axis >= len(x):
            kept = f"N x C x H x W: its bottom is {axes.times(x)}"
            raise ShapeError("E413", f"Pad puts a border around the axes from {self.axis} on, {kept}")
        count, given = len(x) - self.axis, self.pad
        if len(given) not in (1, count, 2 * count):
            one, two = ", ".join("1" * count), ", ".join("1" * 2 * count)
            message = f"pad has {len(given)} values, the bottom {count} axes to pad"
            raise ShapeError("E512", message, f"pad: 1, pad: [{one}] or pad: [{two}]", "pad")
        if len(given) == 2 * count:
            sides = [(given[2 * k], given[2 * k + 1]) for k in range(count)]
        else:
            sides = [(given[k % len(given)],) * 2 for k in range(count)]
        return list(enumerate(sides, self.axis))

    def lower(self, b: Builder, x: Value) -> Value:
        widths = self._widths(x.shape)
        if self.mode == "ZERO":
            return b.pad(x, [(0, 0)] * self.axis + [sides for _, sides in widths])
        for axis, sides in widths:
            if sides == (0, 0):
                continue
            x = _extended(b, x, axis, sides, self.mode == "REFLECT")
        return x


def _extended(b: Builder, x: Value, axis: int, sides: Pair, reflect: bool) -> Value:
    """``x`` with copies of its elements at both ends of an axis.

    The copies come from slices of the ends alone, so that their gradients are as small as these.
    """
    before, behind = sides
    size = x.shape[axis]
    low, high = before + 1, size - behind - 1
    if low >= high:  # the ends overlap
        low, high = size, 0
        first, last, whole = x, x, [x]
    else:
        first, last = b.slice(x, axis, 0, low), b.slice(x, axis, high, size)
        whole = [first, b.slice(x, axis, low, high), last]
    left = [k if reflect else 0 for k in range(before, 0, -1)]
    right = [size - 1 - high - (k if reflect else 0) for k in range(1, behind + 1)]
    copies = [b.slice(first, axis, k, k + 1) for k in left]
    return b.concat([*copies, *whole, *(b.slice(last, axis, k, k + 1) for k in right)], axis)
