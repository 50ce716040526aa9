"""Portable primitives on a GPU: every thread does one chunk."""

from __future__ import annotations

from runtime.cuda.launch import Context, Launch, blocks_for, launcher
from runtime.plan import Step
from runtime.portable import families  # noqa: F401  (fills the registry)
from runtime.portable.site import LAUNCHERS as PORTABLE
from runtime.portable.site import Work
from runtime.vector.kernel import Address, Kernel, Symbol, Word

BLOCK = 64
"""Few threads a block: there are seldom many chunks, and they should reach all multiprocessors."""

THREADS = 1 << 14
"""Chunks worth having."""

_CPU_HEAD = "def kernel(args, first, last, thread):\n"
_GPU_HEAD = """from runtime.cuda.simt import place as number_of_thread


def kernel(args):
    first = number_of_thread()
    if first >= word(args, {last}):
        return
    last = first + 1
    thread = first
"""


class GpuSite:
    """A GPU as portable launchers see it (``runtime.portable.site.Site``)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.own_bytes = 0

    def lanes(self, dtype: str, held: int = 1) -> int:
        """Elements of the widest load; one where vectors would not fit into registers."""
        return self._context.lanes(dtype) if held == 1 else 1

    def scratch(self, size: int) -> Address:
        """Bytes of the step."""
        return self._context.scratch(size)

    def own(self, size: int) -> tuple[Word, Word]:
        """Bytes of each thread; taken when it is known how many there are."""
        self.own_bytes = -(-size // 64) * 64
        return Own(), self.own_bytes

    def chunk(self, units: int, work: float) -> int:
        """One: there are threads enough."""
        return 1

    def parts(self, leads: int, most: int, worth: int) -> int:
        """As many as keep the device busy."""
        return max(1, min(most, -(-THREADS // leads)))


class Own(Symbol):
    """The address of the threads' own scratch, until it is known how many there are."""


def portable_step(step: Step, context: Context) -> list[Launch]:
    """The launch of a portable primitive, with its epilogue."""
    site = GpuSite(context)
    work = PORTABLE[type(step.op)](step, site)
    if work.chunks == 0:
        return context.tail(step)
    own = context.scratch(site.own_bytes * work.chunks) if site.own_bytes else None
    words: tuple[Word, ...] = tuple(own if own and isinstance(w, Own) else w for w in work.words)
    grid = blocks_for(work.chunks, BLOCK)
    return [Launch(_one_chunk(work), (*words, work.chunks), grid, BLOCK), *context.tail(step)]


def _one_chunk(work: Work) -> Kernel:
    """The kernel as every thread of a grid runs it."""
    head = _GPU_HEAD.format(last=len(work.words))
    text = work.kernel.text.replace(_CPU_HEAD, f"from runtime.vector.simd import word\n{head}")
    if text == work.kernel.text:
        raise ValueError(f"kernel {work.kernel.name} does not begin as portable kernels do")
    return Kernel(work.kernel.name, text)


for _primitive in PORTABLE:
    launcher(_primitive)(portable_step)
