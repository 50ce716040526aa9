"""Source text of pooling and of its gradient: unrolled over a window's columns and several pixels.

Vectors over channels; a block of pixels goes through all channels before the
next. Pixels whose windows (or, for the gradient, whose outputs) are cut by the
map's sides take a path of their own, pixel by pixel. Loops over a window's rows
are loops. Strides in bytes; epilogues behind the words.
"""

from __future__ import annotations

import functools

from runtime.cpu.unroll import MOST, indented, prefetches
from runtime.plan import ITEM_BYTES
from runtime.vector.kernel import Kernel

WIDE = 4
"""Pixels (positions of all phases, for a gradient) of a block."""


_HEAD = """from runtime.vector.simd import (
    call, least, loader, most, prefetch_run, prefetch_run_write, select, splatter, storer, tail_storer, vectors, word
)
from runtime.vector.words import unpack
V = vectors({scalar!r}, {lanes})
load, store, store_tail, splat = V.load, V.store, V.store_tail, V.splat
store_index, store_index_tail = storer({index!r}, {lanes}), tail_storer({index!r}, {lanes})
load_index, place = loader({index!r}, "i32", {lanes}), splatter("i32", {lanes})
def kernel(args, first, last, thread):
    (
        x, x_image, x_row, x_pixel, y, y_image, y_row, y_pixel, at, at_image, at_row, at_pixel,
        channels, h_in, w_in, height, width, rows, rows_a_chunk,
        window_h, window_w, stride_h, stride_w, pad_h, pad_w, low, high, epilogues
    ) = unpack(args, 28)
    for chunk in range(first, last):
        row0 = chunk * rows_a_chunk
        row1 = least(rows, row0 + rows_a_chunk)
        for row in range(row0, row1):
            n = row // height
            h = row - n * height
"""
_TAIL = """        for e in range(epilogues):
            call(word(args, 28 + 2 * e), word(args, 29 + 2 * e), row0, row1, thread)
"""


