"""Steps on the emulated GPU against the reference: the counterparts of ``kernel_cases`` and ``cpu_cases``."""

from __future__ import annotations

import cpu_cases
import numpy as np
from kernel_cases import PARITY, compare, run_poisoned, run_reference
from primitive_cases import Case

from runtime.cuda.emulator.executor import EmulatedExecutor
from runtime.executor import Store
from runtime.plan import Plan, View


def check_emulated_step(
    plan: Plan, values: dict[View, np.ndarray], math: str = "fast", parity: dict[str, float] = PARITY
) -> EmulatedExecutor:
    """Parity of the plan's one step with the reference, and the same bits whatever the order of the threads.

    Views without halo: CUDA kernels test for the border. The executor tells of bank conflicts (``machine``).
    """
    executor = EmulatedExecutor(plan, Store({}), math)
    actual = run_poisoned(executor, plan, values)
    compare(actual, run_reference(plan, values), parity)
    again = run_poisoned(EmulatedExecutor(plan, Store({}), math, seed=1), plan, values)
    for view, got in actual.items():
        assert got.tobytes() == again[view].tobytes(), "other bits in another order of the threads"
    return executor


def check_emulated_case(case: Case, dtype: str, seed: int | None) -> None:
    """A case of ``primitive_cases`` on the emulated GPU; ``seed`` shuffles the layout (None: row-major, no gaps)."""
    cpu_cases.check_case(case, dtype, seed, (0, 1), lambda plan, order: EmulatedExecutor(plan, Store({}), seed=order))
