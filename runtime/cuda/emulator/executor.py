"""An executor whose launches the emulator runs, on host memory: kernels against the reference without a GPU."""

from __future__ import annotations

from runtime.cuda import families  # noqa: F401  (fills the registry of launchers)
from runtime.cuda.emulator.machine import Machine
from runtime.cuda.emulator.memory import GlobalMemory
from runtime.cuda.launch import Context, Launch
from runtime.executor import Executor, Memory, Store
from runtime.plan import Plan
from runtime.vector.kernel import Address, Symbol, Word, bits


class EmulatedExecutor(Executor):
    """Runs a plan made for CUDA in the emulator.

    Parameters
    ----------
    plan, store
        As for every executor.
    math
        See ``runtime.cuda.launch.Context``; the plan's unless given.
    seed
        Of the order in which threads run.
    """

    def __init__(self, plan: Plan, store: Store, math: str | None = None, seed: int = 0) -> None:
        super().__init__(plan, store)
        context = Context(plan.dtype, math or plan.math)
        self.launches = [context.launches(step) for step in plan.steps]
        self.memories["scratch"] = Memory(context.scratch_bytes)
        self.memories["status"] = Memory(64)
        reachable = GlobalMemory()
        for memory in self.memories.values():
            reachable.add(memory.address, memory.bytes)
        self.machine = Machine(reachable, seed)

    def run(self, *segments: str) -> int:
        """Runs the steps of these segments; the status word that a guard wrote."""
        self.memories["status"].bytes[:] = 0
        for step, launches in zip(self.plan.steps, self.launches, strict=True):
            if step.segment in segments:
                for launch in launches:
                    self._launch(launch)
        return int(self.memories["status"].bytes[:4].view("i4")[0])

    def poison(self) -> None:
        """Fills arena, scratch and the margins of all memories with NaN."""
        for name, memory in self.memories.items():
            if name != "status":
                memory.poison(spare_only=name not in ("arena", "scratch"))

    def _launch(self, launch: Launch) -> None:
        words = [self._resolve(w) for w in launch.args]
        self.machine.launch(launch.kernel, words, launch.grid, launch.block, launch.shared)

    def _resolve(self, word: Word) -> int:
        if isinstance(word, Address):
            return self.memories[word.memory].address + word.offset
        assert not isinstance(word, Symbol), f"nobody resolves {word}"
        return bits(word) if isinstance(word, float) else word
