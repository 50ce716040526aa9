"""Random graphs, their gradients and states, fused and not: the CPU against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from random_graphs import RandomGraph, random_graph

from compiler.autodiff import gradients
from compiler.compile import compile_graph
from compiler.target import Target
from runtime.executor import Store, open_executor
from runtime.plan import SEGMENTS

BOUND = 1e-9
"""Parity in float64 (DESIGN.md, section 6), relative to the largest element."""


def made_with_gradients(seed: int) -> RandomGraph:
    """A random graph with the gradients of all its inputs."""
    made = random_graph(seed)
    graph = made.b.graph
    found = gradients(made.b, made.loss, list(graph.inputs.values()))
    graph.blob_grads = {name: g for name, g in zip(graph.inputs, found, strict=True) if g is not None}
    return made


def values_of(seed: int, device: str, threads: int = 1, disabled: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Loss, gradients and states after one step; unused memory is NaN on the CPU."""
    made = made_with_gradients(seed)
    plan = compile_graph(made.b.graph, Target(dtype="f64"), disabled=disabled)
    executor = open_executor(plan, Store(plan.memory), device, threads)
    if device == "cpu":
        executor.poison()
    for name, number in made.numbers.items():
        executor.set(name, number)
    assert executor.run("init") == 0
    for name, array in made.feeds.items():
        executor.feed(name, array)
    assert executor.run(*SEGMENTS[1:]) == 0
    views = {"loss": plan.loss, **plan.blob_grads, **{s.name: s.view for s in plan.states}}
    return {name: executor.array(view).copy() for name, view in views.items() if view is not None}


def check(seed: int) -> None:
    """Fused and unfused on the CPU against the reference; the same bits for 1, 2, 3 and 4 threads."""
    expected = values_of(seed, "reference")
    found = values_of(seed, "cpu", 1)
    unfused = values_of(seed, "cpu", 2, ("fuse", "epilogue"))
    for name, want in expected.items():
        scale = max(1e-3, float(np.abs(want).max(initial=0.0)))
        for got in (found[name], unfused[name]):
            assert np.abs(got - want).max(initial=0.0) <= BOUND * scale, name
    for threads in (2, 3, 4):
        again = values_of(seed, "cpu", threads)
        assert {n: a.tobytes() for n, a in found.items()} == {n: a.tobytes() for n, a in again.items()}


@pytest.mark.parametrize("seed", [0, 8, 10])
def test_a_random_plan_on_the_cpu_agrees_with_the_reference(seed):
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [s for s in range(60) if s not in (0, 8, 10)])
def test_more_random_plans_on_the_cpu_agree_with_the_reference(seed):
    check(seed)
