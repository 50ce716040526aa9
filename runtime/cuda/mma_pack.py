"""Operands as tensor cores can be fed with them: in chunks of 16 bytes, at multiples of 16.

Activations and matrices lie so as they are, nearly always. What does not is
copied to scratch first, by maps: the weights of windows (their channels are
neighbours in the copy), images of three channels (four in the copy), rows of odd
length. The copy costs a launch; ``Ready.cycles`` says how much, so that small
products are left to float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from runtime import ops
from runtime.cuda.launch import Context, Launch
from runtime.cuda.mma_sides import CHUNK, MOST_TAPS
from runtime.cuda.operands import Axis, Operand
from runtime.cuda.tiling import BYTES_A_CYCLE, LAUNCH
from runtime.expr import arg, const
from runtime.ops import Pair, Shape
from runtime.plan import Step, View
from runtime.vector.kernel import Address

ITEM, WHOLE = 4, 16
"""Bytes of a float32, and of a chunk."""


@dataclass(frozen=True)
class Copy:
    """A dense copy in scratch; its last axis may be longer than the source's, with zeros behind."""

    source: View
    last: int
    zeros: bool

    @property
    def shape(self) -> Shape:
        """Of the copy."""
        return (*self.source.shape[:-1], self.last)

    @property
    def strides(self) -> tuple[int, ...]:
        """Of the copy, in bytes; 0 along axes of one place, so that what is broadcast stays so."""
        return tuple(0 if n == 1 else prod(self.shape[k + 1 :]) * ITEM for k, n in enumerate(self.shape))

    @property
    def cycles(self) -> float:
        """What it is estimated to take."""
        return (2 if self.zeros else 1) * (LAUNCH + 2 * prod(self.shape) * ITEM / BYTES_A_CYCLE)

    def launches(self, context: Context) -> tuple[Address, list[Launch]]:
        """Where it is, and the launches that make it."""
        address = context.scratch(prod(self.shape) * ITEM)
        strides = tuple(prod(self.shape[k + 1 :]) for k in range(len(self.shape)))
        whole = View(address.memory, address.offset, self.shape, strides, self.source.dtype)
        part = replace(whole, shape=self.source.shape)
        steps = [Step(ops.Map((arg(0),), part.shape), (self.source,), (part,), "forward", ())]
        if self.zeros:
            steps.insert(0, Step(ops.Map((const(0.0),), whole.shape), (), (whole,), "forward", ()))
        return address, [launch for step in steps for launch in context.of(step)]


@dataclass(frozen=True)
class Ready:
    """An operand that can be fed to tensor cores; where there is a copy, its base counts from the copy's start."""

    operand: Operand
    copy: Copy | None = None

    @property
    def cycles(self) -> float:
        """What making it is estimated to take."""
        return self.copy.cycles if self.copy else 0.0

    def placed(self, context: Context, before: list[Launch]) -> Operand:
        """The operand; launches that make it are added to ``before``."""
        if self.copy is None:
            return self.operand
        address, launches = self.copy.launches(context)
        before += launches
        return replace(self.operand, base=Address(address.memory, address.offset + self.operand.base.offset))


def along_k(op: Operand) -> bool:
    """Whether chunks of neighbours along k can be copied."""
    if op.border is not None and (op.inner.role != "taps" or max(op.inner.sizes[:2]) > MOST_TAPS):
        return False
    return _whole(op, op.inner, op.outer)


def along_rows(op: Operand) -> bool:
    """Whether chunks of neighbours along the rows can be copied."""
    return (op.border is None or op.outer.role == "taps") and _whole(op, op.outer, op.inner)


def _whole(op: Operand, axis: Axis, other: Axis) -> bool:
    """Whether chunks along ``axis`` lie at multiples of 16 bytes and do not reach into another tap."""
    if axis.strides[-1] != ITEM or not (axis.plain or axis.sizes[-1] % CHUNK == 0):
        return False
    return all(v % WHOLE == 0 for v in (op.base.offset, *op.batch, *axis.strides[:-1], *other.strides))


