"""Depthwise convolution and its gradients: one input channel a group, few outputs, vectors over channels.

Source
    Caffe ``ConvolutionLayer`` with ``group`` equal to the channels; Howard et
    al. 2017, "MobileNets".
"""

from __future__ import annotations

from runtime import ops
from runtime.cpu.emit_depthwise import Taps, convolve_text, gradient_text
from runtime.cpu.launch import Context, Launch, kernel_file
from runtime.cpu.pack import Columns, Packing, called
from runtime.cpu.phases import Phase, phases
from runtime.cpu.unroll import registers
from runtime.ops import Shape
from runtime.plan import Step, View
from runtime.vector.kernel import Address, Word, address_of, byte_strides
from runtime.ways import Convolution

PARTS = 16
"""Ranges of rows that a weight gradient is summed over apart."""

CHUNK_WORK = 500_000
"""Multiply-adds of a chunk."""

MULTIPLIERS = (1, 2, 4)
"""Output channels a group; lanes are repeated or skipped so many times."""


def applies(op: Convolution, weights: Shape, lanes: int) -> bool:
    """Whether a convolution with these weights, K x C/groups x R x S, is a depthwise one for vectors of ``lanes``."""
    times = weights[0] // op.groups
    return op.groups > 1 and weights[1] == 1 and times in MULTIPLIERS and times <= lanes


