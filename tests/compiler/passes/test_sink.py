"""sink: sums of products as one product of stacked operands."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.compile import compile_graph
from compiler.interpret import run_graph
from compiler.passes.simplify import simplify
from compiler.passes.sink import sink
from compiler.target import Target
from runtime.expr import arg, call
from runtime.ops import Concat, ConvWeightGrad, Map, Matmul, Reduce, Slice

STEPS, BATCH, WIDTH = 5, 3, 4


def loop(steps: int = STEPS, first: bool = True) -> tuple[Builder, list]:
    """h' = tanh(x_t + h w'), the loss a sum over all h: what the weight's gradient sums up is made step by step."""
    b = Builder("train", "f64", BATCH)
    w, h, x = b.input("w", (WIDTH, WIDTH)), b.input("h", (BATCH, WIDTH)), b.input("x", (steps * BATCH, WIDTH))

    def body(slices, states):
        after = b.tanh(slices[0] + b.matmul(states[0], w, transpose_b=True))
        return [after], [after]

    (y,), _ = b.scan(steps, [x], [h], body)
    b.graph.loss = b.as_scalar(b.sum(y * y))
    grads = gradients(b, b.graph.loss, [w, x, h] if first else [w, x])
    b.graph.outputs = {f"d{k}": g for k, g in enumerate(grads)}
    return b, grads


def feeds(steps: int = STEPS) -> dict:
    random = np.random.default_rng(0)
    shapes = {"w": (WIDTH, WIDTH), "h": (BATCH, WIDTH), "x": (steps * BATCH, WIDTH)}
    return {name: random.standard_normal(shape) for name, shape in shapes.items()}


def products(b: Builder) -> list:
    return [op for op in b.graph.ops if isinstance(op.prim, Matmul) and op.prim.transpose_a]


def test_the_gradient_of_a_loops_weight_is_one_product() -> None:
    b, _ = loop()
    before = run_graph(b.graph, feeds(), {}).values[b.graph.outputs["d0"]]
    simplify(b.graph)
    assert len(products(b)) == STEPS
    sink(b.graph)
    (product,) = products(b)
    assert [v.shape for v in product.inputs] == [(STEPS * BATCH, WIDTH)] * 2
    after = run_graph(b.graph, feeds(), {}).values[b.graph.outputs["d0"]]
    # the same sums in another order, float64
    np.testing.assert_allclose(after, before, rtol=1e-12)


def test_what_lies_in_an_array_of_all_steps_is_read_there() -> None:
    b, _ = loop()
    simplify(b.graph)
    stacks = sum(isinstance(op.prim, Concat) for op in b.graph.ops)
    sink(b.graph)
    # the gradient of x holds every step's already, and so does the array of the states from the first one on
    assert sum(isinstance(op.prim, Concat) for op in b.graph.ops) == stacks


def test_slices_of_one_array_are_that_array() -> None:
    b = Builder("train", "f64", BATCH)
    x, dy = b.input("x", (20, 3)), b.input("dy", (22, 2))
    parts = [b.matmul(b.slice(x, 0, 5 * k, 5 * k + 5), b.slice(dy, 0, 5 * k + 1, 5 * k + 6), True) for k in range(4)]
    b.graph.outputs = {"total": b.map(_sum_of(4), parts[0].shape, *parts)}
    sink(b.graph)
    assert [type(op.prim) for op in b.graph.ops] == [Slice, Matmul]
    random = np.random.default_rng(1)
    given = {"x": random.standard_normal((20, 3)), "dy": random.standard_normal((22, 2))}
    found = run_graph(b.graph, given, {}).values[b.graph.outputs["total"]]
    np.testing.assert_allclose(found, given["x"].T @ given["dy"][1:21], rtol=1e-12)  # another order, float64


def _sum_of(count: int):
    total = arg(0)
    for k in range(1, count):
        total = call("add", total, arg(k))
    return total


def sum_of_terms(make, count: int = 4) -> Builder:
    b = Builder("train", "f64", BATCH)
    terms = [make(b, k) for k in range(count)]
    b.graph.outputs = {"total": b.map(_sum_of(count), terms[0].shape, *terms)}
    return b


def test_sums_over_rows_are_stacked_too() -> None:
    b = sum_of_terms(lambda b, k: b.sum(b.input(f"x{k}", (BATCH, WIDTH)), 0))
    sink(b.graph)
    assert [type(op.prim) for op in b.graph.ops] == [Concat, Reduce]
    given = {f"x{k}": np.full((BATCH, WIDTH), float(k)) for k in range(4)}
    assert run_graph(b.graph, given, {}).values[b.graph.outputs["total"]].tolist() == [[18.0] * WIDTH]


def test_weight_gradients_of_convolutions_are_stacked() -> None:
    grad = ConvWeightGrad((1, 1), (1, 1), (1, 1), 1, (3, 3))
    make = lambda b, k: b.emit1(grad, b.input(f"x{k}", (2, 3, 5, 5)), b.input(f"dy{k}", (2, 4, 5, 5)))  # noqa: E731
    b = sum_of_terms(make)
    sink(b.graph)
    assert [type(op.prim) for op in b.graph.ops] == [Concat, Concat, ConvWeightGrad]


def test_a_few_terms_stay() -> None:
    b = sum_of_terms(lambda b, k: b.sum(b.input(f"x{k}", (BATCH, WIDTH)), 0), count=3)
    sink(b.graph)
    assert sum(isinstance(op.prim, Map) for op in b.graph.ops) == 1


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda b, k: b.matmul(b.input(f"x{k}", (3, 3)), b.input(f"y{k}", (3, 3)), True, k % 2 == 0),
            "the products differ",
        ),
        (
            lambda b, k: b.matmul(b.input(f"x{k}", (k + 1, 3)), b.input(f"y{k}", (k + 1, 2)), True),
            "the operands' shapes differ",
        ),
        (lambda b, k: b.matmul(b.input(f"x{k}", (2, 3)), b.input(f"y{k}", (3, 2))), "sum over columns"),
    ],
)
def test_what_stays_has_a_reason(make, why) -> None:
    b = sum_of_terms(make)
    sink(b.graph)
    (refusal,) = b.graph.refusals
    assert why in refusal.why


def test_a_product_that_something_else_reads_stays() -> None:
    b = Builder("train", "f64", BATCH)
    terms = [b.matmul(b.input(f"x{k}", (2, 3)), b.input(f"y{k}", (2, 2)), True) for k in range(4)]
    b.graph.outputs = {"total": b.map(_sum_of(4), (3, 2), *terms), "one": terms[0]}
    sink(b.graph)
    assert "something else reads" in b.graph.refusals[0].why


def test_states_are_written_where_the_stack_lies() -> None:
    b, _ = loop(first=False)
    plan = compile_graph(b.graph, Target(dtype="f64"), check=True)
    copies = [s for s in plan.steps if isinstance(s.op, Map) and [str(r) for r in s.op.results] == ["%0"]]
    # the first state, which the caller feeds, is the one that has to be copied into the array
    assert len(copies) <= 1
