"""Launches: what a step becomes on a GPU, and the registry of who makes them.

Nothing here knows addresses, numba or a driver. A launcher
(``@launcher(ops.Map)``) turns a Step into Launches: a kernel (source text), its
argument words and a grid. Launches of a plan run one after the other on one
stream, so that each may read what earlier ones wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import ResourceError
from runtime.ops import Primitive
from runtime.plan import ITEM_BYTES, Step
from runtime.vector.kernel import Address, Kernel, Word, from_file
from runtime.vector.registry import Launchers

KERNELS = Path(__file__).with_name("kernels")

ACCESS_BYTES = 16
"""The widest load or store of a thread; vectors are as wide."""

MOST_WORDS = 500
"""Argument words of a launch: parameters of a kernel take 4 KB at most."""

Grid = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Launch:
    """One launch of a kernel.

    Parameters
    ----------
    kernel
        Text that defines ``kernel(args)``, which every thread runs.
    args
        Argument words, passed as the kernel's parameters.
    grid
        Blocks along x, y, z.
    block
        Threads a block, a multiple of 32; all along x.
    shared
        Bytes of dynamic shared memory a block.
    """

    kernel: Kernel
    args: tuple[Word, ...]
    grid: Grid
    block: int
    shared: int = 0


class Context:
    """What a launcher may ask for: the plan's precision, scratch memory, the launches of other steps.

    One Context lives through the lowering of a whole plan. Scratch is private
    to a step until its last launch is over.

    Parameters
    ----------
    dtype
        The plan's, ``f32`` or ``f64``.
    math
        ``fast`` and ``exact`` compute in the plan's dtype; ``tf32`` and ``bf16``
        allow products of rounded factors, summed in float32.
    """

    def __init__(self, dtype: str = "f32", math: str = "fast") -> None:
        self.dtype, self.math = dtype, math
        self.scratch_bytes = 0
        self._scratch = 0

    def lanes(self, dtype: str | None = None) -> int:
        """Elements of the widest load, of the plan's dtype unless given."""
        return max(1, ACCESS_BYTES // ITEM_BYTES[dtype or self.dtype])

    def scratch(self, size: int) -> Address:
        """``size`` bytes, 256-byte aligned, private to this step; not cleared."""
        start, self._scratch = self._scratch, self._scratch + -(-size // 256) * 256
        self.scratch_bytes = max(self.scratch_bytes, self._scratch)
        return Address("scratch", start)

    def launches(self, step: Step) -> list[Launch]:
        """The launches of ``step`` with its epilogue; empty where there is nothing to do."""
        self._scratch = 0
        return self.of(step)

    def of(self, step: Step) -> list[Launch]:
        """The launches of a step that is a part of another: scratch of the other stays."""
        return LAUNCHERS.of(step.op, step.algorithm)(step, self)

    def tail(self, step: Step) -> list[Launch]:
        """The step's epilogue as launches of their own, behind the product that wrote ``writes[0]``."""
        return [launch for part in step.epilogue for launch in self.of(part)]


Launcher = Callable[[Step, Context], list[Launch]]
LAUNCHERS: Launchers[Launcher] = Launchers("CUDA")


def launcher(primitive: type[Primitive], way: str | None = None) -> Callable[[Launcher], Launcher]:
    """Registers the function that lowers a primitive: ``(step, context) -> launches``; see ``Launchers.register``."""
    return LAUNCHERS.register(primitive, way)


def kernel_file(name: str, **constants: str | int | float | bool) -> Kernel:
    """A kernel of the folder ``kernels/``, its module constants replaced (see ``from_file``)."""
    return from_file(KERNELS / f"{name}.py", **constants)


def blocks_for(threads: int, block: int) -> Grid:
    """The one-dimensional grid of at least this many threads.

    Raises
    ------
    ResourceError
        More threads than kernels can tell apart: ``over`` and ``rest`` divide numbers below 2^31.
    """
    if threads + block > 1 << 31:
        raise ResourceError(f"a kernel would need {threads} threads, more than 2^31: a smaller --batch helps")
    return (max(1, -(-threads // block)), 1, 1)