def ready(a: Operand, b: Operand, batch: Pair) -> tuple[Ready, Ready] | None:
    """Both operands of a product, copied where they must be; None where that does not help.

    The columns of b may be more than they were: channels of zeros at each tap.

    Parameters
    ----------
    a, b
        The factors.
    batch
        Products side by side.
    """
    left, right = _ready(a, batch), _ready(b, batch)
    if left is None or right is None:
        return None
    if left.operand.inner.size != right.operand.inner.size:
        # one of them has channels of zeros at each tap: so must the other
        left_is_longer = left.operand.inner.size > right.operand.inner.size
        if (b if left_is_longer else a).border is not None:
            return None  # a copy of its windows would take what lies outside of the map
        if left_is_longer:
            right = _rows(b, batch, a.inner.sizes)
        else:
            left = _rows(a, batch, b.inner.sizes)
    same = left.operand.inner.size == right.operand.inner.size
    fed = all(along_k(r.operand) or along_rows(r.operand) for r in (left, right))
    return (left, right) if fed and same and left.operand.outer.size == a.outer.size else None


def _ready(op: Operand, batch: Pair) -> Ready | None:
    if along_k(op) or along_rows(op):
        return Ready(op)
    return _rows(op, batch) if op.border is None else _map(op, batch)


def _rows(op: Operand, batch: Pair, taps: Shape = ()) -> Ready:
    """A copy with k innermost; where k runs over ``taps`` (row, column, channel), channels in fours, with zeros."""
    outer, inner = op.outer, op.inner
    if len(taps) > 1 and inner.plain:
        step = inner.strides[0]
        inner = Axis(taps, tuple(prod(taps[level + 1 :]) * step for level in range(len(taps))))
    channels = inner.sizes[-1]
    last = -(-channels // CHUNK) * CHUNK
    zeros = last > channels and not inner.plain
    source = _view(op, batch, (*outer.sizes, *inner.sizes), (*outer.strides, *inner.strides))
    copy = Copy(source, last, zeros)
    row = prod(inner.sizes[:-1]) * last
    rows, places = Axis((outer.size,), (row * ITEM,)), Axis((channels if inner.plain else row,), (ITEM,))
    return Ready(Operand(Address("scratch", 0), rows, places, (copy.strides[0], copy.strides[1])), copy)


def _map(op: Operand, batch: Pair) -> Ready | None:
    """A copy of the map that windows are taken from, its channels in fours, with zeros."""
    assert op.border is not None
    taps, pixels = (op.inner, op.outer) if op.inner.role == "taps" else (op.outer, op.inner)
    if 0 in taps.step or any(s % d for s, d in zip(taps.strides, taps.step, strict=False)):
        return None
    row, pixel = taps.strides[0] // taps.step[0], taps.strides[1] // taps.step[1]
    first = [p + t for p, t in zip(pixels.first, taps.first, strict=True)]
    start = Address(op.base.memory, op.base.offset - first[0] * row - first[1] * pixel)
    channels = taps.sizes[-1]
    last = -(-channels // CHUNK) * CHUNK
    source = _view(
        replace(op, base=start),
        batch,
        (pixels.sizes[0], *op.border, channels),
        (pixels.strides[0], row, pixel, taps.strides[-1]),
    )
    copy = Copy(source, last, last > channels)
    image, row, pixel = (prod(copy.shape[k + 1 :]) * ITEM for k in (2, 3, 4))
    new_taps = replace(taps, sizes=(*taps.sizes[:-1], last), strides=(taps.step[0] * row, taps.step[1] * pixel, ITEM))
    new_pixels = replace(pixels, strides=(image, pixels.step[0] * row, pixels.step[1] * pixel))
    outer, inner = (new_pixels, new_taps) if op.inner.role == "taps" else (new_taps, new_pixels)
    base = Address("scratch", first[0] * row + first[1] * pixel)
    return Ready(Operand(base, outer, inner, (copy.strides[0], copy.strides[1]), op.border), copy)


def _view(op: Operand, batch: Pair, sizes: Sequence[int], strides: Sequence[int]) -> View:
    """An operand's memory, the products side by side first; those that share it count once."""
    shape = [n if s else 1 for n, s in zip(batch, op.batch, strict=True)]
    steps = [s // ITEM for s in (*op.batch, *strides)]
    return View(op.base.memory, op.base.offset, (*shape, *sizes), tuple(steps), "f32")
