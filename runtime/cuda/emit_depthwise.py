"""The texts of depthwise kernels: windows over one channel each, vectors of channels, a few pixels a thread."""

from __future__ import annotations

from dataclasses import dataclass

from runtime import ops
from runtime.cuda.finish import Finish, Grid, Partials, Writer
from runtime.cuda.launch import ACCESS_BYTES
from runtime.cuda.product_source import ProductSource
from runtime.ops import Pair
from runtime.plan import ITEM_BYTES, View
from runtime.vector.kernel import Address, address_of, byte_strides

BLOCK = 128
"""Threads a block."""

PIXELS = 4
"""Neighbouring output pixels of a thread."""


@dataclass(frozen=True)
class Window:
    """Where the windows of a convolution lie in its input.

    Parameters
    ----------
    start
        Address of the first tap of the first pixel, which may lie outside.
    strides
        Bytes from image to image, from output row to output row, from input
        pixel to input pixel, from channel to channel.
    first, step
        Row and column of the first tap of the first pixel; their steps from
        output pixel to output pixel.
    taps, dilation
        Of the window.
    tap_row
        Bytes from a row of taps to the next.
    size
        Rows and columns of the input.
    """

    start: Address
    strides: tuple[int, int, int, int]
    first: Pair
    step: Pair
    taps: Pair
    dilation: Pair
    tap_row: int
    size: Pair


