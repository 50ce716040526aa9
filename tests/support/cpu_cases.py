"""Cases of ``primitive_cases`` on the CPU: operands laid out in memory at random, compared with the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from primitive_cases import Case

from runtime.cpu.executor import CpuExecutor
from runtime.executor import Store
from runtime.plan import ITEM_BYTES, NUMPY_DTYPE, Origin, Plan, Step, View

BOUND = {"float32": 1e-5, "float64": 1e-12}
"""max|y - ref| / rms(ref): elementwise work and sums of some thousands; ten times below DESIGN.md's parity."""

ORIGIN = (Origin("layer", "forward"),)
CODES = {"float32": "f32", "float64": "f64", "int32": "i32", "uint8": "u8", "bool": "b1"}


class Layout:
    """Views one behind another in an arena; ``rng`` permutes their axes in memory and puts gaps between."""

    def __init__(self, rng: np.random.Generator, tidy: bool) -> None:
        self.rng, self.tidy, self.size = rng, tidy, 512

    def view(self, shape: tuple[int, ...], dtype: str) -> View:
        """A view of its own bytes."""
        order = list(range(len(shape))) if self.tidy else list(self.rng.permutation(len(shape)))
        strides, step = [0] * len(shape), 1
        for axis in reversed(order):
            strides[axis] = step
            step *= shape[axis]
            step += 0 if self.tidy else int(self.rng.choice([0, 0, 1, 3])) * strides[axis]
        start = self.size
        self.size += -(-(step + 1) * ITEM_BYTES[dtype] // 64) * 64 + 512
        return View("arena", start, shape, tuple(strides), dtype)


def _on_cpu(plan: Plan, threads: int) -> Any:
    return CpuExecutor(plan, Store({}), threads)


def check_case(
    case: Case,
    dtype: str,
    seed: int | None,
    threads: tuple[int, ...] = (1, 2, 3, 4),
    open_plan: Callable[[Plan, int], Any] = _on_cpu,
) -> None:
    """The case's results on the CPU against the reference, and the same bits for every number of threads.

    ``seed`` shuffles the layout (None: row-major, no gaps). Memory outside the
    operands is NaN; that nothing but the results is written is asserted.
    """
    operands = tuple(narrow_to(a, dtype) for a in case.operands)
    narrow = replace(case, operands=operands)
    # special values overflow in float32 alone: there the reference works in the same precision
    expected = narrow.expected("float64" if case.smooth else dtype)
    layout = Layout(np.random.default_rng(seed), seed is None)
    reads = tuple(layout.view(a.shape, CODES[str(a.dtype)]) for a in operands)
    writes = tuple(layout.view(w.shape, CODES[str(w.dtype)] if w.dtype.kind != "f" else CODES[dtype]) for w in expected)
    step = Step(case.prim, reads, writes, "forward", ORIGIN)
    plan = Plan("train", CODES[dtype], 1, (step,), {"arena": layout.size}, (), {}, {})
    first: list[np.ndarray] | None = None
    for count in threads:
        found = _run(open_plan(plan, count), narrow)
        if first is None:
            first = found
            for got, want in zip(found, expected, strict=True):
                compare_with(got, want, dtype)
        assert [a.tobytes() for a in first] == [a.tobytes() for a in found], f"other bits with {count} threads"


def narrow_to(array: np.ndarray, dtype: str) -> np.ndarray:
    if array.dtype.kind != "f":
        return array
    # operands below the normal range are zeros to the team, which flushes them
    return np.where(np.abs(array) < np.finfo(dtype).tiny, 0, array).astype(dtype)


def _run(executor: Any, case: Case) -> list[np.ndarray]:
    step = executor.plan.steps[0]
    executor.poison()
    for name, number in case.numbers.items():
        executor.set(name, number)
    for view, value in zip(step.reads, case.operands, strict=True):
        executor.array(view)[...] = value
    arena = executor.memories["arena"].bytes
    before = arena.copy()
    assert executor.run("forward") == 0
    found = [executor.array(v).copy() for v in step.writes if v is not None]
    after = arena.copy()
    arena[...] = before
    for view, value in zip(step.writes, found, strict=True):
        assert view is not None
        executor.array(view)[...] = value
    np.testing.assert_array_equal(after, arena, "written outside the results")
    executor.close()
    return found


def compare_with(got: np.ndarray, want: np.ndarray, dtype: str) -> None:
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    finite = np.isfinite(want)
    np.testing.assert_array_equal(np.where(finite, 0, want).astype(dtype), np.where(finite, 0, got))
    wide = want[finite].astype(np.float64)
    scale = np.sqrt(np.mean(np.square(wide))) if wide.size else 1.0
    error = np.max(np.abs(got[finite] - wide), initial=0.0)
    assert error <= BOUND[dtype] * max(scale, 1e-30), f"error {error:.2e}, rms {scale:.2e}"


def dense(shape: tuple[int, ...], dtype: str, offset: int = 0) -> View:
    """A row-major view on the arena."""
    return View("arena", offset, shape, tuple(prod(shape[a + 1 :]) for a in range(len(shape))), dtype)


def executor_of(steps: tuple[Step, ...], arena: int, threads: int = 2, dtype: str = "f32") -> CpuExecutor:
    """An executor of some steps over an arena of this many bytes."""
    return CpuExecutor(Plan("train", dtype, 1, steps, {"arena": arena}, (), {}, {}), Store({}), threads)


def numpy_dtype(code: str) -> np.dtype:
    """NumPy's dtype of a plan's."""
    return np.dtype(NUMPY_DTYPE[code])
