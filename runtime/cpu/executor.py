"""The CPU executor: launches bound to addresses, walked by the team."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from runtime.cpu import families  # noqa: F401  (fills the registry of launchers)
from runtime.cpu.cores import thread_count
from runtime.cpu.isa import CpuTarget, detect
from runtime.cpu.launch import LAUNCHERS, PACKED, ArgsOf, Context, FunctionOf, Launch, ThreadStride, kernel_file
from runtime.cpu.matmul import shared_operands
from runtime.cpu.objects import kernel_cache
from runtime.cpu.team import Order, Team, team, walker
from runtime.executor import Executor, Memory, Store, Traits
from runtime.plan import Plan
from runtime.vector.kernel import Address, Kernel, Symbol, Word, bits


class CpuExecutor(Executor):
    """Runs a plan on the CPU.

    Parameters
    ----------
    plan, store
        What to run, and the state shared with other plans.
    threads
        Members of the team.
    target
        The CPU; this one unless given.

    Attributes
    ----------
    launches
        The launches of each step of the plan.
    kernels
        Number of distinct kernels bound.
    compiled, compile_seconds
        How many of them were in no cache and had to be compiled, and how long that took.
    """

    def __init__(self, plan: Plan, store: Store, threads: int, target: CpuTarget | None = None) -> None:
        super().__init__(plan, store)
        self.target = target or detect()
        self.threads = threads
        keep = not plan.segment("update", "commit")
        context = Context(self.target, plan.dtype, keep_packed=keep, shared=shared_operands(plan))
        self.launches: list[list[Launch]] = [context.launches(step) for step in plan.steps]
        self._thread_bytes = -(-context.thread_bytes // 4096) * 4096
        self.memories["scratch"] = Memory(context.scratch_bytes)
        self.memories[PACKED] = Memory(context.packed_bytes)
        self.memories["thread"] = Memory(self._thread_bytes * threads)
        self.memories["status"] = Memory(64)
        self._status = self.memories["status"].bytes[:8].view(np.int64)
        self._bind()
        self._team = team(threads, self.target)

    @property
    def kernels(self) -> int:
        """Number of distinct kernels."""
        return len(self._functions)

    def run(self, *segments: str) -> int:
        """Runs the steps of these segments in the plan's order, in one walk.

        Returns
        -------
        int
            0, or ``NOT_FINITE`` where a guard stopped the walk.
        """
        fresh = self._is_fresh(segments)
        order = self._orders.get((segments, fresh))
        if order is None:
            table = np.concatenate([_NO_ROWS, *self._select(segments, fresh)])
            order = self._orders[segments, fresh] = Order(table, self._status)
        self._ready().run(order)
        if not _WRITERS.isdisjoint(segments):
            self.store.changed()
        return int(self._status[0])

    def _is_fresh(self, segments: tuple[str, ...]) -> bool:
        """Whether what these segments keep of the parameters is up to date; it is after the run that asks."""
        fresh = self._versions.get(segments) == self.store.version
        self._versions[segments] = self.store.version
        return fresh and self.memories[PACKED].size > 0

    def _select(self, segments: tuple[str, ...], fresh: bool) -> list[np.ndarray]:
        """Rows of the steps of these segments, without what need not be refreshed."""
        wanted = [
            launches for step, launches in zip(self.plan.steps, self.launches, strict=True) if step.segment in segments
        ]
        return [self._rows([x for x in launches if not (fresh and x.refresh)]) for launches in wanted]

    def time_steps(self, *segments: str) -> list[float]:
        """Runs the steps of these segments, a barrier after each launch; seconds of each step in the plan's order."""
        tables = self._select(segments, self._is_fresh(segments))
        table = np.concatenate([_NO_ROWS, *tables])
        stamps = np.zeros(len(table) + 1, np.int64)
        self._walk(table, stamps)
        # a walk that a guard stopped leaves the later stamps at 0
        spent = np.maximum(np.diff(stamps), 0) * 1e-9
        ends = np.cumsum([len(t) for t in tables], dtype=np.int64)
        return [float(part.sum()) for part in np.split(spent, ends[:-1])] if tables else []

    def peak(self) -> float:
        """Arithmetic operations a second that the team reaches in a loop of multiply-adds, in the plan's dtype."""
        lanes, rounds = self.target.lanes(self.plan.dtype), 200_000
        kernel = kernel_file("peak", DTYPE=self.plan.dtype, LANES=lanes)
        function = kernel_cache(self.target).load([kernel])[kernel]
        sink = np.zeros(self.threads * 64, np.float64)
        words = np.array([sink.ctypes.data, rounds], np.int64)
        return 2.0 * 12 * lanes * rounds * self.threads / self._shortest(function, words, self.threads)

    def bandwidth(self) -> float:
        """Bytes a second that the team reads and writes, copying what no cache holds."""
        chunks, count = 256, 64 * 1024
        kernel = kernel_file("stream", LANES=self.target.lanes("f32"))
        function = kernel_cache(self.target).load([kernel])[kernel]
        source, to = Memory(4 * chunks * count), Memory(4 * chunks * count)
        words = np.array([source.address, to.address, count], np.int64)
        return 2.0 * source.size / self._shortest(function, words, chunks)

    def _shortest(self, function: int, words: np.ndarray, chunks: int) -> float:
        """Seconds of the fastest of three runs of a kernel on its own."""
        table = np.array([[function, words.ctypes.data, chunks, 1]], np.int64)
        best = float("inf")
        for _ in range(3):
            stamps = np.zeros(2, np.int64)
            self._walk(table, stamps)
            best = min(best, float(stamps[1] - stamps[0]) * 1e-9)
        return best

    def poison(self) -> None:
        """Fills arena, scratch and the margins of all memories with NaN, for tests."""
        self._versions.clear()
        for name, memory in self.memories.items():
            if name != "status":
                memory.poison(spare_only=name not in ("arena", "scratch", "thread", PACKED))

    def close(self) -> None:
        """Lets go of the memory that the executor owns; the team stays."""
        super().close()
        self._orders.clear()

    def _walk(self, table: np.ndarray, stamps: np.ndarray | None = None) -> None:
        self._ready().walk(table, self._status, stamps)

    def _ready(self) -> Team:
        """The team, before a walk."""
        if self._team.gone:
            self._team = team(self.threads, self.target)
        self._status[0] = 0
        return self._team

    def _bind(self) -> None:
        """Compiles the kernels and writes every argument word."""
        everything = _with_nested([launch for step in self.launches for launch in step])
        kernels = dict.fromkeys(k for launch in everything for k in _kernels(launch))
        cache = kernel_cache(self.target)
        compiled, seconds = cache.compiled, cache.seconds
        self._functions = cache.load([*kernels, walker(self.target)])  # the team's too: compiled beside the others
        del self._functions[walker(self.target)]
        self.compiled, self.compile_seconds = cache.compiled - compiled, cache.seconds - seconds
        starts, total = {}, 0
        for launch in everything:
            starts[launch] = total
            total += len(launch.args)
        self._words = np.zeros(max(total, 1), np.int64)
        self._places = {launch: self._words.ctypes.data + 8 * start for launch, start in starts.items()}
        for launch in everything:
            start = starts[launch]
            self._words[start : start + len(launch.args)] = [self._resolve(w) for w in launch.args]
        self._orders: dict[tuple[tuple[str, ...], bool], Order] = {}
        self._versions: dict[tuple[str, ...], int] = {}

    def _rows(self, launches: Sequence[Launch]) -> np.ndarray:
        rows = [(self._functions[x.kernel], self._places[x], x.chunks, int(x.barrier)) for x in launches]
        return np.array(rows, np.int64).reshape(-1, 4)

    def _resolve(self, word: Word) -> int:
        if isinstance(word, Address):
            return self.memories[word.memory].address + word.offset
        if isinstance(word, FunctionOf):
            return self._functions[word.kernel]
        if isinstance(word, ArgsOf):
            return self._places[word.launch]
        if isinstance(word, ThreadStride):
            return self._thread_bytes
        assert not isinstance(word, Symbol), f"nobody resolves {word}"
        return bits(word) if isinstance(word, float) else word


