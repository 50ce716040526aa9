"""Random graphs and their gradients: a plan means what its graph means."""

from __future__ import annotations

import numpy as np
import pytest
from random_graphs import RandomGraph, random_graph

from compiler.autodiff import gradients
from compiler.compile import compile_graph
from compiler.interpret import run_graph
from compiler.target import Target
from runtime.executor import Store, open_executor
from runtime.plan import SEGMENTS


def with_gradients(seed: int) -> RandomGraph:
    made = random_graph(seed)
    graph = made.b.graph
    found = gradients(made.b, made.loss, list(graph.inputs.values()))
    graph.blob_grads = {name: g for name, g in zip(graph.inputs, found, strict=True) if g is not None}
    return made


# 34, 42 and 58 have a value in two concatenations, or twice in one.
@pytest.mark.parametrize("seed", range(60))
def test_plans_of_random_graphs_agree_with_the_graphs(seed):
    made = with_gradients(seed)
    graph = made.b.graph
    expected = run_graph(graph, made.feeds, scalars=made.numbers)
    grads = {name: expected[g] for name, g in graph.blob_grads.items()}
    plan = compile_graph(with_gradients(seed).b.graph, Target(dtype="f64"), check=True)
    executor = open_executor(plan, Store(plan.memory), "reference")
    for name, number in made.numbers.items():
        executor.set(name, number)
    executor.run("init")
    for name, array in made.feeds.items():
        executor.feed(name, array)
    assert executor.run(*SEGMENTS[1:]) == 0
    # Fused expressions are the same operations; sums over views run in another order.
    assert float(executor.array(plan.loss)) == pytest.approx(expected.loss, rel=1e-11)
    for name, array in grads.items():
        scale = max(1e-3, np.abs(array).max())
        assert np.abs(array - executor.array(plan.blob_grads[name])).max() <= 1e-10 * scale, name
    for entry in plan.states:
        assert np.allclose(expected.states[entry.name], executor.array(entry.view), rtol=1e-10, atol=1e-12)
