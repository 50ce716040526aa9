"""Arrays that are known when the graph is made."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.builder import Builder
from compiler.compile import compile_graph
from compiler.interpret import run_graph
from compiler.target import Target
from compiler.verify import VerifyError, verify
from runtime.executor import Store, open_executor

ROWS = np.arange(20.0).reshape(1, 1, 4, 5)
WEIGHTS = np.linspace(-1, 1, 54).reshape(2, 3, 3, 3)


def graph_of_literals():
    """A map, a whole number and both operands of a convolution that nobody computes."""
    b = Builder(batch=2)
    with b.scope("it"):
        x = b.input("x", (2, 3, 4, 5))
        y = b.conv(x * b.literal(ROWS), b.literal(WEIGHTS), pad=(1, 1))
        whole = b.to_float(b.literal(np.arange(3)))
        known = b.conv(b.literal(np.full((1, 3, 6, 6), 0.5)), b.literal(WEIGHTS), pad=(1, 1))
        b.graph.outputs = {"y": y, "whole": whole * 2.0, "known": known}
    return b.graph


@pytest.mark.parametrize("device", ["reference", "cpu"])
def test_a_plan_reads_literals_as_the_graph_means_them(device):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    graph = graph_of_literals()
    expected = run_graph(graph, {"x": x}).outputs
    plan = compile_graph(graph, Target(device=device), check=True)
    executor = open_executor(plan, Store(plan.memory), device=device)
    executor.feed("x", x)
    executor.run("init", "forward")
    for name, view in plan.outputs.items():
        # float32 against float64, sums of 27 products of size 10
        np.testing.assert_allclose(executor.array(view), expected[name], rtol=1e-4, atol=1e-4)
    executor.close()


def test_equal_literals_are_one_value():
    b = Builder()
    assert b.literal(ROWS) is b.literal(ROWS.copy())
    assert b.literal([1, 2]) is not b.literal([1.0, 2.0])


def test_a_literal_that_nothing_reads_takes_no_memory():
    b = Builder()
    with b.scope("it"):
        x = b.input("x", (1, 2))
        b.literal(np.zeros(1000)) + 1.0
        b.graph.outputs = {"y": x + b.literal([1.0, 2.0])}
    plan = compile_graph(b.graph, Target(device="reference"), check=True)
    assert [array.tolist() for _, array in plan.literals] == [[1.0, 2.0]]


def test_a_state_may_start_from_a_literal():
    class Known:
        def lower(self, b, shape, stream):
            return b.literal(WEIGHTS)

    b = Builder()
    with b.scope("it"):
        b.graph.outputs = {"y": b.sum(b.param("weight", WEIGHTS.shape, Known()))}
    plan = compile_graph(b.graph, Target(device="reference"), check=True)
    store = Store(plan.memory)
    executor = open_executor(plan, store, device="reference")
    executor.run("init")
    np.testing.assert_array_equal(store.array(plan.states[0].view), WEIGHTS.astype(np.float32))


def test_a_literal_of_another_shape_than_its_value_is_found():
    b = Builder()
    with b.scope("it"):
        value = b.literal([1.0, 2.0])
        b.graph.outputs = {"y": value + 1.0}
    b.graph.literals[value] = np.zeros(3)
    with pytest.raises(VerifyError, match="has an array of shape"):
        verify(b.graph)
