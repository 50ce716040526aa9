"""Random graphs, their gradients and states, fused and not: the emulated GPU against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from random_graphs import random_graph

from compiler.autodiff import gradients
from compiler.compile import compile_graph
from compiler.target import Target
from runtime.cuda.emulator.executor import EmulatedExecutor
from runtime.executor import Executor, Store, open_executor
from runtime.plan import SEGMENTS, Plan

BOUND = 1e-9
"""Parity in float64 (DESIGN.md, section 6), relative to the largest element."""

CUDA = Target("cuda", "f64", vector_bytes=16, halo=False, fused_updates=False)


def values_of(seed: int, order: int | None = None, disabled: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Loss, gradients and states after one step, of threads that run in this order; None: of the reference."""
    made = random_graph(seed)
    graph = made.b.graph
    found = gradients(made.b, made.loss, list(graph.inputs.values()))
    graph.blob_grads = {name: g for name, g in zip(graph.inputs, found, strict=True) if g is not None}
    plan = compile_graph(graph, CUDA, disabled=disabled)
    executor = _opened(plan, order)
    for name, number in made.numbers.items():
        executor.set(name, number)
    assert executor.run("init") == 0
    for name, array in made.feeds.items():
        executor.feed(name, array)
    assert executor.run(*SEGMENTS[1:]) == 0
    views = {"loss": plan.loss, **plan.blob_grads, **{s.name: s.view for s in plan.states}}
    return {name: executor.array(view).copy() for name, view in views.items() if view is not None}


def _opened(plan: Plan, order: int | None) -> Executor:
    if order is None:
        return open_executor(plan, Store(plan.memory), "reference")
    executor = EmulatedExecutor(plan, Store(plan.memory), seed=order)
    executor.poison()
    return executor


def check(seed: int) -> None:
    """Fused and unfused against the reference; the same bits in two orders of the threads."""
    expected = values_of(seed)
    found, unfused = values_of(seed, 0), values_of(seed, 1, ("fuse",))
    for name, want in expected.items():
        scale = max(1e-3, float(np.abs(want).max(initial=0.0)))
        for got in (found[name], unfused[name]):
            assert np.abs(got - want).max(initial=0.0) <= BOUND * scale, name
    again = values_of(seed, 2)
    assert {n: a.tobytes() for n, a in found.items()} == {n: a.tobytes() for n, a in again.items()}


@pytest.mark.parametrize("seed", [8, 28])
def test_a_random_plan_on_a_gpu_agrees_with_the_reference(seed):
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [s for s in range(30) if s not in (8, 28)])
def test_more_random_plans_on_a_gpu_agree_with_the_reference(seed):
    check(seed)
