"""scan: turns of a body, the states between them, and what is hoisted out of them."""

from __future__ import annotations

import numpy as np
import pytest
from small_graphs import Uniform

from compiler.builder import Builder
from compiler.interpret import run_graph
from compiler.passes.simplify import drop_dead
from runtime.ops import Conv, Map, Matmul

STEPS, BATCH, WIDTH = 4, 2, 3


def outputs(b: Builder, **values) -> dict:
    b.graph.outputs = values
    drop_dead(b.graph)
    return values


def count(b: Builder, prim) -> int:
    return sum(isinstance(op.prim, prim) for op in b.graph.ops if op.segment == "forward")


def run(b: Builder, feeds: dict, states: dict | None = None) -> list:
    found = run_graph(b.graph, feeds, states or {}).values
    return [found[v] for v in b.graph.outputs.values()]


def test_states_go_from_step_to_step() -> None:
    b = Builder("test", "f64", BATCH)
    x = b.input("x", (STEPS * BATCH, WIDTH))
    (y,), (last,) = b.scan(STEPS, [x], [b.full((BATCH, WIDTH), 0.0)], lambda xs, s: ([s[0] + xs[0]], [s[0] + xs[0]]))
    outputs(b, y=y, last=last)
    given = np.random.default_rng(0).standard_normal((STEPS, BATCH, WIDTH))
    y, last = run(b, {"x": given.reshape(-1, WIDTH)})
    # sums of four numbers in the same order
    np.testing.assert_allclose(y.reshape(given.shape), np.cumsum(given, 0), rtol=1e-15)
    np.testing.assert_array_equal(last, y[-BATCH:])


@pytest.mark.parametrize("reverse", [False, True])
def test_marks_lengths_and_direction(reverse) -> None:
    b = Builder("test", "f64", BATCH)
    x, cont = b.input("x", (STEPS * BATCH, 1)), b.input("cont", (STEPS * BATCH,))
    lengths = b.input("lengths", (BATCH,), "i32")
    body = lambda xs, s: ([s[0] + xs[0]], [s[0] + xs[0]])  # noqa: E731
    (y,), (last,) = b.scan(STEPS, [x], [b.full((BATCH, 1), 0.0)], body, cont, lengths, reverse)
    outputs(b, y=y, last=last)
    given = np.arange(1.0, 1 + STEPS * BATCH).reshape(STEPS, BATCH)
    marks = np.array([[1, 0], [1, 1], [0, 1], [1, 1]], float)
    sizes = np.array([STEPS, 3], np.int32)
    y, last = run(b, {"x": given.reshape(-1, 1), "cont": marks.ravel(), "lengths": sizes})
    expected, state = np.zeros_like(given), np.zeros(BATCH)
    for t in range(STEPS)[:: -1 if reverse else 1]:
        start = t + 1 if reverse else t
        if start < STEPS:
            state = state * marks[start]
        state = np.where(t < sizes, state + given[t], state)
        expected[t] = np.where(t < sizes, state, 0)
    np.testing.assert_array_equal(y.reshape(given.shape), expected)  # whole numbers
    np.testing.assert_array_equal(last.ravel(), state)


def looped(make, steps: int = STEPS) -> Builder:
    """A loop h' = tanh(h + f(x_t)) with ``make`` for f."""
    b = Builder("test", "f64", BATCH)
    x = b.input("x", (steps * BATCH, WIDTH))

    def body(xs, before):
        after = b.tanh(before[0] + make(b, xs[0]))
        return [after], [after]

    (y,), _ = b.scan(steps, [x], [b.full((BATCH, WIDTH), 0.0)], body)
    outputs(b, y=y)
    return b


def with_weights(b: Builder, x):
    with b.scope("fc"):
        return b.matmul(x, b.param("weight", (WIDTH, WIDTH), Uniform()), transpose_b=True)