_WRITERS = frozenset(("init", "update", "commit"))
"""Segments that write parameters."""

_NO_ROWS = np.zeros((0, 4), np.int64)


def _with_nested(launches: list[Launch]) -> list[Launch]:
    """The launches and those whose arguments they carry, each once."""
    found: dict[Launch, None] = {}
    todo = list(launches)
    while todo:
        launch = todo.pop()
        if launch not in found:
            found[launch] = None
            todo.extend(w.launch for w in launch.args if isinstance(w, ArgsOf))
    return list(found)


def _kernels(launch: Launch) -> list[Kernel]:
    return [launch.kernel, *(w.kernel for w in launch.args if isinstance(w, FunctionOf))]


def kernels_of(plan: Plan) -> list[list[Kernel]]:
    """The kernels that each step calls, those of its epilogue too."""
    context = Context(detect(), plan.dtype)
    called = (_with_nested(context.launches(step)) for step in plan.steps)
    return [[kernel for launch in launches for kernel in _kernels(launch)] for launches in called]


def open_plan(plan: Plan, store: Store, threads: int | None = None, device: str = "cpu") -> CpuExecutor:
    """The executor of ``plan`` with this many threads (see ``thread_count``); there is one CPU."""
    return CpuExecutor(plan, store, thread_count(threads))


def traits() -> Traits:
    """Vectors of the CPU of this process, and the ways that launchers are registered for."""
    return Traits(detect().vector_bytes, LAUNCHERS.ways())