def block(found: int, window: int, outputs: int, sums: int, registers: int) -> int:
    """Positions of a block among ``found`` that may go in blocks: ``outputs`` pixels a position, 0 for no blocks.

    ``sums`` registers a pixel. One of few sizes, so that nets need few kernels.
    """
    fit = max(1, min(WIDE, (registers - window - 3) // (outputs * sums), MOST // max(1, window)))
    return next((size for size in (WIDE, 2, 1) if size <= min(fit, found)), 0)


def _stores(names: list[str], indices: list[str]) -> list[str]:
    """Lines that store a block's pixels at ``q`` and, where an index is wanted, at ``k``."""
    lines = []
    for condition, tail, rest in (("if channels - c >= LANES:", "", ""), ("else:", "_tail", ", channels - c")):
        lines.append(condition)
        lines += [f"    store{tail}(q + {j} * y_pixel, 0, {name}{rest})" for j, name in enumerate(names)]
        if indices:
            lines.append("    if at != 0:")
            lines += [f"        store_index{tail}(k + {j} * at_pixel, c, {i}{rest})" for j, i in enumerate(indices)]
    return lines


@functools.cache
def pool_text(scalar: str, lanes: int, mode: str, index: str, wide: int, window: int, stride: int) -> Kernel:
    """The kernel of ``ops.Pool`` for windows of ``window`` columns.

    Output pixels ``low`` to ``high`` have whole windows and go in blocks of
    ``wide``; ``high`` = 0: none. MAX: the first largest wins, NaN wins over numbers; the index (none
    where its address is 0) counts within the unclipped window. AVE: Caffe's
    divisor, which counts the padding up to H + pad.
    """
    is_max, vector = mode == "max", lanes * ITEM_BYTES[scalar]
    pixels = range(wide)
    reach = sorted({stride * j + s for j in pixels for s in range(window)})
    lines = ["t = p"]
    if is_max:
        for j in pixels:
            lines += [f"b{j} = load(t + {stride * j} * x_pixel, 0)", f"i{j} = place(r0 * {window})"]
    else:
        lines += [f"b{j} = splat(0.0)" for j in pixels]
    lines.append("for r in range(r0, r1):")
    if is_max:
        lines += [f"    s{s} = place(r * {window} + {s})" for s in range(window)]
    for at in reach:
        lines.append(f"    v = load(t + {at} * x_pixel, 0)")
        for j in pixels:
            s = at - stride * j
            if not 0 <= s < window:
                continue
            if is_max:
                lines += [
                    f"    larger = ~(v <= b{j}) & (b{j} == b{j})",
                    f"    b{j} = select(larger, v, b{j})", f"    i{j} = select(larger, s{s}, i{j})",
                ]  # fmt: skip
            else:
                lines.append(f"    b{j} = b{j} + v")
    lines.append("    t += x_row")
    if not is_max:
        lines += [f"b{j} = b{j} / divisor" for j in pixels]
    lines += _stores([f"b{j}" for j in pixels], [f"i{j}" for j in pixels] if is_max else [])
    lines += prefetches(wide * stride, stride, "x_row", wide, vector)
    lines += [f"p += {vector}", f"q += {vector}", "c += LANES"]
    text = (
        _HEAD.format(scalar=scalar, lanes=lanes, index=index)
        + f"""            top = h * stride_h - pad_h
            r0 = most(0, -top)
            r1 = least(window_h, h_in - top)
            span = least(window_h, h_in + pad_h - top)
            from_x = x + n * x_image + (top + r0) * x_row - pad_w * x_pixel
            to_y = y + n * y_image + h * y_row
            to_at = at + n * at_image + h * at_row
            w = 0
            while w < width:
                if w == low and w < high:
                    divisor = splat(float(span * {window}))
                    while w < high:
                        # the last block begins earlier and computes some pixels again
                        j = least(w, high - {wide})
                        p = from_x + j * {stride} * x_pixel
                        q = to_y + j * y_pixel
                        k = to_at + j * at_pixel
                        next_x = p + (r1 - r0) * x_row
                        next_y = q + y_row
                        c = 0
                        while c < channels:
{indented(lines, 7)}                        w += {wide}
                    w = high
                else:
{indented(_clipped(is_max), 5)}                    w += 1
{_TAIL}"""
    )
    return Kernel(f"pool_{mode}_{scalar}", text.replace("LANES", str(lanes)))


def _clipped(is_max: bool) -> list[str]:
    """Lines that pool one pixel, wherever its window lies."""
    lines = [
        "left = w * stride_w - pad_w",
        "s0 = most(0, -left)",
        "s1 = least(window_w, w_in - left)",
        "p = from_x + (w * stride_w + s0) * x_pixel",
        "q = to_y + w * y_pixel",
        "k = to_at + w * at_pixel",
    ]
    if not is_max:
        return [
            *lines,
            "divisor = splat(float(span * least(window_w, w_in + pad_w - left)))",
            "for c in range(0, channels, LANES):",
            "    total = splat(0.0)",
            "    for r in range(r1 - r0):",
            "        t = p + r * x_row",
            "        for _ in range(s0, s1):",
            "            total = total + load(t, c)",
            "            t += x_pixel",
            "    store_tail(q, c, total / divisor, channels - c)",
        ]
    return [
        *lines,
        "for c in range(0, channels, LANES):",
        "    best = load(p, c)",
        "    which = place(r0 * window_w + s0)",
        "    for r in range(r0, r1):",
        "        t = p + (r - r0) * x_row",
        "        for s in range(s0, s1):",
        "            v = load(t, c)",
        "            larger = ~(v <= best) & (best == best)",
        "            best = select(larger, v, best)",
        "            which = select(larger, place(r * window_w + s), which)",
        "            t += x_pixel",
        "    store_tail(q, c, best, channels - c)",
        "    if at != 0:",
        "        store_index_tail(k, c, which, channels - c)",
    ]


def reaching(window: int, stride: int, pad: int) -> list[list[tuple[int, int]]]:
    """For each phase f the (column of the window, output) that reach pixel ``stride`` j + f, outputs relative to j."""
    return [[(s, (f + pad - s) // stride) for s in range(window) if (f + pad - s) % stride == 0] for f in range(stride)]


@functools.cache
def unpool_text(
    scalar: str, lanes: int, mode: str, index: str, wide: int, window: int, stride: int, pad: int
) -> Kernel:
    """The kernel of ``ops.Unpool``: each pixel of dx gathers from the windows that reach it.

    ``x`` is dy, ``y`` is dx; positions j (of ``stride`` pixels) from ``low`` to
    ``high`` are reached by existing windows alone and go in blocks of ``wide``.
    """
    is_max, vector = mode == "max", lanes * ITEM_BYTES[scalar]
    phases = reaching(window, stride, pad)
    sums = [f"a{j}_{f}" for j in range(wide) for f in range(stride)]
    gathers: dict[int, list[str]] = {}
    for j in range(wide):
        for f, taps in enumerate(phases):
            for s, offset in taps:
                term = f"select(index == s{s}, v, splat(0.0))" if is_max else "v"
                gathers.setdefault(j + offset, []).append(f"a{j}_{f} = a{j}_{f} + {term}")
    lines = [*(f"{name} = splat(0.0)" for name in sums), "t = p", "k = u", "for i in range(i0, i1):"]
    if is_max:
        lines += [f"    s{s} = place((h + pad_h - i * stride_h) * {window} + {s})" for s in range(window)]
    else:
        lines.append("    span = least(window_h, height + 2 * pad_h - i * stride_h)")
    for offset in sorted(gathers):
        if is_max:
            lines += [f"    v = load(t + {offset} * x_pixel, 0)", f"    index = load_index(k + {offset} * at_pixel, c)"]
        else:
            across = f"least({window}, width + 2 * pad_w - (j + {offset}) * {stride})"
            lines.append(f"    v = load(t + {offset} * x_pixel, 0) * splat(1.0 / float(span * {across}))")
        lines += [f"    {line}" for line in gathers[offset]]
    lines += ["    t += x_row", "    k += at_row", *_stores(sums, [])]
    lines += prefetches(wide, 1, "x_row", wide * stride, vector)
    lines += [f"p += {vector}", f"q += {vector}", "c += LANES"]
    text = (
        _HEAD.format(scalar=scalar, lanes=lanes, index=index)
        + f"""            i0 = most(0, h + pad_h - window_h + stride_h) // stride_h
            i1 = least(h_in, (h + pad_h) // stride_h + 1)
            from_x = x + n * x_image + i0 * x_row
            from_at = at + n * at_image + i0 * at_row
            to_y = y + n * y_image + h * y_row
            w = 0
            while w < width:
                if w == low * {stride} and low < high:
                    w = low
                    while w < high:
                        # the last block begins earlier and computes some pixels again
                        j = least(w, high - {wide})
                        p = from_x + j * x_pixel
                        u = from_at + j * at_pixel
                        q = to_y + j * {stride} * y_pixel
                        next_x = p + (i1 - i0) * x_row
                        next_y = q + y_row
                        c = 0
                        while c < channels:
{indented(lines, 7)}                        w += {wide}
                    w = high * {stride}
                else:
{indented(_scattered(is_max), 5)}                    w += 1
{_TAIL}"""
    )
    return Kernel(f"unpool_{mode}_{scalar}", text.replace("LANES", str(lanes)))


def _scattered(is_max: bool) -> list[str]:
    """Lines that gather one pixel of dx, wherever it lies."""
    value = (
        "select(load_index(k, c) == place(r * window_w + s), load(t, c), splat(0.0))"
        if is_max
        else "load(t, c) * splat(1.0 / float(span * least(window_w, width + 2 * pad_w - o * stride_w)))"
    )
    return [
        "o0 = most(0, w + pad_w - window_w + stride_w) // stride_w",
        "o1 = least(w_in, (w + pad_w) // stride_w + 1)",
        "for c in range(0, channels, LANES):",
        "    total = splat(0.0)",
        "    for i in range(i0, i1):",
        "        r = h + pad_h - i * stride_h",
        "        span = least(window_h, height + 2 * pad_h - i * stride_h)",
        "        t = from_x + (i - i0) * x_row + o0 * x_pixel",
        "        k = from_at + (i - i0) * at_row + o0 * at_pixel",
        "        for o in range(o0, o1):",
        "            s = w + pad_w - o * stride_w",
        f"            total = total + {value}",
        "            t += x_pixel",
        "            k += at_pixel",
        "    store_tail(to_y + w * y_pixel, c, total, channels - c)",
    ]
