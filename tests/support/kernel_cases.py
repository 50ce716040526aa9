"""One step on the CPU against the reference, over halo'd, strided and NaN-surrounded views."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import Phase, settings
from primitive_cases import Case

from runtime.cpu.executor import CpuExecutor
from runtime.cpu.isa import CpuTarget, detect, target_for
from runtime.executor import Store
from runtime.ops import Primitive
from runtime.plan import ITEM_BYTES, Origin, Plan, Step, View
from runtime.reference.executor import ReferenceExecutor

PARITY = {"f32": 1e-4, "f64": 1e-9}
"""max|y - ref| / rms(ref) of a direct kernel: DESIGN.md, section 6."""

APPROXIMATE = {"f32": 1e-3, "f64": 1e-9}
"""The same of Winograd's algorithm and FFT."""

GENERATED = settings(deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
"""No shrinking: the first failing shape says enough, and each try runs kernels."""

ORIGIN = (Origin("layer", "forward"),)


@dataclass
class Bench:
    """Views laid out one behind another in an arena, with gaps."""

    dtype: str = "f32"
    size: int = 512
    filled: list[tuple[View, np.ndarray]] = field(default_factory=list)

    def activation(
        self, shape: tuple[int, ...], halo: tuple[int, int] = (0, 0), slack: int = 0, dtype: str | None = None
    ) -> View:
        """An N x C x H x W view stored N H W C with a halo, ``slack`` elements between pixels."""
        dtype = dtype or self.dtype
        n, c, h, w = shape
        pixel = c + slack
        rows, columns = h + 2 * halo[0], w + 2 * halo[1]
        strides = (rows * columns * pixel, 1, columns * pixel, pixel)
        start = self._take(n * strides[0] * ITEM_BYTES[dtype])
        offset = start + (halo[0] * columns + halo[1]) * pixel * ITEM_BYTES[dtype]
        return View("arena", offset, shape, strides, dtype, halo)

    def dense(self, shape: tuple[int, ...], order: tuple[int, ...] | None = None) -> View:
        """A contiguous view whose axes lie in memory in ``order`` (the last one innermost)."""
        strides = [0] * len(shape)
        step = 1
        for axis in reversed(order or tuple(range(len(shape)))):
            strides[axis] = step
            step *= shape[axis]
        return View("arena", self._take(step * ITEM_BYTES[self.dtype]), shape, tuple(strides), self.dtype)

    def _take(self, count: int) -> int:
        start = self.size
        self.size += -(-count // 64) * 64 + 512
        return start

    def plan(
        self,
        op: Primitive,
        reads: list[View],
        writes: list[View | None],
        epilogue: tuple[Step, ...] = (),
        way: str | None = None,
    ) -> Plan:
        """The plan of one step, computed this way."""
        step = Step(op, tuple(reads), tuple(writes), "forward", ORIGIN, epilogue=epilogue, algorithm=way)
        return Plan("train", self.dtype, 1, (step,), {"arena": self.size}, (), {}, {})


def random_values(rng: np.random.Generator, view: View) -> np.ndarray:
    """Standard normal numbers for a view."""
    return rng.standard_normal(view.shape)


def run_on_cpu(
    plan: Plan, values: dict[View, np.ndarray], threads: int, isa: str | None = None
) -> dict[View, np.ndarray]:
    """Results of the plan's step with all memory NaN but the operands and their halos.

    Asserts that nothing outside the results (and their epilogues') is written.
    """
    return run_poisoned(CpuExecutor(plan, Store({}), threads, _target(isa)), plan, values)


def run_poisoned(executor: Any, plan: Plan, values: dict[View, np.ndarray]) -> dict[View, np.ndarray]:
    """As ``run_on_cpu``, by an executor of the plan, which is closed."""
    executor.poison()
    _fill(executor, values)
    before = executor.memories["arena"].bytes.copy()
    executor.run("forward")
    results = {v: executor.array(v).copy() for v in _written(plan)}
    for v in _written(plan):
        executor.array(v)[...] = 0
    after = executor.memories["arena"].bytes.copy()
    executor.memories["arena"].bytes[...] = before
    for v in _written(plan):
        executor.array(v)[...] = 0
    np.testing.assert_array_equal(executor.memories["arena"].bytes, after, "written outside the results")
    executor.close()
    return results


def run_reference(plan: Plan, values: dict[View, np.ndarray]) -> dict[View, np.ndarray]:
    """Results of the plan's step in NumPy, in float64."""
    executor = ReferenceExecutor(plan, Store({}))
    _fill(executor, values)
    executor.run("forward")
    return {v: executor.array(v).copy() for v in _written(plan)}


def check_step(
    plan: Plan,
    values: dict[View, np.ndarray],
    threads: tuple[int, ...] = (1, 2, 3, 4),
    isa: str | None = None,
    parity: dict[str, float] = PARITY,
) -> None:
    """Parity with the reference, and the same bits for each number of threads."""
    actual = run_on_cpu(plan, values, threads[0], isa)
    compare(actual, run_reference(plan, values), parity)
    for count in threads[1:]:
        again = run_on_cpu(plan, values, count, isa)
        for view, got in actual.items():
            assert got.tobytes() == again[view].tobytes(), f"other bits with {count} threads"


def compare(actual: dict[View, np.ndarray], expected: dict[View, np.ndarray], parity: dict[str, float]) -> None:
    """Asserts parity by dtype; whole numbers are equal, NaN where it is expected."""
    for view, want in expected.items():
        got = actual[view]
        if view.dtype not in parity:
            np.testing.assert_array_equal(want, got)
            continue
        scale = np.sqrt(np.nanmean(np.square(want, dtype=np.float64))) if want.size else 1.0
        np.testing.assert_array_equal(np.isnan(want), np.isnan(got))
        error = np.nanmax(np.abs(want.astype(np.float64) - got), initial=0.0)
        assert error <= parity[view.dtype] * max(scale, 1e-30), f"error {error:.2e}, rms {scale:.2e}"


def _target(isa: str | None) -> CpuTarget | None:
    """This CPU, as if it had no more than ``isa``."""
    if isa is None:
        return None
    tile = target_for(isa)
    return replace(detect(), isa=isa, vector_bytes=tile.vector_bytes, tile=tile.tile)


def _fill(executor: CpuExecutor | ReferenceExecutor, values: dict[View, np.ndarray]) -> None:
    for view, value in values.items():
        _with_halo(executor, view)[...] = 0
        executor.array(view)[...] = value


def _with_halo(executor: CpuExecutor | ReferenceExecutor, view: View) -> np.ndarray:
    if view.halo == (0, 0):
        return executor.array(view)
    (rows, columns), (n, c, h, w) = view.halo, view.shape
    start = view.offset - (rows * view.strides[2] + columns * view.strides[3]) * view.item_bytes
    return executor.array(View(view.memory, start, (n, c, h + 2 * rows, w + 2 * columns), view.strides, view.dtype))


def _written(plan: Plan) -> list[View]:
    step = plan.steps[0]
    views = [v for v in step.writes if v is not None]
    for part in step.epilogue:
        views += [v for v in part.writes if v is not None and v not in views]
    return views


def maps_of(case: Case, dtype: str, halo: int = 0, slack: int = 0) -> tuple[Plan, dict[View, np.ndarray]]:
    """A plan of the case and its operands: maps as channels-last views, the rest row-major."""
    bench = Bench(dtype)

    def view(array: np.ndarray) -> View:
        name = "i32" if array.dtype.kind == "i" else dtype
        return bench.activation(array.shape, (halo, halo), slack, name) if array.ndim == 4 else bench.dense(array.shape)

    reads, writes = [view(a) for a in case.operands], [view(a) for a in case.expected()]
    # float32 holds these rounded, and so must the reference get them
    given_values = [a.astype(np.float32).astype(a.dtype) if a.dtype.kind == "f" else a for a in case.operands]
    return bench.plan(case.prim, reads, writes), dict(zip(reads, given_values, strict=True))


def check_maps(
    case: Case, dtype: str, slack: int = 0, threads: tuple[int, ...] = (1, 2, 3), isa: str | None = None
) -> None:
    """The case on the CPU, over channels-last views with NaN between the pixels, against the reference."""
    bench = Bench(dtype)
    reads = [bench.activation(a.shape, (1, 0), slack) for a in case.operands]
    writes = [bench.activation(y.shape, (0, 1), slack) for y in case.expected()]
    check_step(bench.plan(case.prim, reads, writes), dict(zip(reads, case.operands, strict=True)), threads, isa)
