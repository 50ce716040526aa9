"""save: what forward keeps for backward."""

from __future__ import annotations

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.ir import Graph, Value
from compiler.passes.save import save
from compiler.passes.simplify import simplify


def graph_of(make) -> tuple[Graph, Value]:
    """A graph whose loss is the sum of ``make(b, x)`` with x the result of a pooling."""
    b = Builder()
    data = b.input("data", (2, 3, 8, 8))
    x, _ = b.max_pool(data, (2, 2), (2, 2), (0, 0), (4, 4))
    loss = b.as_scalar(b.sum(make(b, x)))
    b.graph.loss = loss
    (b.graph.blob_grads["x"],) = gradients(b, loss, [x])
    simplify(b.graph)
    return save(b.graph), x


def test_save_keeps_the_output_of_a_tanh_and_nothing_else() -> None:
    graph, _ = graph_of(lambda b, x: b.tanh(x))
    assert [v.op.prim.results[0].op for v in graph.saved] == ["tanh"]


def test_save_keeps_one_byte_an_element_for_a_relu_that_nothing_else_needs() -> None:
    graph, _ = graph_of(lambda b, x: b.where(x > 0, x, 0.0))
    assert [v.dtype for v in graph.saved] == ["b1"]


def test_save_uses_the_output_of_a_relu_that_a_convolution_keeps_anyway() -> None:
    b = Builder()
    data = b.input("data", (2, 3, 8, 8))
    x, _ = b.max_pool(data, (2, 2), (2, 2), (0, 0), (4, 4))
    w = b.input("w", (5, 3, 3, 3))
    y = b.where(x > 0, x, 0.0)
    loss = b.as_scalar(b.sum(b.conv(y, w, pad=(1, 1))))
    b.graph.loss = loss
    b.graph.blob_grads["x"], b.graph.blob_grads["w"] = gradients(b, loss, [x, w])
    simplify(b.graph)
    save(b.graph)
    assert b.graph.saved == {y}


def test_save_recomputes_a_dropout_mask() -> None:
    graph, _ = graph_of(lambda b, x: x * b.to_float(b.uniform(x.shape) >= 0.5))
    assert not any(v.dtype == "b1" for v in graph.saved)
    assert graph.saved == set()