def convolve(
    window: Window, weights: Address, finish: Finish, grid: Grid, dtype: str, lanes: int
) -> tuple[ProductSource, int]:
    """The kernel of a convolution, and its threads. Weights are (r, s, channel)."""
    source, item = ProductSource(dtype, lanes), ITEM_BYTES[dtype]
    images, height, width = (p.size for p in grid.outer)
    channels = grid.columns[0].size
    pieces = -(-width // PIXELS)
    units = images * height * pieces * (channels // lanes)
    vectors, row_pieces, rows = (source.divisor(n) for n in (channels // lanes, pieces, height))
    writer_words = [source.word(v) for v in (height, width)]
    load = source.use("aligned_loader", dtype, dtype)
    zeros = source.use("splatter", dtype)
    step = window.step[1]
    source.line("unit = place()")
    with source.block(f"if unit < {source.word(units)}:"):
        source.line(
            f"column, unit = rest(args, {vectors}, unit) * LANES, over(args, {vectors}, unit)",
            f"first, unit = rest(args, {row_pieces}, unit) * {PIXELS}, over(args, {row_pieces}, unit)",
            f"image, down = over(args, {rows}, unit), rest(args, {rows}, unit)",
            f"h = down * {source.word(window.step[0])} + {source.word(window.first[0])}",
            f"w = first * {step} + {source.word(window.first[1])}",
            f"at = {source.word(window.start)} + image * {source.word(window.strides[0])}"
            f" + down * {source.word(window.strides[1])} + column * {source.word(window.strides[3])}"
            f" + first * {source.word(step * window.strides[2])}",
            f"weight, tap = {source.word(weights)} + column * {item}, 0",
            *(f"s{p} = {zeros}(0.0)" for p in range(PIXELS)),
        )
        if 0 not in window.taps:  # a phase of a stride beyond the window has none
            _taps(source, window, channels * item, load, zeros)
        _finish(source, finish, writer_words, dtype)
    return source, units


def _taps(source: ProductSource, window: Window, row: int, load: str, zeros: str) -> None:
    """Lines that add up all taps of a thread's pixels; ``row``: bytes of a tap's weights."""
    step, dilation, taps = window.step[1], window.dilation[1], range(window.taps[1])
    limit = source.word(window.size[1])
    with source.block(f"while tap < {source.word(window.taps[0])}:"):
        with source.block(f"if within(h, {source.word(window.size[0])}):"):
            for d in sorted({p * step + s * dilation for p in range(PIXELS) for s in taps}):
                source.line(f"x{d} = {zeros}(0.0)")
                with source.block(f"if within(w + {d}, {limit}):"):
                    source.line(f"x{d} = {load}(at + {source.word(d * window.strides[2])}, 0)")
            for s in taps:
                source.line(f"f = {load}(weight + {source.word(s * row)}, 0)")
                source.line(*(f"s{p} = fma(x{p * step + s * dilation}, f, s{p})" for p in range(PIXELS)))
        source.line(
            f"h += {source.word(window.dilation[0])}",
            f"at += {source.word(window.tap_row)}",
            f"weight += {source.word(window.taps[1] * row)}",
            "tap += 1",
        )


def _finish(source: ProductSource, finish: Finish, size: list[str], dtype: str) -> None:
    """Lines that finish a thread's pixels one by one, from shared memory that no other thread touches."""
    source.bind("keep", f"shared_storer({dtype!r}, {source.lanes})")
    source.bind("again", f"shared_loader({dtype!r}, {source.lanes})")
    writer = Writer(source, finish)
    source.line(f"mine, pixel = thread() * {ACCESS_BYTES}, 0")
    source.line(*(f"keep(mine + {p * BLOCK * ACCESS_BYTES}, 0, s{p})" for p in range(PIXELS)))
    with source.block(f"while pixel < {PIXELS}:"):
        with source.block(f"if first + pixel < {size[1]}:"):
            source.line(f"number = (image * {size[0]} + down) * {size[1]} + first + pixel")
            source.line(f"value = again(mine + pixel * {BLOCK * ACCESS_BYTES}, 0)")
            writer.body()
        source.line("pixel += 1")


def differentiate(
    op: ops.ConvWeightGrad, x: View, dy: View, partials: Partials, lanes: int, across: int
) -> ProductSource:
    """The kernel of a weight gradient: the sums of a range of rows for one row of taps.

    ``across`` threads of a block lie along channels; the others take rows in
    turn, and their sums are added up in order.
    """
    dtype, item = dy.dtype, dy.item_bytes
    source = ProductSource(dtype, lanes)
    xs, ys = byte_strides(x), byte_strides(dy)
    images, channels, height, width = dy.shape
    taps, bits, threads = op.kernel[1], across.bit_length() - 1, BLOCK // across
    rows = source.divisor(height)
    load, zeros = source.use("aligned_loader", dtype, dtype), source.use("splatter", dtype)
    per_part = -(-images * height // partials.count)
    start = Address(x.memory, x.offset - op.pad[0] * xs[2] - op.pad[1] * xs[3])
    source.bind("keep", f"shared_storer({dtype!r}, {lanes})")
    source.bind("again", f"shared_loader({dtype!r}, {lanes})")
    source.line(
        f"t, tap_row = thread(), block_z() * {source.word(op.dilation[0])}",
        f"across, turn = t & {across - 1}, t >> {bits}",
        f"column = (block() * {across} + across) * LANES",
        f"row = block_y() * {source.word(per_part)} + turn",
        f"end = least((block_y() + 1) * {source.word(per_part)}, {source.word(images * height)})",
        *(f"s{s} = {zeros}(0.0)" for s in range(taps)),
    )
    with source.block(f"while (row < end) & (column < {source.word(channels)}):"):
        source.line(
            f"image, down = over(args, {rows}, row), rest(args, {rows}, row)",
            f"h = down * {source.word(op.stride[0])} + tap_row - {source.word(op.pad[0])}",
        )
        with source.block(f"if within(h, {source.word(x.shape[2])}):"):
            source.line(
                f"dy = {source.word(address_of(dy))} + image * {source.word(ys[0])} + column * {source.word(ys[1])}"
                f" + down * {source.word(ys[2])}",
                f"x = {source.word(start)} + image * {source.word(xs[0])} + column * {source.word(xs[1])}"
                f" + (down * {source.word(op.stride[0])} + tap_row) * {source.word(xs[2])}",
                f"q, w = 0, 0 - {source.word(op.pad[1])}",
            )
            limit = source.word(x.shape[3])
            with source.block(f"while q < {source.word(width)}:"):
                source.line(f"d = {load}(dy, 0)")
                for s in range(taps):
                    with source.block(f"if within(w + {s * op.dilation[1]}, {limit}):"):
                        where = source.word(s * op.dilation[1] * xs[3])
                        source.line(f"s{s} = fma(d, {load}(x + {where}, 0), s{s})")
                source.line(
                    f"dy += {source.word(ys[3])}",
                    f"x += {source.word(op.stride[1] * xs[3])}",
                    f"w += {source.word(op.stride[1])}",
                    "q += 1",
                )
        source.line(f"row += {threads}")
    source.line(*(f"keep(t * {ACCESS_BYTES} + {s * BLOCK * ACCESS_BYTES}, 0, s{s})" for s in range(taps)))
    source.line("barrier()", "tap = turn")
    with source.block(f"while (tap < {taps}) & (column < {source.word(channels)}):"):
        source.line(f"slot, k = (tap * {BLOCK} + across) * {ACCESS_BYTES}, 1", "value = again(slot, 0)")
        with source.block(f"while k < {threads}:"):
            source.line(f"value = add(value, again(slot + k * {across * ACCESS_BYTES}, 0))", "k += 1")
        to = f"{source.word(partials.address)} + block_y() * {source.word(partials.part_bytes)} + column * {item}"
        tap = f"(block_z() * {taps} + tap) * {source.word(channels * item)}"
        source.line(f"{source.use('aligned_storer', dtype)}({to} + {tap}, 0, value)", f"tap += {threads}")
    return source
