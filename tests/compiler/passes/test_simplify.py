"""simplify: folding of expressions, repeated and dead operations."""

from __future__ import annotations

import pytest

from compiler.builder import Builder
from compiler.passes.simplify import fold, simplify
from runtime.expr import arg, call, const


def test_fold_computes_constants() -> None:
    assert fold(call("add", const(1.0), call("mul", const(2.0), const(3.0)))) == const(7.0)


@pytest.mark.parametrize(
    ("tree", "folded"),
    [
        (call("mul", arg(0), const(1.0)), arg(0)),
        (call("add", const(0.0), arg(0)), arg(0)),
        (call("sub", arg(0), const(0.0)), arg(0)),
        (call("div", arg(0), const(1.0)), arg(0)),
        (call("neg", call("neg", arg(0))), arg(0)),
        (call("pow", arg(0), const(2.0)), call("mul", arg(0), arg(0))),
        (call("pow", arg(0), const(0.5)), call("sqrt", arg(0))),
        (call("where", const(True), arg(0), arg(1)), arg(0)),
        (call("where", call("not", arg(2, "b1")), arg(0), arg(1)), call("where", arg(2, "b1"), arg(1), arg(0))),
        (call("mul", const(2.0), call("mul", const(3.0), arg(0))), call("mul", const(6.0), arg(0))),
        (call("add", arg(0), call("neg", arg(1))), call("sub", arg(0), arg(1))),
        (
            call("mul", const(2.0), call("where", arg(0, "b1"), const(3.0), const(0.0))),
            call("where", arg(0, "b1"), const(6.0), const(0.0)),
        ),
    ],
)
def test_fold_removes_neutral_operations(tree, folded) -> None:
    assert fold(tree) == folded


def test_fold_keeps_a_product_with_zero_because_of_nan() -> None:
    tree = call("mul", arg(0), const(0.0))
    assert fold(tree).op == "mul"


def test_fold_leaves_a_division_by_zero_to_the_kernel() -> None:
    assert fold(call("div", const(1.0), const(0.0))).op == "div"
    assert fold(call("log", const(-1.0))).op == "log"


def test_simplify_computes_a_repeated_expression_once() -> None:
    b = Builder()
    x = b.input("x", (2, 3))
    with b.scope("a"):
        first = b.exp(x) * 2.0
    with b.scope("c"):
        second = b.exp(x) * 2.0
    b.graph.outputs = {"y": first, "z": second}
    simplify(b.graph)
    assert [op.prim.kind for op in b.graph.ops] == ["map", "map"]
    assert b.graph.outputs["y"] is b.graph.outputs["z"]
    assert [o.layer for o in b.graph.ops[0].origin] == ["a", "c"]


def test_simplify_drops_what_nobody_reads() -> None:
    b = Builder()
    x = b.input("x", (2, 3))
    b.exp(x)
    b.graph.outputs = {"y": b.log(x)}
    simplify(b.graph)
    assert [op.prim.results[0].op for op in b.graph.ops] == ["log"]


def test_simplify_keeps_the_fillers_of_two_states_apart() -> None:
    b = Builder()
    b.state("mean", (4,))
    b.state("variance", (4,))
    simplify(b.graph)
    assert len(b.graph.ops) == 2


def test_simplify_shortens_chains_of_reshapes() -> None:
    b = Builder()
    x = b.input("x", (2, 6))
    b.graph.outputs = {"y": b.reshape(b.reshape(x, (12,)), (3, 4))}
    simplify(b.graph)
    assert len(b.graph.ops) == 1
    assert b.graph.ops[0].inputs == (x,)


def test_simplify_keeps_the_equal_gradients_of_two_parameters_apart() -> None:
    b = Builder()
    x = b.input("x", (2, 3))
    g = b.exp(x)
    with b.segment("backward"):
        copy = b.map(arg(0), (2, 3), g)
    b.graph.grads = {"a.bias": g, "c.bias": copy}
    simplify(b.graph)
    assert b.graph.grads["a.bias"] is not b.graph.grads["c.bias"]


def test_fold_joins_the_two_sides_of_a_choices_gradient():
    c, x, y, nothing = call("gt", arg(0), const(0.0)), arg(1), arg(2), const(0.0)
    left, right = call("where", c, x, nothing), call("where", c, nothing, y)
    assert fold(call("add", left, right)) == call("where", c, x, y)
    assert fold(call("add", call("where", c, x, nothing), call("where", c, nothing, x))) == x
    apart = call("add", left, call("where", c, y, nothing))
    assert fold(apart) == apart


@pytest.mark.parametrize(
    ("start", "stop", "kinds"), [(2, 5, ["slice"]), (1, 4, ["pad", "slice"]), (4, 7, ["pad", "slice"])]
)
def test_a_slice_inside_a_padding_reads_what_is_inside(start, stop, kinds) -> None:
    b = Builder()
    x = b.input("x", (4, 3))
    b.graph.outputs = {"y": b.slice(b.pad(x, ((2, 3), (0, 0))), 0, start, stop)}
    simplify(b.graph)
    assert [op.prim.kind for op in b.graph.ops] == kinds
    if kinds == ["slice"]:
        assert (b.graph.ops[0].prim.start, b.graph.ops[0].prim.stop) == (start - 2, stop - 2)
