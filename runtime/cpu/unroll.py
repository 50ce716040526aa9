"""What the generators of unrolled kernels share: sizes of blocks, indentation, prefetches."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.cpu.launch import Context

LINE_BYTES = 64
"""Of a cache line."""

MOST = 64
"""Operations written out for a block: more would only take longer to compile."""


def registers(ctx: Context) -> int:
    """Vector registers of the target."""
    return 32 if ctx.target.isa == "avx512" else 16


def indented(lines: Sequence[str], depth: int) -> str:
    """The lines as text, ``depth`` levels in."""
    return "".join("    " * depth + line + "\n" for line in lines)


def prefetches(reads: int, rows: int, row: str, writes: int, vector: int) -> list[str]:
    """Lines that ask for ``reads`` vectors of each of ``rows`` rows at ``next_x``, and for ``writes`` at ``next_y``.

    Placed in a loop over vectors of channels: while a block of pixels is
    computed, as many bytes of later rows are asked for, in memory order. Pixel
    by pixel they would compete for one set of the first-level cache where
    pixels lie a multiple of 4 KB apart.
    """
    lines = [f"prefetch_run(next_x + {r} * {row}, {-(-reads * vector // LINE_BYTES)})" for r in range(rows)]
    lines.append(f"prefetch_run_write(next_y, {-(-writes * vector // LINE_BYTES)})")
    return [*lines, f"next_x += {reads * vector}", f"next_y += {writes * vector}"]