def test_parameters_are_made_once_and_their_product_with_the_input_is_one() -> None:
    b = looped(with_weights)
    assert list(b.graph.states) == ["fc.weight"]
    assert count(b, Matmul) == 1
    (product,) = [op for op in b.graph.ops if isinstance(op.prim, Matmul)]
    assert product.outputs[0].shape == (STEPS * BATCH, WIDTH)
    random = np.random.default_rng(0)
    x, w = random.standard_normal((STEPS, BATCH, WIDTH)), random.standard_normal((WIDTH, WIDTH))
    (y,) = run(b, {"x": x.reshape(-1, WIDTH)}, {"fc.weight": w})
    h = np.zeros((BATCH, WIDTH))
    for t in range(STEPS):
        h = np.tanh(h + x[t] @ w.T)
        np.testing.assert_allclose(y[t * BATCH : (t + 1) * BATCH], h, rtol=1e-12)  # another order of rows


def test_a_product_with_the_state_stays_in_the_turns() -> None:
    b = Builder("test", "f64", BATCH)
    w = b.input("w", (WIDTH, WIDTH))

    def body(xs, states):
        after = b.tanh(b.matmul(states[0], w))
        return [after], [after]

    (y,), _ = b.scan(STEPS, [], [b.input("h", (BATCH, WIDTH))], body)
    outputs(b, y=y)
    assert count(b, Matmul) == STEPS


def test_what_is_the_same_in_every_turn_is_computed_once() -> None:
    b = Builder("test", "f64", BATCH)
    features, w = b.input("features", (BATCH, 5, WIDTH)), b.input("w", (WIDTH, WIDTH))

    def body(xs, states):
        same = b.matmul(b.reshape(features, (BATCH * 5, WIDTH)), w)
        after = b.tanh(states[0] + b.reshape(b.sum(b.reshape(same, (BATCH, 5, WIDTH)), 1), (BATCH, WIDTH)))
        return [after], [after]

    (y,), _ = b.scan(STEPS, [], [b.full((BATCH, WIDTH), 0.0)], body)
    outputs(b, y=y)
    assert count(b, Matmul) == 1


def image(b: Builder, x):
    with b.scope("conv"):
        w = b.param("weight", (WIDTH, WIDTH, 1, 1), Uniform())
        y = b.conv(b.reshape(x, (BATCH, WIDTH, 1, 1)), w)
        return b.reshape(b.maximum(y, 0.0), (BATCH, WIDTH))


def test_convolutions_and_maps_of_the_input_are_hoisted() -> None:
    b = looped(image)
    assert count(b, Conv) == 1
    # the rectifier once, the first state, and a sum with its tanh for each step
    assert count(b, Map) == 2 + 2 * STEPS


def test_random_numbers_are_drawn_anew_in_each_turn() -> None:
    def dropped(b: Builder, x):
        with b.scope("drop"):
            return b.where(b.uniform((BATCH, WIDTH)) > 0.5, x, 0.0)

    b = looped(dropped)
    draws = {
        n.value
        for op in b.graph.ops
        if isinstance(op.prim, Map)
        for n in op.prim.results[0].walk()
        if n.op == "uniform"
    }
    assert len(draws) == STEPS


def test_turns_that_differ_are_left_alone() -> None:
    turn = iter(range(STEPS))

    def differs(b: Builder, x):
        return x * 2.0 if next(turn) else b.exp(x) * 2.0

    assert count(looped(differs), Map) == 1 + 1 + 3 * STEPS


def test_a_running_state_inside_goes_from_turn_to_turn() -> None:
    def counting(b: Builder, x):
        with b.scope("it"):
            seen = b.state("seen", (), 0.0)
            b.write(seen, seen + 1.0)
        return x

    b = looped(counting)
    assert b.graph.states["it.seen"].written is not None
    found = run_graph(b.graph, {"x": np.zeros((STEPS * BATCH, WIDTH))}, {"it.seen": np.zeros(())})
    assert float(found[b.graph.states["it.seen"].written]) == STEPS
