"""traffic: the bytes that no plan could save, counted by hand."""

from __future__ import annotations

from small_graphs import Toy

from compiler.compile import compile_graph
from compiler.target import Target
from compiler.traffic import least_bytes


def test_a_forward_walk_reads_inputs_and_parameters_and_writes_outputs():
    toy = Toy("f32", batch=2, phase="test")
    y = toy.relu(toy.conv(toy.b.input("data", (2, 3, 8, 8)), 4, 3))
    toy.b.graph.outputs["y"] = y
    data, parameters, out = 2 * 3 * 64, 4 * 27 + 4, 2 * 4 * 36
    assert compile_graph(toy.b.graph, Target()).least_bytes == 4 * (data + parameters + out)


def test_a_step_also_writes_states_and_gradients_and_moves_what_is_kept_twice():
    toy = Toy("f32", batch=2)
    x, label = toy.b.input("data", (2, 3, 1, 1)), toy.b.input("label", (2,), "i32")
    plan = compile_graph(toy.finish(toy.softmax_loss(toy.fc(x, 4), label)), Target())
    parameters = 4 * 3 + 4
    fixed = (2 * 3 + 2) + 4 * parameters + parameters + 1
    # forward keeps the scores and their log-sum-exp, and one byte for each score: whether it is the label's
    kept = 4 * (2 * 4 + 2) + 2 * 4
    assert plan.least_bytes == 4 * fixed + 2 * kept


def test_what_only_moves_is_counted_once():
    toy = Toy("f32", batch=2, phase="test")
    x = toy.b.input("data", (2, 3, 4, 4))
    toy.b.graph.outputs["y"] = toy.b.reshape(x, (2, 48)) * 2.0
    assert least_bytes(toy.b.graph) == 4 * (96 + 96)


def test_a_plan_moves_at_least_that_much():
    toy = Toy("f32", batch=4)
    x, label = toy.b.input("data", (4, 3, 12, 12)), toy.b.input("label", (4,), "i32")
    y = toy.max_pool(toy.relu(toy.batch_norm(toy.conv(x, 8, 3, pad=1))))
    plan = compile_graph(toy.finish(toy.softmax_loss(toy.fc(y, 5), label)), Target())
    assert 0 < plan.least_bytes <= sum(step.bytes for step in plan.steps if step.segment != "init")
