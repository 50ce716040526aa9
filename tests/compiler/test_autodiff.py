"""Reverse mode over graphs: chains, fan-out, stops, random graphs."""

from __future__ import annotations

import numpy as np
import pytest
from gradient_checks import check_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from primitive_cases import PRIMITIVES
from random_graphs import random_graph

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.interpret import run_graph
from compiler.ir import describe
from compiler.primitives import rule
from runtime import ops
from runtime.ops_space import CorrelationGrad, SampleGrad
from runtime.plan import Origin


def backward(b: Builder) -> list[str]:
    return [describe(op.prim) for op in b.graph.ops if op.segment == "backward"]


def test_the_gradients_of_the_lectures():
    """f = (x + y) z at (-2, 5, -4) is -12, with gradients -4, -4, 3."""
    b = Builder(dtype="f64")
    x, y, z = (b.input(name, ()) for name in "xyz")
    f = (x + y) * z
    found = gradients(b, f, [x, y, z])
    results = run_graph(b.graph, {"x": -2.0, "y": 5.0, "z": -4.0})
    assert [-12.0, -4.0, -4.0, 3.0] == [float(results[v]) for v in (f, *found)]


def test_operations_serve_the_layer_they_come_from():
    b = Builder()
    x = b.input("x", (2, 3))
    with b.scope("a"):
        h = b.tanh(x)
    with b.scope("b"):
        y = b.exp(h)
    with b.scope("c"):
        z = b.sin(h)
    gradients(b, b.sum(y * z), [x])
    made = [op for op in b.graph.ops if op.segment == "backward"]
    assert {"a", "b", "c"} == {o.layer for op in made for o in op.origin}
    assert {"backward"} == {o.direction for op in made for o in op.origin}
    # The sum where h forks belongs to the layer that made h.
    (join,) = [op for op in made if describe(op.prim) == "map[add(%0, %1)]"]
    assert (Origin("a", "backward"),) == join.origin


def test_a_value_used_three_times_gets_one_sum():
    b = Builder()
    x = b.input("x", (4,))
    h = b.exp(x)
    gradients(b, b.sum(b.sin(h) + b.cos(h) + b.tanh(h)), [x])
    assert ["map[add(add(%0, %1), %2)]"] == [t for t in backward(b) if t.startswith("map[add(")]


def test_a_gradient_that_arrives_twice_is_counted_twice():
    b = Builder(dtype="f64")
    x = b.input("x", (3,))
    h = b.exp(x)
    (dx,) = gradients(b, b.sum((h + 1.0) + (h + 2.0)), [x])
    results = run_graph(b.graph, {"x": [0.0, 1.0, 2.0]})
    assert np.allclose(2 * np.exp([0.0, 1.0, 2.0]), results[dx], rtol=1e-15)


def test_only_what_lies_between_is_made():
    b = Builder()
    x, w = b.input("x", (2, 3)), b.input("w", (5, 3))
    gradients(b, b.sum(b.matmul(x, w, transpose_b=True)), [w])
    assert "matmul" in [op.prim.kind for op in b.graph.ops if op.segment == "backward"]
    assert 1 == sum(op.prim.kind == "matmul" for op in b.graph.ops if op.segment == "backward")


def test_what_the_loss_does_not_read_has_no_gradient():
    b = Builder()
    x, y = b.input("x", (3,)), b.input("y", (3,))
    before = len(b.graph.ops) + 1
    loss = b.sum(x)
    assert [None] == gradients(b, loss, [y])
    assert before == len(b.graph.ops)


def test_values_in_between_and_the_loss_itself_have_gradients():
    b = Builder(dtype="f64")
    x = b.input("x", (3,))
    h = b.exp(x)
    loss = b.sum(h * h)
    dloss, dh, dx = gradients(b, loss, [loss, h, x])
    results = run_graph(b.graph, {"x": [0.0, 1.0, -1.0]})
    assert [1.0] == results[dloss].tolist()
    assert np.allclose(2 * results[h], results[dh], rtol=1e-15)
    assert np.allclose(2 * results[h] ** 2, results[dx], rtol=1e-15)


def test_stop_gradient_is_reached_and_not_passed():
    b = Builder(dtype="f64")
    x = b.input("x", (2,))
    stopped = b.stop_gradient(x)
    dx, dstopped = gradients(b, b.sum(x * stopped), [x, stopped])
    results = run_graph(b.graph, {"x": [2.0, 3.0]})
    assert [[2.0, 3.0]] * 2 == [results[dx].tolist(), results[dstopped].tolist()]
    assert gradients(b, b.sum(stopped), [x]) == [None]


def test_blocked_values_get_no_gradient():
    b = Builder()
    x = b.input("x", (2,))
    h = b.exp(x)
    assert gradients(b, b.sum(h), [x, h], blocked={h}) == [None, None]
    assert gradients(b, b.sum(h * x), [x], blocked={h}) != [None]


