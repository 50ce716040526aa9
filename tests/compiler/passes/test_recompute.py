"""recompute: what ``memory: small`` does not keep."""

from __future__ import annotations

import numpy as np
import pytest

import netspec
from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.compile import compile_graph
from compiler.ir import Graph, Value
from compiler.passes.place import segment_order
from compiler.passes.recompute import recompute
from compiler.passes.save import LATER, save
from compiler.passes.simplify import simplify
from compiler.target import Target
from compiler.verify import verify
from netspec.lowering import build_graph
from netspec.spec.load import load_spec
from netspec.zoo import folder
from runtime.ops import ConvWeightGrad, Map


def normalised(b: Builder, x: Value) -> Value:
    """max((x - mean) / deviation, 0) over the batch."""
    mean, variance = b.moments(x, axes=(0, 2, 3))
    return b.where((h := (x - mean) * b.rsqrt(variance + 1e-5)) > 0, h, 0.0)


def graph_of(make, weights: dict[str, Value] | None = None, keep: bool = False) -> Graph:
    """A convolution, ``make`` of its result, another convolution, the sum; with the gradients of all weights."""
    b = Builder()
    data = b.input("data", (4, 3, 8, 8))
    first, second = b.input("first", (16, 3, 3, 3)), b.input("second", (5, 16, 3, 3))
    y = make(b, b.conv(data, first, pad=(1, 1)))
    y.name = "y"
    loss = b.as_scalar(b.sum(b.conv(y, second, pad=(1, 1)) ** 2))
    b.graph.loss = loss
    b.graph.keep = [y] * keep
    wanted = {"first": first, "second": second, **(weights or {})}
    b.graph.blob_grads.update(zip(wanted, gradients(b, loss, list(wanted.values())), strict=True))
    b.graph.ops.sort(key=segment_order)
    return recompute(save(simplify(b.graph)))


def read_by_weight_gradients(graph: Graph) -> list[Value]:
    """The images that the weight gradients read."""
    return [op.inputs[k] for op in graph.ops if isinstance(op.prim, ConvWeightGrad) for k in range(len(op.inputs))]


def test_a_normalised_and_rectified_value_is_made_again_before_the_first_backward_reader() -> None:
    graph = graph_of(normalised)
    verify(graph)
    again = [op for op in graph.ops if op.segment == "backward" and op.prim.kind == "map"]
    y = next(v for op in graph.ops for v in op.outputs if v.name == "y")
    assert y not in graph.saved
    assert not any(y in op.inputs for op in graph.ops if op.segment in LATER)
    formula = {v: str(op.prim.results) for op in again for v in op.outputs}
    images = [v for v in read_by_weight_gradients(graph) if v in formula and v.shape == y.shape]
    assert str(y.op.prim.results) in [formula[v] for v in images]
    assert all(o.direction == "backward" for op in again for o in op.origin)


def test_a_value_whose_operand_nothing_else_keeps_stays() -> None:
    graph = graph_of(lambda b, x: b.where(x > 0, x, 0.0))
    y = next(v for op in graph.ops for v in op.outputs if v.name == "y")
    assert y in read_by_weight_gradients(graph)


def test_of_a_long_chain_of_sums_some_values_are_made_again_and_some_kept() -> None:
    def chain(b: Builder, x: Value) -> Value:
        y = normalised(b, x)
        for k in range(8):
            weights[f"w{k}"] = b.input(f"w{k}", (16, 16, 3, 3))
            y = normalised(b, b.conv(y, weights[f"w{k}"], pad=(1, 1))) + y
        return y

    weights: dict[str, Value] = {}
    graph = graph_of(chain, weights)
    verify(graph)
    made = {v for op in graph.ops if op.segment == "backward" and isinstance(op.prim, Map) for v in op.outputs}
    forward = {v for op in graph.ops if op.segment == "forward" for v in op.outputs}
    images = {v for v in read_by_weight_gradients(graph) if v.shape == (4, 16, 8, 8)}
    assert images & made
    assert images & forward


def test_a_kept_blob_is_not_made_again() -> None:
    graph = graph_of(normalised, keep=True)
    assert graph.keep[0] in read_by_weight_gradients(graph)


LAYERS = """
memory: {memory}
inputs: {{data: [3, 12, 12], label: []}}
layers:
  - {{name: c1, type: Convolution, num_output: 8, kernel_size: 3, pad: 1, bias_term: false}}
  - {{name: n1, type: BatchNorm, scale_bias: true}}
  - {{name: r1, type: ReLU}}
  - {{name: drop, type: Dropout, dropout_ratio: 0.3}}
  - {{name: c2, type: Convolution, num_output: 8, kernel_size: 3, pad: 1, bias_term: false}}
  - {{name: n2, type: BatchNorm, scale_bias: true}}
  - {{name: sum, type: Eltwise, bottom: [n2, r1]}}
  - {{name: r2, type: ReLU}}
  - {{name: c3, type: Convolution, num_output: 8, kernel_size: 3, pad: 1, bias_term: false}}
  - {{name: n3, type: BatchNorm, scale_bias: true}}
  - {{name: r3, type: ReLU}}
  - {{name: fc, type: InnerProduct, num_output: 4}}
  - {{name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}}
solver: {{base_lr: 0.1, momentum: 0.9}}
"""


@pytest.fixture
def nets(tmp_path, request):
    """The same net with much and with little memory, on the device asked for."""
    made = []
    for memory in ("normal", "small"):
        path = tmp_path / f"{memory}.yaml"
        path.write_text(LAYERS.format(memory=memory))
        made.append(netspec.compile(path, batch_size=6, seed=1, device=request.param))
    return made


@pytest.mark.parametrize("nets", ["reference", "cpu"], indirect=True)
def test_a_net_of_small_memory_trains_to_the_same_numbers(nets):
    normal, small = nets
    rng = np.random.default_rng(0)
    batch = {"data": rng.standard_normal((6, 3, 12, 12)), "label": rng.integers(0, 4, 6)}
    for n in nets:
        n.forward(**batch)
        n.backward()
    # the formulas are the same; how they are fused may differ, hence the last bits of a float32
    for name in normal.param_grads:
        scale = np.sqrt((normal.param_grads[name] ** 2).mean())
        np.testing.assert_allclose(small.param_grads[name], normal.param_grads[name], rtol=0, atol=1e-5 * scale)
    for _ in range(3):
        losses = [float(n.step(**batch)["loss"]) for n in nets]
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert small.plan.memory["arena"] <= normal.plan.memory["arena"]


@pytest.mark.parametrize(("name", "part"), [("resnet20", 0.8), ("mobilenet", 0.8), ("digits", 1.0)])
def test_plans_of_the_zoo_verify_and_need_less_where_they_normalise(name, part):
    spec = load_spec(folder() / f"{name}.yaml")
    sizes = []
    for small in (False, True):
        graph = build_graph(spec.net("train", batch=2), solver=spec.solver)
        sizes.append(compile_graph(graph, Target(small=small), check=True).memory["arena"])
    assert sizes[1] <= part * sizes[0]
