"""fuse: maps into maps, reduces and epilogues."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import NETS, feeds

from compiler.builder import Builder
from compiler.interpret import run_graph
from compiler.ir import Graph
from compiler.passes.fuse import fuse
from compiler.passes.place import segment_order
from compiler.passes.save import save
from compiler.passes.simplify import simplify
from compiler.verify import verify


def fused(graph: Graph) -> Graph:
    graph.ops.sort(key=segment_order)
    graph = fuse(save(simplify(graph)))
    verify(graph)
    return graph


def test_fuse_makes_one_map_of_a_formula() -> None:
    b = Builder()
    x, y = b.input("x", (2, 5)), b.input("y", (2, 5))
    b.graph.outputs = {"z": b.tanh(x * y + 1.0) / 2.0 - x}
    graph = fused(b.graph)
    assert str(graph).splitlines()[3] == (
        "  forward: %2: f32[2x5] = map[sub(div(tanh(add(mul(%0, %1), 1.0)), 2.0), %0)](%x, %y)  # net:forward"
    )


def test_fuse_puts_a_map_in_front_of_a_reduce() -> None:
    b = Builder()
    x = b.input("x", (2, 5))
    b.graph.outputs = {"z": b.sum(b.exp(x) * 2.0, 1)}
    graph = fused(b.graph)
    assert [op.prim.kind for op in graph.ops] == ["reduce"]


def test_fuse_keeps_two_consumers_of_a_dear_formula_apart() -> None:
    b = Builder()
    x = b.input("x", (2, 3, 4, 4))
    y = b.exp(b.sin(x))
    pooled, _ = b.max_pool(y, (2, 2), (2, 2), (0, 0), (2, 2))
    b.graph.outputs = {"a": pooled, "c": b.sum(y, 1)}
    graph = fused(b.graph)
    assert [op.prim.kind for op in graph.ops] == ["map", "pool", "reduce"]


def test_fuse_does_not_repeat_a_dear_formula_for_every_element_of_a_broadcast() -> None:
    b = Builder()
    x, v = b.input("x", (2, 3, 8, 8)), b.input("v", (1, 3, 1, 1))
    b.graph.outputs = {"y": x * b.rsqrt(v + 1e-5)}
    graph = fused(b.graph)
    assert [op.outputs[0].shape for op in graph.ops] == [(1, 3, 1, 1), (2, 3, 8, 8)]


def test_fuse_does_not_move_random_numbers_into_another_shape() -> None:
    b = Builder()
    x = b.input("x", (2, 3, 8, 8))
    b.graph.outputs = {"y": x * b.uniform((1, 3, 1, 1))}
    graph = fused(b.graph)
    assert [op.outputs[0].shape for op in graph.ops] == [(1, 3, 1, 1), (2, 3, 8, 8)]


def test_fuse_merges_reduces_over_the_same_operands() -> None:
    b = Builder()
    x, y = b.input("x", (4, 3, 5, 5)), b.input("y", (4, 3, 5, 5))
    b.graph.outputs = {"a": b.sum(x * y, (0, 2, 3)), "c": b.sum(x, (0, 2, 3)), "d": b.sum(y, (0, 1))}
    graph = fused(b.graph)
    assert sorted(len(op.prim.results) for op in graph.ops) == [1, 2]


def test_fuse_attaches_bias_and_relu_to_their_convolution() -> None:
    b = Builder()
    x, w, bias = b.input("x", (2, 3, 8, 8)), b.input("w", (4, 3, 3, 3)), b.input("bias", (1, 4, 1, 1))
    y = b.conv(x, w) + bias
    b.graph.outputs = {"y": b.where(y > 0, y, 0.0)}
    graph = fused(b.graph)
    conv, epilogue = graph.ops
    assert epilogue.host is conv


def test_fuse_takes_moments_behind_a_convolution_and_says_why_their_readers_stay_out() -> None:
    b = Builder()
    x, w = b.input("x", (2, 3, 8, 8)), b.input("w", (4, 3, 3, 3))
    with b.scope("conv1"):
        y = b.conv(x, w)
    with b.scope("bn1"):
        mean, variance = b.moments(y, (0, 2, 3))
        b.graph.outputs = {"y": (y - mean) * b.rsqrt(variance + 1e-5)}
    graph = fused(b.graph)
    assert [(r.layers, r.why) for r in graph.refusals] == [
        (("conv1", "bn1"), "the map needs a sum over all rows first")
    ]


@pytest.mark.parametrize("name", NETS)
def test_fuse_keeps_what_a_training_step_computes(name: str) -> None:
    graph = NETS[name]()
    data = feeds(graph)
    expected = run_graph(graph, data, scalars={"rate": 1.0})
    actual = run_graph(fused(NETS[name]()), data, scalars={"rate": 1.0})
    assert actual.loss == pytest.approx(expected.loss, rel=1e-12)
    for key, array in expected.states.items():  # sums are reordered: a few ulp of float64
        np.testing.assert_allclose(actual.states[key], array, rtol=1e-9, atol=1e-12, err_msg=key)


def test_fuse_makes_one_update_of_velocity_and_weight() -> None:
    graph = fused(NETS["lenet"]())
    updates = [op for op in graph.ops if op.segment == "update"]
    assert {len(op.prim.results) for op in updates} == {2}
