"""ClearHalo on the CPU: zeros around a map, as two maps of the constant 0 over the frame."""

from __future__ import annotations

from runtime import ops
from runtime.cpu.launch import Context, Launch, launcher
from runtime.cpu.map import map_step
from runtime.expr import const
from runtime.plan import Step, View


@launcher(ops.ClearHalo)
def halo_step(step: Step, context: Context) -> list[Launch]:
    """The launches of a halo's clearing: rows above and below, then columns left and right."""
    (view,) = step.writes
    assert view is not None, "a halo that nobody reads"
    launches: list[Launch] = []
    for frame in _frame(view):
        op = ops.Map((const(0.0),), frame.shape)
        barrier = step.barrier and not launches
        launches += map_step(Step(op, (), (frame,), step.segment, step.origin, barrier), context)
    return [Launch(x.kernel, x.args, x.chunks, k == 0 and step.barrier) for k, x in enumerate(launches)]


def _frame(view: View) -> list[View]:
    """The halo as views: (N, 2, rows, columns, C) above and below, (N, H, 2, columns, C) left and right."""
    n, c, h, w = view.shape
    image, channel, row, pixel = view.strides
    rows, columns = view.halo
    corner = view.offset - (rows * row + columns * pixel) * view.item_bytes
    left = view.offset - columns * pixel * view.item_bytes
    above = View(
        view.memory,
        corner,
        (n, 2, rows, w + 2 * columns, c),
        (image, (h + rows) * row, row, pixel, channel),
        view.dtype,
    )
    beside = View(
        view.memory, left, (n, h, 2, columns, c), (image, row, (w + columns) * pixel, pixel, channel), view.dtype
    )
    return [v for v in (above, beside) if v.count]
