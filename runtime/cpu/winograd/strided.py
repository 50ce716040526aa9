"""Winograd's algorithm for strided windows: a convolution of stride S is one of stride 1 over S x S phases.

Pixel (i S + a, j S + b) is pixel (i, j) of phase (a, b), whose channels are
channels of their own; tap (i S + a, j S + b) is tap (i, j) of that phase. The
window shrinks to ceil(R / S) taps, some of them zero. It pays for first layers
of large windows and few channels: 7 x 7 with stride 2 becomes 4 x 4 over four
times the channels, 11 x 11 with stride 4 becomes 3 x 3 over sixteen times.

Source
    Winograd 1980 by way of the polyphase decomposition of Vaidyanathan 1993,
    "Multirate systems and filter banks".
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime import ops
from runtime.cpu.launch import Context, Launch, Tail, ThreadStride
from runtime.cpu.winograd.conv import Lowering, Winograd
from runtime.plan import View
from runtime.vector.kernel import Address, Word, address_of, byte_strides


@dataclass(frozen=True)
class Phases:
    """How pixels fall into phases.

    Parameters
    ----------
    stride, window
        S and R.
    channels
        Of a pixel.
    limit
        Rows and columns that may be read, padding included.
    dense
        Whether pixels follow each other without gaps: those of a row of phases make one run.
    """

    stride: int
    window: int
    channels: int
    limit: ops.Pair
    dense: bool

    @property
    def runs(self) -> int:
        """Runs of neighbouring numbers in a row of phases."""
        return 1 if self.dense else self.stride

    def vectors(self, lanes: int) -> int:
        """Vectors of a tile's channels, with what the last vector of the last run writes beyond it."""
        run = self.stride * self.channels // self.runs
        return -(-((self.stride * self.runs - 1) * run + -(-run // lanes) * lanes) // lanes)


class _Strided(Lowering):
    """The launches of one strided convolution."""

    def __init__(self, c: Winograd, phases: Phases, ctx: Context) -> None:
        super().__init__(c, ctx)
        self.phases = phases
        self.vectors = phases.vectors(self.lanes)
        self.v_tile = self.vectors * self.lanes * c.item

    def _weights(self, u: Address, stride: Word, part: int, relative: bool) -> Launch:
        c, p = self.c, self.phases
        taps = self.ctx.thread_scratch(c.taps**2 * self.lanes * c.item)
        parts = -(-c.channels // part)
        words: tuple[Word, ...] = (
            c.w, c.w_channel, c.w_column, p.window, p.stride,
            self.columns.count, self.columns.width, p.channels, part, parts,
            u, self.u_block, self.u_point, taps, ThreadStride(),
        )  # fmt: skip
        return Launch(c.kernel("winograd_phase_weights", self.ctx), words, self.blocks * parts)

    def _to_points(self, v: Address, v_point: int, unit: int, relative: bool) -> Launch:
        c, p = self.c, self.phases
        patch = self.ctx.thread_scratch(c.points * self.lanes * c.item)
        words: tuple[Word, ...] = (
            c.x, *c.x_strides, *c.tiles, *p.limit, p.stride, p.channels, p.runs,
            v, ThreadStride() if relative else 0, v_point, self.v_tile, unit, self.tiles, int(relative),
            patch, ThreadStride(),
        )  # fmt: skip
        return Launch(c.kernel("winograd_phases", self.ctx), words, -(-self.tiles // unit))


def launches(op: ops.Conv, x: View, w: View, y: View, tile: int, ctx: Context, tail: Tail) -> list[Launch]:
    """The launches of ``ops.Conv`` with equal strides, a square window and one group."""
    stride, window, channels, item = op.stride[0], w.shape[2], x.shape[1], x.item_bytes
    xs, ys, ws = byte_strides(x), byte_strides(y), byte_strides(w)
    start = Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])
    geometry = Winograd(
        x.dtype, start, (xs[0], xs[2], xs[3]), address_of(y), (ys[0], ys[2], ys[3]),
        (y.shape[0], y.shape[2], y.shape[3]), tile, -(-window // stride), stride**2 * channels, 1, w.shape[0],
        address_of(w), 0, ws[1], ws[0], flipped=False,
    )  # fmt: skip
    # what the windows reach; beyond the map lies zeroed padding
    limit = (x.shape[2] + 2 * op.pad[0], x.shape[3] + 2 * op.pad[1])
    phases = Phases(stride, window, channels, limit, xs[3] == channels * item)
    return _Strided(geometry, phases, ctx).fused(tail)
