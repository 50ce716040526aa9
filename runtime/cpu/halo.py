"""ClearHalo on the CPU: zeros around a map."""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, kernel_file, launcher
from runtime.plan import Step
from runtime.vector.kernel import Address, Word, byte_strides

PARTS = 8
"""Chunks of all images together, where these are fewer."""

PART_BYTES = 4096
"""Of zeros that are worth a chunk."""


@launcher(ops.ClearHalo)
def halo_step(step: Step, context: Context) -> list[Launch]:
    """The launch of a halo's clearing; none without one."""
    (view,) = step.writes
    assert view is not None, "a halo that nobody reads"
    n, c, height, width = view.shape
    image, channel, row, pixel = byte_strides(view)
    assert c == 1 or channel == view.item_bytes, "channels lie next to each other"
    rows, columns = view.halo
    if 0 in view.shape or view.halo == (0, 0):
        return []
    used = c * view.item_bytes
    across = width + 2 * columns
    # a pixel's gap belongs to another map
    runs = (across * pixel, 1, columns * pixel, 1) if used == pixel else (used, across, used, columns)
    parts = max(1, min(-(-PARTS // n), view.halo_count * view.item_bytes // (n * PART_BYTES)))
    corner = Address(view.memory, view.offset - rows * row - columns * pixel)
    words: tuple[Word, ...] = (
        corner, image, row, pixel, (width + columns) * pixel, height, rows, 2 * height if columns else 0, *runs,
        parts,
    )  # fmt: skip
    kernel = kernel_file("clear", BYTES=context.target.vector_bytes)
    return [Launch(kernel, words, n * parts, step.barrier)]
