"""Source text of the depthwise kernels: unrolled over a window's columns and several output pixels.

Vectors over channels. A block of output pixels goes through all channels before
the next, so that memory is read and written in runs; within a tap row each
input vector is loaded once for all outputs that it reaches. Loops over tap rows
are loops: the text depends on the window's columns alone. Strides in bytes.
"""

from __future__ import annotations

import functools

from runtime.cpu.unroll import MOST, indented, prefetches
from runtime.plan import ITEM_BYTES
from runtime.vector.kernel import Kernel

Taps = tuple[tuple[int, int], ...]
"""(column of the packed weights, input pixel) of each tap that reaches an output.

Where an output sums over ``gather`` input channels, the columns and pixels of
the j-th are those times ``gather``, plus j.
"""

WIDE = 7
"""Pixels of a block where the registers hold them: maps are often 7, 14, 28, 56, 112 wide."""

CONVOLVE_WORDS = 16
ROW_WORDS = 4
GRADIENT_WORDS = 18

_HEAD = """from runtime.vector import simd
from runtime.vector.simd import call, fma, least, prefetch_run, prefetch_run_write, vectors, word
from runtime.vector.words import unpack
V = vectors({scalar!r}, {lanes})
load, store, store_tail, splat = V.load, V.store, V.store_tail, V.splat
read = {read}
def kernel(args, first, last, thread):
    ({words}) = unpack(args, {count})
"""


