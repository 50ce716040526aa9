"""Executes a plan step by step in NumPy, over the same views as a device would.

The oracle for kernels, layout and memory: slow, one thread, no scratch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from runtime import ops
from runtime.cpu.cores import thread_count
from runtime.executor import NOT_FINITE, Executor, Store, Traits
from runtime.plan import HEAD, NUMPY_DTYPE, Plan, Step, View
from runtime.reference.registry import Context, NotFinite, evaluate
from runtime.vector.kernel import Kernel


class ReferenceExecutor(Executor):
    """A plan bound to memory, run in NumPy.

    Parameters
    ----------
    plan, store
        As for every executor.
    precision
        ``f64`` or ``f32``: the arithmetic inside a step. What is stored has the
        dtype of its view.
    """

    def __init__(self, plan: Plan, store: Store, precision: str = "f64") -> None:
        super().__init__(plan, store)
        self._dtype: np.dtype[Any] = np.dtype(NUMPY_DTYPE[precision])

    def run(self, *segments: str) -> int:
        """Runs these segments in the plan's order; 0, or ``NOT_FINITE`` where a guard stopped the walk."""
        context = Context(self._dtype, dict(zip(HEAD, map(float, self._head), strict=True)))
        try:
            for step in self.plan.segment(*segments):
                self._step(step, context)
        except NotFinite:
            return NOT_FINITE
        return 0

    def _step(self, step: Step, context: Context) -> None:
        if isinstance(step.op, ops.ClearHalo):
            for view in step.writes:
                if view is not None:
                    self._clear_halo(view)
            return
        results = evaluate(step.op, context, [self.array(v) for v in step.reads])
        for view, result in zip(step.writes, results, strict=True):
            if view is not None:
                self.array(view)[...] = result
        for part in step.epilogue:
            self._step(part, context)

    def _clear_halo(self, view: View) -> None:
        (rows, columns), (n, c, h, w) = view.halo, view.shape
        start = view.offset - (rows * view.strides[2] + columns * view.strides[3]) * view.item_bytes
        whole = replace(view, offset=start, shape=(n, c, h + 2 * rows, w + 2 * columns), halo=(0, 0))
        around = self.array(whole)
        around[:, :, :rows] = 0
        around[:, :, rows + h :] = 0
        around[..., :columns] = 0
        around[..., columns + w :] = 0


def open_plan(plan: Plan, store: Store, threads: int | None = None, device: str = "reference") -> ReferenceExecutor:
    """For ``runtime.executor.open_executor``; there is one thread whatever is asked for, as long as it makes sense."""
    thread_count(threads)
    return ReferenceExecutor(plan, store)


def kernels_of(plan: Plan) -> list[list[Kernel]]:
    """None for any step."""
    return [[] for _ in plan.steps]


def traits() -> Traits:
    """No way but the definition."""
    return Traits()
