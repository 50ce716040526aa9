"""The device cuda for tests: a GPU where there is one, else skipped; and cases of primitives on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cpu_cases import CODES, ORIGIN, Layout, compare_with, narrow_to
from primitive_cases import Case

from netspec.reports.devices import why_no_gpu
from runtime.executor import Store, open_executor
from runtime.plan import Plan, Step


def skip_without_a_gpu() -> None:
    """Skips the test, with the sentence that says what is missing."""
    missing = why_no_gpu()
    if missing is not None:
        pytest.skip(missing)


def check_on_cuda(case: Case, dtype: str, seed: int | None) -> None:
    """The case's results on the device cuda against the reference, and the same bits twice.

    ``seed`` shuffles the layout (None: row-major, no gaps). Memory that nobody wrote is NaN.
    """
    narrow = replace(case, operands=tuple(narrow_to(a, dtype) for a in case.operands))
    # special values overflow in float32 alone: there the reference works in the same precision
    expected = narrow.expected("float64" if case.smooth else dtype)
    layout = Layout(np.random.default_rng(seed), seed is None)
    reads = tuple(layout.view(a.shape, CODES[str(a.dtype)]) for a in narrow.operands)
    writes = tuple(layout.view(w.shape, CODES[str(w.dtype)] if w.dtype.kind != "f" else CODES[dtype]) for w in expected)
    step = Step(case.prim, reads, writes, "forward", ORIGIN)
    inputs = {str(k): view for k, view in enumerate(reads)}
    plan = Plan("train", CODES[dtype], 1, (step,), {"arena": layout.size}, (), inputs, {})
    found = [_results(plan, narrow) for _ in range(2)]
    for got, want in zip(found[0], expected, strict=True):
        compare_with(got, want, dtype)
    assert [a.tobytes() for a in found[0]] == [a.tobytes() for a in found[1]], "other bits at the second run"


def _results(plan: Plan, case: Case) -> list[np.ndarray]:
    executor = open_executor(plan, Store({}), "cuda")
    try:
        executor.poison()
        for name, number in case.numbers.items():
            executor.set(name, number)
        for k, value in enumerate(case.operands):
            executor.feed(str(k), value)
        assert executor.run("forward") == 0
        return [executor.array(view).copy() for view in plan.steps[0].writes if view is not None]
    finally:
        executor.close()
