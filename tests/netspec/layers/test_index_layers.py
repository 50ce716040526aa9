"""What the formulas of the layers with numbered elements do not show: ties, NaN, numbers of nothing, chance."""

from __future__ import annotations

import numpy as np
import pytest
from layer_support import Case, Lone, run_layer

import netspec
from compiler.autodiff import gradients
from compiler.interpret import run_graph
from netspec.layers.arg_max import ArgMax
from netspec.layers.batch_reindex import BatchReindex
from netspec.layers.embed import Embed
from netspec.layers.filter import Filter
from netspec.layers.locally_connected import LocallyConnected
from netspec.layers.one_hot import OneHot
from netspec.layers.pooling import Pooling
from netspec.layers.spp import SPP
from netspec.layers.top_k import TopK
from netspec.layers.unpooling import Unpooling
from netspec.spec.layer import ShapeError

NAN = float("nan")


def test_the_first_of_equal_scores_is_the_largest_and_a_nan_is_larger():
    (places,) = run_layer(ArgMax(top_k=3), [[1.0, 7.0, 7.0, 0.0], [9.0, NAN, 10.0, NAN]])
    assert places.tolist() == [[[1, 2, 0]], [[1, 3, 2]]]
    assert places.dtype == np.int32


def test_arg_max_puts_places_above_values():
    (both,) = run_layer(ArgMax(top_k=2, out_max_val=True), [[3.0, 5.0, 4.0]])
    assert both.tolist() == [[[1.0, 2.0], [5.0, 4.0]]]


def test_the_gradient_of_the_largest_values_goes_to_where_they_are():
    lone = Lone(Case(TopK(top_k=2, axis=0), [np.array([3.0, 5.0, 5.0, 4.0])], lambda *_: ()))
    wrt = lone.inputs
    (dx,) = gradients(lone.b, lone.b.sum(lone.tops[0]), wrt)
    assert lone.run()[dx].tolist() == [0.0, 1.0, 1.0, 0.0]


def test_numbers_of_nothing_give_zeros():
    weights = {"weight": np.array([[1.0, 2.0], [3.0, 4.0]])}
    (y,) = run_layer(Embed(input_dim=2, num_output=2, bias_term=False), [1, -1, 2], states=weights)
    assert y.tolist() == [[3.0, 4.0], [0.0, 0.0], [0.0, 0.0]]
    (y,) = run_layer(BatchReindex(), [[1.0], [2.0]], [1, 1, 7])
    assert y.tolist() == [[2.0], [2.0], [0.0]]
    (y,) = run_layer(OneHot(num_output=2), [0, 2])
    assert y.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_numbers_may_come_from_a_layer_that_makes_floats():
    (y,) = run_layer(OneHot(num_output=3), [2.0, 0.0])
    assert y.tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


def test_filter_keeps_labels_whole_and_its_rest_can_be_ignored():
    layer = Filter(fill=(0.0, -1.0))
    x, label, count = run_layer(layer, [[1.0], [2.0], [3.0]], [4, 5, 6], [0, 1, 1], tops=("x", "label", "count"))
    assert (x.tolist(), label.tolist(), count) == ([[2.0], [3.0], [0.0]], [5, 6, -1], 2.0)
    assert label.dtype == np.int32


def test_a_filter_that_keeps_nothing_makes_no_noise():
    x, count = run_layer(Filter(), [[1.0], [NAN]], [0, 0], tops=("x", "count"))
    assert (x.tolist(), count) == ([[0.0], [0.0]], 0.0)