def test_seeds_replace_the_ones_of_the_loss():
    b = Builder(dtype="f64")
    x = b.input("x", (2, 3))
    y, z = b.exp(x), b.sin(x)
    dy, dz = b.input("dy", (2, 3)), b.input("dz", (2, 3))
    (dx,) = gradients(b, None, [x], seeds={y: dy, z: dz})
    feeds = {n: np.random.default_rng(k).normal(size=(2, 3)) for k, n in enumerate(("x", "dy", "dz"))}
    expected = feeds["dy"] * np.exp(feeds["x"]) + feeds["dz"] * np.cos(feeds["x"])
    assert np.allclose(expected, run_graph(b.graph, feeds)[dx], rtol=1e-14)


def test_slices_that_tile_a_value_give_back_one_concat():
    b = Builder(dtype="f64")
    x = b.input("x", (2, 6, 3))
    parts = [b.slice(x, 1, *r) for r in ((0, 2), (2, 3), (3, 6))]
    y = b.sum(b.exp(parts[0])) + b.sum(b.sin(parts[1])) + b.sum(b.cos(parts[2]))
    gradients(b, y, [x])
    kinds = [op.prim.kind for op in b.graph.ops if op.segment == "backward"]
    assert (1, 0) == (kinds.count("concat"), kinds.count("pad"))
    b.graph.loss = y
    feeds = {"x": np.random.default_rng(0).normal(size=(2, 6, 3))}
    check_graph(b, b.reshape(y, ()), feeds, ["x"], {}, 1e-8)


def test_slices_that_overlap_are_added():
    b = Builder(dtype="f64")
    x = b.input("x", (5,))
    y = b.sum(b.slice(x, 0, 0, 3)) + b.sum(b.slice(x, 0, 2, 5))
    (dx,) = gradients(b, y, [x])
    assert [1.0, 1.0, 2.0, 1.0, 1.0] == run_graph(b.graph, {"x": np.zeros(5)})[dx].tolist()


def test_a_primitive_without_gradient_is_named_with_its_layer_only_when_needed(monkeypatch):
    b = Builder()
    x, w = b.input("x", (2, 8)), b.input("w", (2, 8))
    with b.scope("norm1"):
        y = b.window(x, 3)
    loss = b.sum(y * w)
    monkeypatch.setattr(type(rule(ops.Window(3))), "no_gradient", "no one has written it")
    assert None not in gradients(b, loss, [w])
    with pytest.raises(NotImplementedError, match="norm1: no gradient through window: no one has written it"):
        gradients(b, loss, [x])


def test_gradients_of_gradients():
    """d/dx of (d/dx sum x^4) . v is 12 x^2 v."""
    b = Builder(dtype="f64")
    x = b.input("x", (3,))
    (dx,) = gradients(b, b.sum(x**4), [x])
    (ddx,) = gradients(b, b.sum(dx * 2.0), [x])
    results = run_graph(b.graph, {"x": [1.0, 2.0, -3.0]})
    assert np.allclose([24.0, 96.0, 216.0], results[ddx], rtol=1e-14)


def test_the_label_of_a_softmax_loss_gives_softmax_minus_onehot():
    b = Builder(dtype="f64")
    x, label = b.input("x", (4, 5)), b.input("label", (4, 1), "i32")
    picked = b.sum(b.where(b.equal(b.index((4, 5), 1), label), x, 0.0), 1)
    (dx,) = gradients(b, b.sum(b.logsumexp(x, 1) - picked), [x])
    array, classes = np.random.default_rng(0).normal(size=(4, 5)), np.array([[1], [0], [4], [2]])
    softmax = np.exp(array) / np.exp(array).sum(1, keepdims=True)
    results = run_graph(b.graph, {"x": array, "label": classes})
    assert np.allclose(softmax - np.eye(5)[classes[:, 0]], results[dx], rtol=0, atol=1e-15)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_random_graphs_agree_with_centred_differences(seed):
    made = random_graph(seed)
    names = [n for n, v in made.b.graph.inputs.items() if v.dtype == "f64"]
    # Thirty operations deep the third derivative, and so the truncation, is larger than for one.
    check_graph(made.b, made.loss, made.feeds, names, made.numbers, 1e-6)


def test_random_graphs_have_thirty_operations_and_use_every_common_primitive():
    kinds: set[type] = set()
    for seed in range(60):
        graph = random_graph(seed).b.graph
        assert len(graph.ops) >= 30
        kinds |= {type(op.prim) for op in graph.ops}
    common = {prim for prim in PRIMITIVES if prim.__module__ == ops.__name__}
    assert common - {ops.ConvWeightGrad, ops.Unpool} <= kinds
    assert {CorrelationGrad, SampleGrad} <= kinds