def _block(outputs: int, taps: int, registers: int) -> int:
    """Positions of a block: ``outputs`` sums a position, ``taps`` weights in registers with them."""
    fit = max(1, (registers - taps - 2) // max(1, outputs))
    return max(1, min(WIDE, fit, MOST // max(1, taps)))


def _reader(scalar: str, lanes: int, spread: int, gather: int) -> str:
    """Text of the function that loads input channels for a vector of output channels."""
    if spread > 1:
        return f"simd.repeating_loader({scalar!r}, {lanes}, {spread})"
    return f"simd.skipping_loader({scalar!r}, {lanes}, {gather})" if gather > 1 else "V.load"


def _stores(places: list[tuple[str, int]], vector: int) -> list[str]:
    """Lines that store sums at pixels of ``q``: masked alone where that costs no more (AVX-512)."""
    tails = [f"store_tail(q + {at} * y_pixel, 0, {name}, channels - c)" for name, at in places]
    if vector == 64:
        return tails
    whole = [f"store(q + {at} * y_pixel, 0, {name})" for name, at in places]
    return [
        "if channels - c >= LANES:", *(f"    {line}" for line in whole), "else:", *(f"    {line}" for line in tails),
    ]  # fmt: skip


def _tap_row(sums: dict[str, Taps], gather: int) -> list[str]:
    """Lines that add one tap row, of x at ``t`` and of weights at ``k``: each input pixel loaded once, in order."""
    lines = []
    columns = sorted({u for taps in sums.values() for u, _ in taps})
    lines += [f"w{u} = load(k, {u} * LANES)" for u in columns]
    for pixel in sorted({at for taps in sums.values() for _, at in taps}):
        lines.append(f"v = read(t + {pixel // gather} * x_pixel, {pixel % gather})")
        lines += [f"{s} = fma(v, w{u}, {s})" for s, taps in sums.items() for u, at in taps if at == pixel]
    return lines


@functools.cache
def convolve_text(
    scalar: str, lanes: int, registers: int, phases: tuple[Taps, ...], step: int, spread: int, gather: int
) -> Kernel:
    """The kernel that makes rows of a depthwise convolution or of its input gradient.

    Output pixel len(phases) j + f is the sum over the tap rows that reach its
    row and over ``phases[f]`` of weight x input pixel ``step`` j + offset. Behind
    the words lie ``ROW_WORDS`` for each phase of rows (number of tap rows,
    offset of the first input row, offset of its weights, weights' step), then
    the epilogues. Each input channel serves ``spread`` outputs, or each output
    sums over ``gather`` input channels; the other is 1.
    """
    wide = _block(len(phases), len({u for taps in phases for u, _ in taps}), registers)
    sums = {
        f"a{j}_{f}": tuple((u, at + step * gather * j) for u, at in taps)
        for j in range(wide)
        for f, taps in enumerate(phases)
    }
    many, item = len(phases), ITEM_BYTES[scalar]
    places = [(f"a{j}_{f}", many * j + f) for j in range(wide) for f in range(many)]
    block = [
        *(f"{name} = splat(0.0)" for name in sums),
        "t = p", "k = weight + skip",
        "for _ in range(taps):", *(f"    {line}" for line in _tap_row(sums, gather)),
        "    t += tap_row", "    k += weight_step",
        *prefetches(wide * step, step, "tap_row", wide * many, lanes * item),
        *_stores(places, lanes * item),
        f"p += {lanes * item * gather // spread}", f"q += LANES * {item}", "weight += column_bytes", "c += LANES",
    ]  # fmt: skip
    single = []
    for f, taps in enumerate(phases):
        lines = [
            "a = splat(0.0)", "t = p", "k = weight + skip",
            "for _ in range(taps):", *(f"    {line}" for line in _tap_row({"a": taps}, gather)),
            "    t += tap_row", "    k += weight_step",
            f"store_tail(q + {f} * y_pixel, 0, a, channels - c)",
        ]  # fmt: skip
        single += [f"if {many} * j + {f} < width:", *(f"    {line}" for line in lines)]
    single += block[-4:]
    words = (
        "x, x_image, x_row, x_pixel, tap_row, y, y_image, y_row, y_pixel, "
        "height, width, rows, rows_a_chunk, channels, weights, column_bytes, row_phases"
    )
    start = [f"p = from_x + at * {step} * x_pixel", f"q = to_y + at * {many} * y_pixel", "weight = weights", "c = 0"]
    text = (
        _HEAD.format(
            scalar=scalar,
            lanes=lanes,
            read=_reader(scalar, lanes, spread, gather),
            words=words,
            count=CONVOLVE_WORDS + 1,
        )
        + f"""    table = {CONVOLVE_WORDS + 1}
    behind = table + {ROW_WORDS} * row_phases
    epilogues = word(args, behind)
    whole = width // {many}
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        for row in range(row0, row1):
            n = row // height
            h = row - n * height
            i = h // row_phases
            mine = table + {ROW_WORDS} * (h - i * row_phases)
            taps = word(args, mine)
            skip = word(args, mine + 2)
            weight_step = word(args, mine + 3)
            from_x = x + n * x_image + i * x_row + word(args, mine + 1)
            to_y = y + n * y_image + h * y_row
            j = 0
            if whole >= {wide}:
                while j < whole:
                    # the last block begins earlier and computes some pixels again
                    at = least(j, whole - {wide})
{indented([*start, "next_x = p + taps * tap_row", "next_y = q + y_row"], 5)}                    while c < channels:
{indented(block, 6)}                    j += {wide}
                j = whole
            while {many} * j < width:
                at = j
{indented(start, 4)}                while c < channels:
{indented(single, 5)}                j += 1
        for e in range(epilogues):
            call(word(args, behind + 1 + 2 * e), word(args, behind + 2 + 2 * e), row0, row1, thread)
"""
    )
    return Kernel(f"depthwise_{scalar}", text.replace("LANES", str(lanes)))


@functools.cache
def gradient_text(
    scalar: str, lanes: int, registers: int, taps: int, stride: int, dilation: int, spread: int
) -> Kernel:
    """The kernel that sums weight gradients over ranges of rows (parts); a partial is [(r, s)][channel].

    Each block's sums are added to what the part has: sums of sums, which round
    less. Each channel of x serves ``spread`` of dy.
    """
    wide = _block(1, taps, registers)
    item = ITEM_BYTES[scalar]

    def lines(pixels: int) -> list[str]:
        found: dict[int, list[str]] = {}
        for j in range(pixels):
            for s in range(taps):
                found.setdefault(stride * j + dilation * s, []).append(f"a{s} = fma(v, d{j}, a{s})")
        sums = [line for at in sorted(found) for line in (f"v = read(t + {at} * x_pixel, 0)", *found[at])]
        return [
            *(f"d{j} = load(q + {j} * y_pixel, 0)" for j in range(pixels)),
            "t = p", "at = to",
            "for _ in range(taps_r):",
            *(f"    a{s} = splat(0.0)" for s in range(taps)),
            *(f"    {line}" for line in sums),
            *(f"    store(at + {s} * row_bytes, 0, load(at + {s} * row_bytes, 0) + a{s})" for s in range(taps)),
            "    t += tap_row", f"    at += {taps} * row_bytes",
            *(prefetches(pixels * stride, stride, "tap_row", pixels, lanes * item) if pixels > 1 else ()),
            f"p += {lanes * item // spread}", f"q += LANES * {item}", f"to += LANES * {item}", "c += LANES",
        ]  # fmt: skip

    words = (
        "x, x_image, x_row, x_pixel, tap_row, taps_r, y, y_image, y_row, y_pixel, "
        "height, width, rows, parts, channels, channels_a_chunk, partials, part_bytes, row_bytes"
    )
    start = ["p = from_x + j * step", "q = from_y + j * y_pixel", "to = partial", "c = c0"]
    ahead = ["next_x = p + taps_r * tap_row", "next_y = q + y_row"]
    text = (
        _HEAD.format(
            scalar=scalar, lanes=lanes, read=_reader(scalar, lanes, spread, 1), words=words, count=GRADIENT_WORDS + 1
        )
        + f"""    column_chunks = -(-channels // channels_a_chunk)
    step = {stride} * x_pixel
    for chunk in range(first, last):
        part = chunk // column_chunks
        c0 = (chunk - part * column_chunks) * channels_a_chunk
        c1 = least(channels, c0 + channels_a_chunk)
        partial = partials + part * part_bytes + c0 * {item}
        for tap in range(taps_r * {taps}):
            for c in range(0, c1 - c0, LANES):
                store(partial + tap * row_bytes, c, splat(0.0))
        for row in range(part * rows // parts, (part + 1) * rows // parts):
            n = row // height
            h = row - n * height
            from_x = x + n * x_image + h * x_row + c0 // {spread} * {item}
            from_y = y + n * y_image + h * y_row + c0 * {item}
            j = 0
            while j + {wide} <= width:
{indented([*start, *ahead], 4)}                while c < c1:
{indented(lines(wide), 5)}                j += {wide}
            while j < width:
{indented(start, 4)}                while c < c1:
{indented(lines(1), 5)}                j += 1
"""
    )
    return Kernel(f"depthwise_weight_grad_{scalar}", text.replace("LANES", str(lanes)))