def forward(op: ops.Conv, x: View, w: View, y: View, step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.Conv``."""
    xs, (r, s) = byte_strides(x), w.shape[2:]
    start = Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])
    columns: Taps = tuple((u, u * op.dilation[1]) for u in range(s))
    source = (start, xs[0], op.stride[0] * xs[2], xs[3], op.dilation[0] * xs[2])
    row = s * _vector(ctx, w)
    unrolled = ((columns,), op.stride[1], w.shape[0] // op.groups, 1)
    return _convolve(w, source, y, [(r, 0, 0, row)], unrolled, step, ctx)


def input_grad(op: ops.ConvInputGrad, dy: View, w: View, dx: View, step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvInputGrad``: all phases of a row in one pass, so that rows of dx are written once."""
    ys, (r, s) = byte_strides(dy), w.shape[2:]
    across, down = (phases(op.stride[a], w.shape[2 + a], op.stride[a], op.pad[a], op.dilation[a]) for a in (1, 0))
    leftmost = min((p.source for p in across if p.taps), default=0)
    times = w.shape[0] // op.groups
    columns = tuple(_columns(p, s, leftmost, times) for p in across)
    tap_row = next((p.source_step for p in down if p.taps > 1), 0) * ys[2]
    row = s * times * _vector(ctx, w)
    lines = [(p.taps, p.source * ys[2], (r - 1 - p.tap) * row, p.tap_step * row) for p in down]
    source = (Address(dy.memory, dy.offset + leftmost * ys[3]), ys[0], ys[2], ys[3], tap_row)
    return _convolve(w, source, dx, lines, (columns, 1, 1, times), step, ctx)


def _columns(phase: Phase, taps: int, leftmost: int, times: int) -> Taps:
    """The taps of a phase of columns, of weights packed in reverse."""
    return tuple(
        (
            times * (taps - 1 - phase.tap + t * phase.tap_step) + j,
            times * (phase.source - leftmost + t * phase.source_step) + j,
        )
        for t in range(phase.taps)
        for j in range(times)
    )


def _vector(ctx: Context, w: View) -> int:
    return ctx.lanes(w.dtype) * w.item_bytes


def _convolve(
    w: View,
    source: tuple[Word, int, int, int, int],
    y: View,
    lines: list[tuple[int, int, int, int]],
    unrolled: tuple[tuple[Taps, ...], int, int, int],
    step: Step,
    ctx: Context,
) -> list[Launch]:
    """Packing and product.

    ``source``: address, strides of image, row, pixel and tap row; ``lines``:
    phases of rows; ``unrolled``: what the kernel's text depends on.
    """
    lanes, (r, s), gather = ctx.lanes(w.dtype), w.shape[2:], unrolled[-1]
    images, channels, height, width = y.shape
    packing = _packing(w, isinstance(step.op, ops.ConvInputGrad), channels, gather, lanes)
    packed = ctx.packed(packing.source, packing.bytes)
    rows = images * height
    rows_a_chunk = max(1, min(-(-rows // 16), -(-CHUNK_WORK // (width * w.shape[0] * r * s))))
    tail = ctx.tail(step)
    ys = byte_strides(y)
    words: tuple[Word, ...] = (
        *source, address_of(y), ys[0], ys[2], ys[3],
        height, width, rows, rows_a_chunk, channels, packed, r * s * gather * _vector(ctx, w), len(lines),
        *(v for line in lines for v in line), *called(tail.inside),
    )  # fmt: skip
    kernel = convolve_text(w.dtype, lanes, registers(ctx), *unrolled)
    product = Launch(kernel, words, -(-rows // rows_a_chunk), True)
    return [packing.launch(ctx, packed, step.barrier), product, *tail.after]


def _packing(w: View, reverse: bool, channels: int, gather: int, lanes: int) -> Packing:
    """Weights as [vector of channels][r][s][one of ``gather``][lane], their taps reversed for a gradient."""
    ws, (r, s) = byte_strides(w), w.shape[2:]
    sign = -1 if reverse else 1
    first = Address(w.memory, w.offset + ((r - 1) * ws[2] + (s - 1) * ws[3] if reverse else 0))
    strides = (sign * ws[2], sign * ws[3], ws[0])
    return Packing(first, 0, 1, Columns(channels, lanes, 0), (r, s, gather), strides, gather * ws[0], w.dtype)


def weight_grad(op: ops.ConvWeightGrad, x: View, dy: View, dw: View, step: Step, ctx: Context) -> list[Launch]:
    """Launches of ``ops.ConvWeightGrad``: sums over ranges of rows, then their merge in order."""
    item, lanes = x.item_bytes, ctx.lanes(dw.dtype)
    xs, ys = byte_strides(x), byte_strides(dy)
    images, channels, height, width = dy.shape
    r, s = op.kernel
    row_bytes = -(-channels // lanes) * lanes * item
    part_bytes = r * s * row_bytes
    rows = images * height
    parts = min(rows, PARTS)
    column_chunks = max(1, -(-PARTS // parts))
    channels_a_chunk = -(-channels // lanes // column_chunks) * lanes
    partials = ctx.scratch(parts * part_bytes)
    start = Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])
    words: tuple[Word, ...] = (
        start, xs[0], op.stride[0] * xs[2], xs[3], op.dilation[0] * xs[2], r,
        address_of(dy), ys[0], ys[2], ys[3], height, width, rows, parts,
        channels, channels_a_chunk, partials, part_bytes, row_bytes,
    )  # fmt: skip
    kernel = gradient_text(dw.dtype, lanes, registers(ctx), s, op.stride[1], op.dilation[1], channels // op.groups)
    chunks = parts * -(-channels // channels_a_chunk)
    return [Launch(kernel, words, chunks, step.barrier), _merge(dw, partials, parts, part_bytes, row_bytes, ctx)]


def _merge(dw: View, partials: Address, parts: int, part_bytes: int, row_bytes: int, ctx: Context) -> Launch:
    """The sum of the parts, written as (K, 1, R, S)."""
    lanes, strides = ctx.lanes(dw.dtype), byte_strides(dw)
    k, _, r, s = dw.shape
    count = -(-k // lanes)
    words: tuple[Word, ...] = (
        partials, parts, part_bytes, part_bytes, row_bytes,
        address_of(dw), 0, strides[0], r * s, 1, 1, 1, k, count,
    )  # fmt: skip
    return Launch(kernel_file("merge", SCALAR=dw.dtype, LANES=lanes), words, count, True)
