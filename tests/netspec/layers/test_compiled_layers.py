"""Every layer through the compiler: the plan computes what the graph means, on each device."""

from __future__ import annotations

import loss_cases  # noqa: F401 (adds its rows)
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import CASES
from layer_support import Draw, Lone

from compiler.compile import compile_graph
from compiler.interpret import run_graph
from compiler.target import Target
from runtime.executor import Store, open_executor
from runtime.expr import arg
from runtime.plan import SEGMENTS

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
        graph.outputs = {f"top{k}": b.map(arg(0), v.shape, v) for k, v in enumerate(lone.tops)}
    for value, gradient in zip(wrt, found, strict=True):
        if gradient is not None:
            with b.segment("backward"), b.scope("it", "backward"):
                kept = b.map(arg(0), gradient.shape, gradient)
            (graph.grads if value.name in graph.states else graph.blob_grads)[value.name] = kept
    return lone


def differences(lone: Lone, device: str, dtype: str) -> dict[str, float]:
    """Relative differences between a device and the reference, by output, gradient and state."""
    graph = lone.b.graph
    expected = run_graph(graph, lone.feeds, lone.states)
    wanted = {**expected.outputs, **expected.states}
    wanted |= {f"d {name}": expected[v] for name, v in (graph.grads | graph.blob_grads).items()}
    for value in (*graph.inputs.values(), *(s.read for s in graph.states.values()), *(v for op in graph.ops for v in op.outputs)):
        value.dtype = dtype if value.dtype == "f64" else value.dtype
    graph.dtype = dtype
    plan = compile_graph(graph, Target(device=device, dtype=dtype), check=True)
    executor = open_executor(plan, Store(plan.memory), device=device)
    for entry in plan.states:
        executor.array(entry.view)[...] = lone.states[entry.name]
    for name in plan.inputs:
        executor.feed(name, lone.feeds[name])
    executor.run(*STEP)
    views = {**plan.outputs, **{f"d {name}": v for name, v in (plan.param_grads | plan.blob_grads).items()}}
    found = {name: np.array(executor.array(view), np.float64) for name, view in views.items()}
    found |= {e.name: np.array(executor.array(e.view), np.float64) for e in plan.states if e.role == "running"}
    executor.close()
    return {name: apart(found[name], wanted[name]) for name in found}


def apart(found: np.ndarray, wanted: np.ndarray) -> float:
    if wanted.size == 0:
        return 0.0
    # a gradient that cancels to 0 has no size of its own to compare with
    size = max(float(np.sqrt(np.mean(np.square(wanted)))), 1e-2)
    return float(np.abs(found - wanted).max() / size)


@rows
@settings(max_examples=4, deadline=None, derandomize=True)
@given(data=st.data())
def test_plans_compute_what_the_layer_means(row, data):
    found = differences(prepared(row, data), "reference", "f64")
    assert {name: d for name, d in found.items() if not d < BOUND["f64"]} == {}


@rows
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f32", "f64"])
@settings(max_examples=6, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_cpu_computes_what_the_layer_means(row, dtype, data):
    found = differences(prepared(row, data), "cpu", dtype)
    assert {name: d for name, d in found.items() if not d < BOUND[dtype]} == {}
