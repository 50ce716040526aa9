"""Every layer through the compiler: the plan computes what the graph means, on each device."""

from __future__ import annotations

import attention_cases  # noqa: F401 (adds its rows)
import common_cases  # noqa: F401 (adds its rows)
import detection_cases  # noqa: F401 (adds its rows)
import index_layer_cases  # noqa: F401 (adds its rows)
import loss_cases  # noqa: F401 (adds its rows)
import neuron_cases  # noqa: F401 (adds its rows)
import numpy as np
import pytest
import recurrent_cases  # noqa: F401 (adds its rows)
import space_cases  # noqa: F401 (adds its rows)
import volume_cases  # noqa: F401 (adds its rows)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from layer_cases import CASES
from layer_support import Array, Draw, Lone

from compiler.compile import compile_graph
from compiler.interpret import run_graph
from compiler.target import Target
from runtime.executor import Store, open_executor
from runtime.expr import arg
from runtime.plan import SEGMENTS, Plan

STEP = [s for s in SEGMENTS if s != "init"]
rows = pytest.mark.parametrize("row", CASES.values(), ids=CASES.keys())
# largest difference over the reference's root mean square: DESIGN.md, section 6
BOUND = {"f64": 1e-9, "f32": 1e-4}


def prepared(row, data) -> Lone:
    """A layer's graph with its tops as outputs and all gradients kept."""
    lone = Lone(row(Draw(data)))
    wrt, found = lone.differentiate()
    b, graph = lone.b, lone.b.graph
    with b.scope("it"):
        graph.outputs = {f"top{k}": b.map(arg(0, v.kind), v.shape, v) for k, v in enumerate(lone.tops)}
    for value, gradient in zip(wrt, found, strict=True):
        if gradient is not None:
            with b.segment("backward"), b.scope("it", "backward"):
                kept = b.map(arg(0), gradient.shape, gradient)
            (graph.grads if value.name in graph.states else graph.blob_grads)[value.name] = kept
    return lone


def expectations(lone: Lone) -> dict[str, Array]:
    """Outputs, gradients and states of the graph by the reference, in float64."""
    graph = lone.b.graph
    expected = run_graph(graph, lone.feeds, lone.states)
    wanted = {**expected.outputs, **expected.states}
    return wanted | {f"d {name}": expected[v] for name, v in (graph.grads | graph.blob_grads).items()}


def planned(lone: Lone, device: str, dtype: str) -> Plan:
    """The graph compiled for a device and a precision."""
    graph = lone.b.graph
    made = [v for op in graph.ops for v in op.outputs]
    for value in (*graph.inputs.values(), *graph.literals, *(s.read for s in graph.states.values()), *made):
        value.dtype = dtype if value.dtype == "f64" else value.dtype
    graph.dtype = dtype
    return compile_graph(graph, Target(device=device, dtype=dtype), check=True)


def run_plan(plan: Plan, lone: Lone, device: str, threads: int | None = None, poison: bool = False) -> dict[str, Array]:
    """Outputs, gradients and running states; ``poison``: memory that nobody wrote holds NaN."""
    executor = open_executor(plan, Store(plan.memory), device, threads)
    try:
        if poison:
            executor.memories["arena"].poison()
        for entry in plan.states:
            executor.array(entry.view)[...] = lone.states[entry.name]
        for name in plan.inputs:
            executor.feed(name, lone.feeds[name])
        executor.run(*STEP)
        views = {**plan.outputs, **{f"d {name}": v for name, v in (plan.param_grads | plan.blob_grads).items()}}
        views |= {entry.name: entry.view for entry in plan.states if entry.role == "running"}
        return {name: executor.array(view).copy() for name, view in views.items()}
    finally:
        executor.close()


def apart(found: np.ndarray, wanted: np.ndarray, least: float) -> float:
    if wanted.size == 0:
        return 0.0
    # a gradient that cancels to 0 has no size of its own to compare with
    size = max(float(np.sqrt(np.mean(np.square(wanted)))), least)
    return float(np.abs(found - wanted).max() / size)


def beyond(found: dict[str, Array], wanted: dict[str, Array], lone: Lone, dtype: str) -> dict[str, float]:
    """What differs by more than the bound."""
    zeros = {f"d it.{name}" for name in lone.case.cancels}
    sizes = {
        name: apart(np.asarray(array, np.float64), wanted[name], 1.0 if name in zeros else 1e-2)
        for name, array in found.items()
    }
    return {name: size for name, size in sizes.items() if not size < BOUND[dtype]}


@rows
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_plans_compute_what_the_layer_means(row, data):
    lone = prepared(row, data)
    wanted = expectations(lone)
    found = run_plan(planned(lone, "reference", "f64"), lone, "reference")
    assert beyond(found, wanted, lone, "f64") == {}


@rows
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@settings(max_examples=4, deadline=None, derandomize=True, phases=[Phase.generate])  # shrinking compiles kernels
@given(data=st.data())
def test_the_cpu_computes_what_the_layer_means(row, dtype, data):
    lone = prepared(row, data)
    wanted = expectations(lone)
    plan = planned(lone, "cpu", dtype)
    found = run_plan(plan, lone, "cpu", threads=1)
    assert beyond(found, wanted, lone, dtype) == {}
    for threads in (2, 3, 4):
        again = run_plan(plan, lone, "cpu", threads, poison=True)
        assert {name: array.tobytes() for name, array in again.items()} == {n: a.tobytes() for n, a in found.items()}
