"""Running graphs op by op: states, segments, guards, precision."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.builder import Builder
from compiler.interpret import run_graph
from compiler.ir import Value
from runtime.ops import Guard, Shape


class Noise:
    """N(0, 1)."""

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        return b.normal(shape, stream)


def swapped() -> Builder:
    """Two states that take each other's place, one of them doubled."""
    b = Builder(dtype="f64")
    p, q = b.state("p", (2,), 1.0), b.state("q", (2,), 5.0)
    b.write(p, q * 2.0)
    b.write(q, p + 0.0)
    b.graph.outputs["sum"] = p + q
    return b


def test_states_start_as_init_says_and_writes_take_effect_together():
    results = run_graph(swapped().graph, {})
    assert {"sum": [6.0, 6.0]} == {n: a.tolist() for n, a in results.outputs.items()}
    assert {"net.p": [10.0, 10.0], "net.q": [1.0, 1.0]} == {n: a.tolist() for n, a in results.states.items()}


def test_a_second_step_goes_on_from_the_states_of_the_first():
    b = swapped()
    first = run_graph(b.graph, {})
    second = run_graph(b.graph, {}, first.states)
    assert [[2.0, 2.0], [10.0, 10.0]] == [a.tolist() for a in second.states.values()]


def test_states_given_are_not_filled_and_the_others_are():
    results = run_graph(swapped().graph, {}, {"net.p": [3.0, 4.0]})
    assert [8.0, 9.0] == results.outputs["sum"].tolist()


def test_fillers_draw_in_iteration_0_whatever_the_step():
    b = Builder(dtype="f64")
    b.param("weight", (50,), Noise())
    at = [run_graph(b.graph, {}, scalars={"seed": 1, "iteration": k}).states["net.weight"] for k in (0, 7)]
    assert np.array_equal(*at)
    assert not np.array_equal(at[0], run_graph(b.graph, {}, scalars={"seed": 2}).states["net.weight"])


def test_a_guard_stops_before_any_state_is_written():
    b = Builder(dtype="f64")
    x, s = b.input("x", ()), b.state("s", (), 1.0)
    loss = b.log(x)
    with b.segment("guard"):
        b.emit(Guard(), loss)
    b.write(s, s + loss)
    for fed, finite, expected in ((1.0, True, 1.0), (-1.0, False, 1.0), (np.e, True, 2.0)):
        results = run_graph(b.graph, {"x": fed})
        assert (finite, expected) == (results.finite, float(results.states["net.s"]))


def test_single_precision_on_demand():
    b = Builder(dtype="f64")
    x = b.input("x", (3,))
    y = b.exp(x)
    assert np.float32 == run_graph(b.graph, {"x": [0, 1, 2]}, dtype="f32")[y].dtype


def test_segments_run_alone():
    b = Builder(dtype="f64")
    x = b.input("x", (3,))
    y = b.exp(x)
    with b.segment("backward"):
        z = b.exp(y)
    results = run_graph(b.graph, {"x": np.zeros(3)}, segments=["forward"])
    assert y in results.values
    assert z not in results.values


def test_a_wrong_feed_is_named():
    b = Builder()
    b.input("data", (2, 3))
    with pytest.raises(AssertionError, match="no array for input data"):
        run_graph(b.graph, {})
    with pytest.raises(AssertionError, match=r"data: got \(3, 2\), expected \(2, 3\)"):
        run_graph(b.graph, {"data": np.zeros((3, 2))})