def test_max_pooling_and_unpooling_keep_the_largest_where_they_were():
    x = np.array([[[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 1.0]]]])
    pooled, where = run_layer(Pooling(kernel_size=(2,), stride=(2,)), x, tops=("pooled", "where"))
    assert where.tolist() == [[[[1, 2]]]]
    (back,) = run_layer(Unpooling(kernel_size=(2,), stride=(2,)), pooled, where)
    assert back.tolist() == [[[[0.0, 5.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]


def test_places_of_a_whole_map_are_exact():
    x = np.zeros((1, 1, 1, 5000))
    x[0, 0, 0, 4999] = 1.0
    _, where = run_layer(Pooling(global_pooling=True), x, tops=("pooled", "where"))
    assert where.tolist() == [[[[4999]]]]


def drawn_counts(x: np.ndarray, times: int) -> np.ndarray:
    """How often each element of one window is drawn."""
    many = np.tile(np.asarray(x, np.float64).reshape(1, 1, *x.shape), (times, 1, 1, 1))
    lone = Lone(Case(Pooling(pool="STOCHASTIC", kernel_size=x.shape), [many], lambda *_: ()))
    (dx,) = gradients(lone.b, lone.b.sum(lone.tops[0]), lone.inputs)
    results = run_graph(lone.b.graph, lone.feeds, lone.states, {"seed": 1.0, "iteration": 3.0})
    hits = results[dx]
    # what comes out is the element that the gradient goes to
    np.testing.assert_array_equal((hits * many).sum((2, 3), keepdims=True), results[lone.tops[0]])
    return hits.sum((0, 1))


def test_stochastic_pooling_draws_elements_by_their_size():
    x = np.array([[1.0, 0.0, 3.0], [4.0, 0.5, 1.5]])
    counts = drawn_counts(x, 20_000)
    assert counts.sum() == 20_000
    # four standard deviations of a count: 4 sqrt(20000 / 4) = 283
    np.testing.assert_allclose(counts, x * 2000, atol=283)
    assert counts[0, 1] == 0


def test_stochastic_pooling_of_zeros_is_zero_in_both_phases():
    x = np.zeros((1, 1, 2, 2))
    for phase in ("train", "test"):
        assert run_layer(Pooling(pool="STOCHASTIC", kernel_size=(2,)), x, phase=phase)[0].tolist() == [[[[0.0]]]]


def test_stochastic_pooling_never_draws_padding():
    x = np.full((50, 1, 3, 3), 2.0)
    (y,) = run_layer(Pooling(pool="STOCHASTIC", kernel_size=(3,), stride=(2,), pad=(1,)), x)
    assert set(y.ravel()) == {2.0}


def test_a_pyramid_of_stochastic_pooling_has_each_level():
    (y,) = run_layer(SPP(pyramid_height=3, pool="STOCHASTIC"), np.ones((2, 3, 8, 8)))
    assert y.tolist() == np.ones((2, 3 * 21)).tolist()


def test_an_untied_layer_has_a_kernel_for_each_place():
    # 11 x 11 on 227 x 227, stride 4: 55 x 55 places
    layer = LocallyConnected(num_output=96, kernel_size=(11,), stride=(4,))
    shapes = layer.param_shapes((1, 3, 227, 227))
    assert np.prod(shapes["weight"]) == 55 * 55 * 3 * 11 * 11 * 96
    assert shapes["bias"] == (96, 55, 55)


def test_a_pyramid_names_the_height_that_fits():
    with pytest.raises(ShapeError, match="level 2 cuts 5 pixels into 4 windows of 2: one would be empty") as caught:
        SPP(pyramid_height=3).shapes((1, 2, 8, 5))
    assert caught.value.hint == "pyramid_height: 2"


def test_the_cpu_draws_what_the_reference_draws(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(
        "inputs: {data: [3, 9, 9]}\nlayers:\n"
        "  - {name: drawn, type: Pooling, pool: STOCHASTIC, kernel_size: 3, stride: 2, pad: 1}\n"
    )
    x = np.random.default_rng(0).uniform(0, 1, (2, 3, 9, 9))
    cpu, plain = (netspec.compile(path, "train", 2, device=device).forward(data=x) for device in ("cpu", "reference"))
    np.testing.assert_array_equal(cpu["drawn"], plain["drawn"])


def test_labels_are_still_labels_behind_layers_that_choose_among_them(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(
        "inputs: {data: [3, 6, 6], label: [8, 8], use: [], like: [6, 6]}\n"
        "layers:\n"
        "  - {name: cropped, type: Crop, bottom: [label, like], axis: 1}\n"
        "  - {name: some, type: Filter, bottom: [data, cropped, use], top: [x, y], fill: [0, -1]}\n"
        "  - {name: loss, type: SoftmaxWithLoss, bottom: [x, y], ignore_label: -1}\n"
    )
    net = netspec.compile(path, "train", 2, device="reference")
    assert {name: view.dtype for name, view in net.plan.inputs.items()} == {
        "data": "f32", "label": "i32", "use": "f32", "like": "f32"
    }  # fmt: skip
    loss = net.forward(
        data=np.zeros((2, 3, 6, 6)), label=np.full((2, 8, 8), 2), use=np.array([0, 1]), like=np.zeros((2, 6, 6))
    )["loss"]
    assert loss == pytest.approx(np.log(3), rel=1e-6)


def test_a_pyramid_says_that_its_engine_is_ignored():
    (problem,) = SPP(pyramid_height=1, engine="CUDNN").problems()
    assert (problem.code, problem.field, problem.severity) == ("W121", "engine", "warning")
