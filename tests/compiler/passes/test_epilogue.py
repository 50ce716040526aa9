"""epilogue: maps and reductions behind products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from compiler.builder import Builder
from compiler.compile import compile_graph
from compiler.interpret import run_graph
from compiler.ir import Graph, Value
from compiler.passes import epilogue
from compiler.passes.fuse import fuse
from compiler.passes.place import segment_order
from compiler.passes.save import save
from compiler.passes.simplify import simplify
from compiler.target import Target
from runtime.executor import Store, open_executor
from runtime.expr import arg
from runtime.ops import ClearHalo, Map, Unpool
from runtime.plan import Plan

SHAPE = (2, 3, 8, 8)


def fused(graph: Graph) -> Graph:
    graph.ops.sort(key=segment_order)
    return fuse(save(simplify(graph)))


def tails(graph: Graph) -> dict[str, list[str]]:
    """Kinds of the parts behind each host."""
    return {host.prim.kind: [p.prim.kind for p in parts] for host, parts in epilogue.tails_of(graph).items()}


def conv(b: Builder, k: int = 6) -> Value:
    return b.conv(b.input("x", SHAPE), b.input("w", (k, 3, 3, 3)), pad=(1, 1))


def plan_of(graph: Graph) -> Plan:
    return compile_graph(graph, Target(dtype="f64"), check=True)


def kernels(plan: Plan) -> list[str]:
    """The forward steps, without what puts fed weights in order and zeros around fed maps."""
    steps = [s for s in plan.segment("forward") if not isinstance(s.op, ClearHalo)]
    return [s.kernel for s in steps if not (isinstance(s.op, Map) and s.op.results == (arg(0),))]


def check(make: Callable[[], Graph], threads: tuple[int, ...] = (1, 3)) -> Plan:
    """The graph, its plan on the reference, and the plan on the CPU give the same outputs."""
    graph = make()
    rng = np.random.default_rng(0)
    feeds = {name: rng.normal(size=v.shape) for name, v in graph.inputs.items()}
    expected = run_graph(graph, feeds).outputs
    plan = plan_of(make())  # type: ignore[operator]
    for device, count in (("reference", 1), *(("cpu", n) for n in threads)):
        executor = open_executor(plan, Store(plan.memory), device, count)
        for name, array in feeds.items():
            executor.feed(name, array)
        executor.run("forward")
        for name, want in expected.items():
            # sums are taken in another order: a few ulp of float64
            np.testing.assert_allclose(executor.array(plan.outputs[name]), want, rtol=1e-10, atol=1e-12)
    return plan


def test_moments_run_behind_their_convolution_and_the_normalisation_does_not() -> None:
    b = Builder(dtype="f64")
    y = conv(b)
    mean, variance = b.moments(y, (0, 2, 3))
    b.graph.outputs = {"y": (y - mean) * b.rsqrt(variance + 1e-5)}
    graph = fused(b.graph)
    assert tails(graph) == {"conv": ["moments"]}
    assert [r.why for r in graph.refusals] == ["the map needs a sum over all rows first"]


def test_a_map_of_a_map_and_sums_of_both_form_one_tail() -> None:
    def make() -> Graph:
        b = Builder(dtype="f64")
        y = conv(b)
        z = b.where(y > 0, y, 0.1 * y)
        b.graph.outputs = {"z": z, "y": b.sum(y, (0, 2, 3)), "s": b.sum(z * z, (0, 2, 3)), "e": b.exp(z)}
        return b.graph

    graph = fused(make())
    assert set(tails(graph)) == {"conv"}
    assert sorted(tails(graph)["conv"])[-1] == "reduce"
    plan = check(make)
    assert kernels(plan) == ["conv+map+reduce"]


def test_adding_or_dropping_axes_of_one_element_does_not_part_a_product_from_its_map() -> None:
    def make() -> Graph:
        b = Builder(dtype="f64")
        y = b.conv(b.input("x", (5, 3, 4, 4)), b.input("w", (7, 3, 4, 4))) + b.input("bias", (1, 7, 1, 1))
        flat = b.reshape(y, (5, 7))
        b.graph.outputs = {"y": b.where(flat > 0, flat, 0.0)}
        return b.graph

    plan = check(make)
    assert kernels(plan) == ["conv+map"]


@pytest.mark.parametrize("kind", ["window", "unpool", "matmul"])
def test_windows_gradients_of_pooling_and_matrix_products_take_maps_along(kind: str) -> None:
    def make() -> Graph:
        b = Builder(dtype="f64")
        x = b.input("x", (2, 5, 6, 6))
        if kind == "window":
            y = b.window(x, 3)
        elif kind == "unpool":
            y = b.emit1(Unpool("ave", (2, 2), (2, 2), (0, 0), (12, 12)), x)
        else:
            y = b.matmul(x, b.input("w", (2, 5, 6, 4)))
        b.graph.outputs = {"y": b.where(y > 0, y, 0.5 * y)}
        return b.graph

    plan = check(make)
    assert len(kernels(plan)) == 1


def test_pooling_takes_no_map_along_and_the_plan_says_why() -> None:
    b = Builder(dtype="f64")
    y = b.max_pool(b.input("x", (2, 5, 6, 6)), (2, 2), (2, 2), (0, 0), (3, 3))[0]
    b.graph.outputs = {"y": b.where(y > 0, y, 0.5 * y)}
    graph = fused(b.graph)
    assert tails(graph) == {}
    assert [r.why for r in graph.refusals] == ["behind a pooling a map measured no faster than on its own"]


def test_the_last_of_two_products_takes_their_sum() -> None:
    def make() -> Graph:
        b = Builder(dtype="f64")
        x = b.input("x", SHAPE)
        first, second = (b.conv(x, b.input(name, (6, 3, 3, 3)), pad=(1, 1)) for name in ("v", "w"))
        b.graph.outputs = {"y": b.tanh(first + second)}
        return b.graph

    graph = fused(make())
    assert [op.prim.kind for op in graph.ops] == ["conv", "conv", "map"]
    assert graph.ops[2].host is graph.ops[1]
    assert [r.why for r in graph.refusals] == ["the map runs behind another product"]
    check(make)


def test_a_product_moves_down_to_its_map_unless_someone_reads_it_before() -> None:
    def make(read: bool) -> Graph:
        b = Builder(dtype="f64")
        y = conv(b)
        early = b.max_pool(y, (2, 2), (2, 2), (0, 0), (4, 4))[0] if read else b.input("z", (2, 6, 4, 4))
        late = b.logsumexp(early, 1)
        b.graph.outputs = {"y": b.tanh(y + b.sum(late, (1, 2, 3)))}
        return b.graph

    assert tails(fused(make(False))) == {"conv": ["map"]}
    graph = fused(make(True))
    assert "map" not in tails(graph).get("conv", [])
    assert [r.why for r in graph.refusals] == ["pool reads the result before the other operands are made"]
    check(lambda: make(False))
    check(lambda: make(True))


def test_a_sum_that_reads_much_from_elsewhere_stays_apart_while_that_fits_the_cache(monkeypatch) -> None:
    def make() -> Graph:
        b = Builder(dtype="f64")
        y = conv(b)
        b.graph.outputs = {"s": b.sum(y * b.input("z", y.shape), (0, 2, 3))}
        return b.graph

    graph = fused(make())
    assert tails(graph) == {}
    assert [r.why for r in graph.refusals] == [epilogue.NEAR]
    monkeypatch.setattr(epilogue, "FAR_BYTES", 0)
    assert tails(fused(make())) == {"conv": ["reduce"]}
    check(make)


@pytest.mark.parametrize(
    ("axes", "why"),
    [
        ((1,), "the sum is not one number a channel over all rows"),
        ((0, 1, 2, 3), "the sum is not one number a channel"),
    ],
)
def test_sums_over_other_axes_stay_apart(axes, why) -> None:
    b = Builder(dtype="f64")
    b.graph.outputs = {"s": b.sum(conv(b), axes)}
    graph = fused(b.graph)
    assert tails(graph) == {}
    assert graph.refusals[0].why.startswith(why)


def test_one_channel_at_short_rows_stays_apart() -> None:
    b = Builder(dtype="f64")
    b.graph.outputs = {"s": b.sum(b.conv(b.input("x", (9, 3, 5, 3)), b.input("w", (4, 3, 1, 1))), (0, 2, 3))}
    assert [r.why for r in fused(b.graph).refusals] == ["the rows are too short to be summed up one by one"]


def test_two_parameters_with_one_gradient_are_updated_in_one_step() -> None:
    b = Builder(dtype="f64")
    with b.scope("layer"):
        v, w, x = b.state("v", (6,)), b.state("w", (6,)), b.input("x", (6,))
        with b.segment("backward"):
            gradient = b.exp(x)
        with b.segment("update"):
            b.write(v, v - 0.5 * gradient)
            b.write(w, w - 0.5 * gradient)
    b.graph.grads = {"layer.v": gradient, "layer.w": gradient}
    plan = plan_of(b.graph)
    assert len(plan.segment("update")) == 1
    executor = open_executor(plan, Store(plan.memory), "reference")
    executor.feed("x", np.arange(6.0))
    executor.run("init", "backward", "update")
    for entry in plan.states:
        np.testing.assert_allclose(executor.array(entry.view), -0.5 * np.exp(np.arange(6.0)), rtol=1e-12)
