"""Launches: what a step becomes on the CPU, and the registry of who makes them.

Nothing here knows addresses or numba. A launcher (``@launcher(ops.Map)``)
turns a Step into Launches: a kernel (source text), its argument words and a
number of chunks. The executor compiles the kernels, lays out the scratch and
replaces symbolic words by addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.cpu.isa import CpuTarget
from runtime.ops import Primitive
from runtime.plan import STATE_MEMORY, Step
from runtime.vector.kernel import Address, Kernel, Symbol, Word, from_file
from runtime.vector.registry import Launchers

KERNELS = Path(__file__).with_name("kernels")

PACKED = "packed"
"""Memory of parameters in the order that kernels want, kept from run to run."""


@dataclass(frozen=True)
class FunctionOf(Symbol):
    """The address of a compiled kernel."""

    kernel: Kernel


@dataclass(frozen=True)
class ArgsOf(Symbol):
    """The address of the argument words of a launch."""

    launch: Launch


@dataclass(frozen=True)
class ThreadStride(Symbol):
    """Bytes between the scratch of thread t and of thread t + 1."""


@dataclass(frozen=True, eq=False)
class Launch:
    """One call of a kernel over ``chunks`` chunks, shared out among the team.

    ``barrier``: every earlier launch must be over before this one starts.
    ``refresh``: the result depends on parameters alone and is kept: the launch
    is left out while these have not changed.
    """

    kernel: Kernel
    args: tuple[Word, ...]
    chunks: int
    barrier: bool = True
    refresh: bool = False


@dataclass(frozen=True)
class Tail:
    """What runs behind a product on its finished rows (n * H + h of its result).

    Parameters
    ----------
    inside
        Called in order as ``fn(args, row_lo, row_hi, thread)`` on ranges of
        finished rows; the ranges depend on the shapes alone and make up all
        rows, each once.
    after
        Launched behind the product once all of that is done.
    apart
        Launched in place of both where a product cannot call on whole rows.
    """

    inside: tuple[Launch, ...] = ()
    after: tuple[Launch, ...] = ()
    apart: tuple[Launch, ...] = ()


class Context:
    """What a launcher may ask for: the target, scratch memory, the launch of an epilogue.

    One Context lives through the lowering of a whole plan; ``enter`` is called
    before each step. Scratch of a step is reused only by steps behind a later
    barrier of the plan, hence private until the step's last launch is over.

    Parameters
    ----------
    target, dtype
        The CPU and the plan's dtype.
    keep_packed
        Whether packed parameters stay from run to run: the plan never writes them.
    shared
        Segment and address of each parameter that several products of the segment read.
    """

    def __init__(
        self,
        target: CpuTarget,
        dtype: str = "f32",
        keep_packed: bool = False,
        shared: Collection[tuple[str, Address]] = frozenset(),
    ) -> None:
        self.target = target
        self.dtype = dtype
        self.keep_packed = keep_packed
        self.shared = shared
        self._segment = ""
        self._once: dict[Hashable, Address] = {}
        self.scratch_bytes = 0
        self.thread_bytes = 0
        self.packed_bytes = 0
        self._scratch = 0
        self._thread = 0

    def lanes(self, dtype: str | None = None) -> int:
        """Elements in a vector, of the plan's dtype unless given."""
        return self.target.lanes(dtype or self.dtype)

    def enter(self, step: Step) -> None:
        """Starts the lowering of ``step``."""
        self._thread = 0
        self._segment = step.segment
        if step.barrier:
            self._scratch = 0

    def scratch(self, size: int) -> Address:
        """``size`` bytes, 64-byte aligned, private to this step until its last launch is over; not cleared."""
        start, self._scratch = self._scratch, self._scratch + _aligned(size) + 256
        self.scratch_bytes = max(self.scratch_bytes, self._scratch)
        return Address("scratch", start)

    def packed(self, source: Address, size: int) -> Address:
        """``size`` bytes for ``source`` in another order; as ``scratch``, or kept where source is a parameter.

        What is written to memory ``packed`` comes from a launch with ``refresh``.
        """
        if not (self.keep_packed and source.memory in STATE_MEMORY):
            return self.scratch(size)
        start, self.packed_bytes = self.packed_bytes, self.packed_bytes + _aligned(size) + 256
        return Address(PACKED, start)

    def is_shared(self, source: Address) -> bool:
        """Whether several products of this segment read the parameter at ``source``."""
        return (self._segment, source) in self.shared

    def packed_once(self, source: Address, order: Hashable, size: int) -> tuple[Address, bool]:
        """``size`` bytes for a shared parameter in another order, and whether the caller is the first to want them.

        The first fills them by a launch with ``refresh``; they stay for all products of the segment.
        """
        key = self._segment, source, order
        first = key not in self._once
        if first:
            self._once[key] = Address(PACKED, self.packed_bytes)
            self.packed_bytes += _aligned(size) + 256
        return self._once[key], first

    def thread_scratch(self, size: int) -> Address:
        """``size`` bytes a thread, 64-byte aligned, valid within one call of a kernel.

        The answer is the address for thread 0; pass ``ThreadStride()`` as
        another word and add thread x stride in the kernel.
        """
        start, self._thread = self._thread, self._thread + _aligned(size) + 256
        self.thread_bytes = max(self.thread_bytes, self._thread)
        return Address("thread", start)

    def rows_launch(self, step: Step) -> Launch:
        """The Map ``step`` as an epilogue, called as ``fn(args, row_lo, row_hi, thread)``.

        Rows count n * H + h of the N x C x H x W result (all C and W of one n, h);
        of another rank, all axes but the last flattened.
        """
        return LAUNCHERS.of("rows")(step, self)[0]

    def tail(self, step: Step) -> Tail:
        """The step's epilogue as launches."""
        (make,) = _TAIL_MAKERS
        return make(step, self) if step.epilogue else Tail()

    def launches(self, step: Step) -> list[Launch]:
        """The launches of ``step``; empty where there is nothing to do."""
        self.enter(step)
        launches = LAUNCHERS.of(step.op, step.algorithm)(step, self)
        for k, launch in enumerate(launches[:1]):
            if launch.barrier != step.barrier:
                launches[k] = replace(launch, barrier=step.barrier)
        return launches


Launcher = Callable[[Step, Context], list[Launch]]
LAUNCHERS: Launchers[Launcher] = Launchers("the CPU")

TailMaker = Callable[[Step, Context], Tail]
_TAIL_MAKERS: list[TailMaker] = []


def tail_maker(function: TailMaker) -> TailMaker:
    """Registers the one function that lowers epilogues."""
    _TAIL_MAKERS.append(function)
    return function


def launcher(primitive: type[Primitive] | str, way: str | None = None) -> Callable[[Launcher], Launcher]:
    """Registers the function that lowers a primitive: ``(step, context) -> launches``.

    The first launch takes the step's ``barrier``; later ones must say their own.
    ``way``: see ``Launchers.register``.
    """
    return LAUNCHERS.register(primitive, way)


def kernel_file(name: str, **constants: str | int | float | bool) -> Kernel:
    """A kernel of the folder ``kernels/``, its module constants replaced (see ``from_file``)."""
    return from_file(KERNELS / f"{name}.py", **constants)


def _aligned(size: int) -> int:
    return -(-size // 64) * 64
