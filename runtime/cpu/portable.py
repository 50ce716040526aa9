"""Portable primitives on the CPU: their work as launches over the team."""

from __future__ import annotations

from runtime.cpu.launch import Context, Launch, ThreadStride, launcher
from runtime.cpu.pack import rows_of_chunk
from runtime.plan import Step
from runtime.portable import families  # noqa: F401  (fills the registry)
from runtime.portable.site import LAUNCHERS as PORTABLE
from runtime.vector.kernel import Address, Word

CHUNKS = 16
"""Chunks worth having."""


class CpuSite:
    """The CPU as portable launchers see it (``runtime.portable.site.Site``)."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def lanes(self, dtype: str, held: int = 1) -> int:
        """Elements of a register, of which there are enough."""
        return self._context.lanes(dtype)

    def scratch(self, size: int) -> Address:
        """Bytes of the step."""
        return self._context.scratch(size)

    def own(self, size: int) -> tuple[Word, Word]:
        """Bytes of each member of the team."""
        return self._context.thread_scratch(size), ThreadStride()

    def chunk(self, units: int, work: float) -> int:
        """See ``rows_of_chunk``."""
        return rows_of_chunk(units, work)

    def parts(self, leads: int, most: int, worth: int) -> int:
        """No more than give each member some."""
        return max(1, min(-(-CHUNKS // leads), most, worth))


def portable_step(step: Step, context: Context) -> list[Launch]:
    """The launches of a portable primitive, with its epilogue."""
    work = PORTABLE[type(step.op)](step, CpuSite(context))
    return [Launch(work.kernel, work.words, work.chunks, step.barrier), *context.tail(step).apart]


for _primitive in PORTABLE:
    launcher(_primitive)(portable_step)
