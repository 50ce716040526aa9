"""Where the factors of a product lie in memory: matrices, windows of a convolution, their borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd, prod

from runtime.ops import Pair
from runtime.plan import ITEM_BYTES
from runtime.vector import nest
from runtime.vector.kernel import Address
from runtime.vector.nest import Dim


@dataclass(frozen=True)
class Axis:
    """An index of an operand: rows, columns or k, as one number that walks one or three dimensions.

    Parameters
    ----------
    sizes, strides
        Of the dimensions, outer first; strides in bytes.
    role
        ``pixels`` (image, row, column) or ``taps`` (row, column, channel) where
        the operand has a border; they say which dimensions move over the map.
    first, step
        Row and column of the map at 0, and their steps.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    role: str = ""
    first: Pair = (0, 0)
    step: Pair = (0, 0)

    @property
    def size(self) -> int:
        """Length of the whole index."""
        total = 1
        for n in self.sizes:
            total *= n
        return total

    @property
    def plain(self) -> bool:
        """Whether it is one dimension."""
        return len(self.sizes) == 1


@dataclass(frozen=True)
class Operand:
    """A factor of a product.

    Parameters
    ----------
    base
        Address of the element at 0, 0, which may lie outside the map.
    outer, inner
        Its rows (of A) or columns (of B); its k.
    batch
        Bytes between products, along two dimensions.
    border
        Rows and columns of the map outside which elements are 0; None where none is outside.
    """

    base: Address
    outer: Axis
    inner: Axis
    batch: Pair = (0, 0)
    border: Pair | None = None

    def joined(self, dtype: str, most: int) -> Operand:
        """The same elements with a row of taps and its channels as one dimension, where channels are no vectors.

        Of a first layer's three channels: a map of H x 3 W places of one
        channel. Then k walks over few, long dimensions.
        """
        taps, pixels = (self.inner, self.outer) if self.inner.role == "taps" else (self.outer, self.inner)
        if self.border is None or taps.sizes[2] % most == 0 or taps.step[1] != 1 or 0 in taps.sizes:
            return self
        down, across, channels = taps.sizes
        if taps.strides[2] != ITEM_BYTES[dtype] or taps.strides[1] != channels * taps.strides[2]:
            return self
        strides = (0, taps.strides[0], taps.strides[2])
        run = Axis((1, down, across * channels), strides, "pixels", (0, 0), (taps.step[0], 1))
        first, step = ((v[0], v[1] * channels) for v in (pixels.first, pixels.step))
        moved = replace(pixels, first=first, step=step)
        border = (self.border[0], self.border[1] * channels)
        outer, inner = (moved, run) if taps is self.inner else (run, moved)
        return replace(self, outer=outer, inner=inner, border=border)

    def access(self, dtype: str, most: int) -> tuple[bool, int]:
        """Whether threads load vectors along k (else along rows), and of how many elements."""
        item = ITEM_BYTES[dtype]
        along_k = self.outer.strides[-1] != item and self.inner.strides[-1] == item
        axis, other = (self.inner, self.outer) if along_k else (self.outer, self.inner)
        lanes = 1
        if axis.strides[-1] == item:
            whole = gcd(self.base.offset, *self.batch, *axis.strides[:-1], *other.strides)
            lanes = gcd(most, axis.sizes[-1], whole // item if whole else most)
        # elements one by one: threads side by side take neighbours, and one k each where its position is costly
        return (True, 1) if lanes == 1 and not (self.inner.plain and not along_k) else (along_k, lanes)


def plain(size: int, stride: int) -> Axis:
    """An index of one dimension."""
    return Axis((size,), (stride,))


def walk(sizes: Sequence[int], strides: Sequence[int]) -> Axis:
    """An index of up to three dimensions without a border, as few of them as memory allows."""
    dims = nest.merge([Dim(n, (s,)) for n, s in zip(sizes, strides, strict=True)])
    if len(dims) > 1:
        dims = nest.padded(dims, 3, 1)
    elif not dims:
        dims = [Dim(prod(sizes), (strides[-1],))]
    return Axis(tuple(d.size for d in dims), tuple(d.strides[0] for d in dims))
