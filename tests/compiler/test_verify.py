"""What the verifier of graphs refuses, and that it says where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from random_graphs import random_graph

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.ir import Graph, Op, Value
from compiler.verify import VerifyError, verify
from runtime import ops
from runtime.expr import arg
from runtime.plan import Origin


def small() -> Graph:
    """exp, sum, gradient, and a state that follows the sum."""
    b = Builder(dtype="f64")
    x, w = b.input("x", (2, 3)), b.state("w", (2, 3), 1.0, "param")
    with b.scope("act"):
        y = b.exp(x * w)
    with b.scope("loss"):
        loss = b.sum(y)
    (dw,) = gradients(b, loss, [w])
    assert dw is not None
    with b.scope("solver", "update"), b.segment("update"):
        b.write(w, w - 0.1 * dw)
    b.graph.loss, b.graph.grads["net.w"], b.graph.outputs["y"] = loss, dw, y
    return b.graph


def op_of(graph: Graph, segment: str, place: int = 0) -> Op:
    return [op for op in graph.ops if op.segment == segment][place]


def swap_order(graph: Graph) -> None:
    graph.ops[1], graph.ops[2] = graph.ops[2], graph.ops[1]


def make_twice(graph: Graph) -> None:
    graph.ops.append(graph.ops[1])


def steal_output(graph: Graph) -> None:
    op = op_of(graph, "forward")
    Op(op.prim, op.inputs, op.outputs, "forward", op.origin)


def forget_origin(graph: Graph) -> None:
    op_of(graph, "forward").origin = ()


def name_no_segment(graph: Graph) -> None:
    op_of(graph, "forward").segment = "later"


def change_shape(graph: Graph) -> None:
    op_of(graph, "forward").outputs[0].shape = (3, 2)


def change_dtype(graph: Graph) -> None:
    op_of(graph, "forward").outputs[0].dtype = "f32"


def read_later_segment(graph: Graph) -> None:
    graph.ops[2].segment = "backward"
    graph.ops[3].segment = "forward"


def read_init(graph: Graph) -> None:
    made = op_of(graph, "init").outputs[0]
    graph.ops.append(Op(ops.Map((arg(0),), made.shape), [made], [Value(made.shape, "f64")], "update", [ORIGIN]))


def write_other_shape(graph: Graph) -> None:
    graph.states["net.w"].written = graph.loss


def start_elsewhere(graph: Graph) -> None:
    graph.states["net.w"].init = graph.outputs["y"]


def write_nothing_made(graph: Graph) -> None:
    graph.states["net.w"].written = Value((2, 3), "f64", "ghost")


def output_nothing_made(graph: Graph) -> None:
    graph.outputs["z"] = Value((1,), "f64", "ghost")


def gradient_of_no_state(graph: Graph) -> None:
    graph.grads["net.b"] = graph.grads["net.w"]


def gradient_of_other_shape(graph: Graph) -> None:
    graph.grads["net.w"] = graph.outputs["y"] = Value((1,), "f64", "x2")
    graph.inputs["x2"] = graph.grads["net.w"]


def rename_state(graph: Graph) -> None:
    graph.states["net.w"].name = "v"


def input_made_by_op(graph: Graph) -> None:
    graph.inputs["y"] = graph.outputs["y"]


ORIGIN = Origin("conv1", "forward")
BROKEN: list[tuple[Callable[[Graph], None], str]] = [
    (swap_order, r"act:forward: map\[exp\(%0\)\].* reads %: f64\[2x3\] \(operand 0\) before it is made"),
    (make_twice, "act:forward: .* makes %: .* a second time"),
    (steal_output, "act:forward: .* which names another operation as its maker"),
    (forget_origin, r"no layer: map\[.* has no origin"),
    (name_no_segment, "act:forward: .* is in segment later, expected one of init, forward"),
    (change_shape, r"act:forward: .* has results \[\(\(3, 2\), 'f64'\)\], its rule says \[\(\(2, 3\), 'f64'\)\]"),
    (change_dtype, r"act:forward: .* has results \[\(\(2, 3\), 'f32'\)\], its rule says"),
    (read_later_segment, "of segment forward reads %: .* of segment backward"),
    (read_init, "conv1:forward: .* of segment update reads %: .* of segment init"),
    (write_other_shape, r"state net.w: is written \(\(1, 1\), 'f64'\), it is read as \(\(2, 3\), 'f64'\)"),
    (start_elsewhere, "state net.w: starts from %: .* of segment forward, expected init"),
    (write_nothing_made, "state net.w: is written ghost: .*, which nothing makes"),
    (output_nothing_made, "the border: names ghost: .*, which nothing makes"),
    (gradient_of_no_state, "gradient net.b: is of no state"),
    (gradient_of_other_shape, r"gradient net.w: has shape \(1,\), the parameter \(2, 3\)"),
    (rename_state, "state net.w: is called v"),
    (input_made_by_op, "input y: is made by an operation as well"),
]


def test_a_sound_graph_passes():
    graph = small()
    assert verify(graph) is None
    assert {"init", "forward", "backward", "update"} == {op.segment for op in graph.ops}


@pytest.mark.parametrize(("breakage", "message"), BROKEN, ids=lambda x: getattr(x, "__name__", ""))
def test_a_broken_graph_is_refused_with_the_place(breakage, message):
    graph = small()
    breakage(graph)
    with pytest.raises(VerifyError, match=message):
        verify(graph)


def test_an_operation_that_its_rule_refuses_is_named():
    graph = small()
    op = op_of(graph, "forward")
    op.prim = ops.Window(2)
    op.inputs = op.inputs[:1]
    with pytest.raises(VerifyError, match=r"act:forward: window size=2.*: window: got size 2, expected an odd size"):
        verify(graph)


def test_a_value_of_no_operand_has_the_dtype_of_the_graph():
    b = Builder(dtype="f64")
    b.graph.outputs["one"] = b.full((2,), 1.0)
    assert verify(b.graph) is None
    b.graph.dtype = "f32"
    with pytest.raises(VerifyError, match="its rule says"):
        verify(b.graph)


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_with_gradients_pass(seed):
    made = random_graph(seed)
    gradients(made.b, made.loss, list(made.b.graph.inputs.values()))
    assert verify(made.b.graph) is None
