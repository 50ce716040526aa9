"""What the formulas do not show: kinks, ties, ceilings, NaN, state, randomness."""

from __future__ import annotations

import numpy as np
import pytest
from layer_support import Case, Lone, run_layer, slopes

from compiler.builder import Builder
from compiler.interpret import run_graph
from netspec.layers.accuracy import Accuracy
from netspec.layers.batch_norm import BatchNorm
from netspec.layers.dropout import Dropout
from netspec.layers.eltwise import Eltwise
from netspec.layers.elu import ELU
from netspec.layers.hinge_loss import HingeLoss
from netspec.layers.inner_product import InnerProduct
from netspec.layers.input import Input
from netspec.layers.pooling import Pooling
from netspec.layers.reduction import Reduction
from netspec.layers.relu import ReLU
from netspec.layers.sigmoid_cross_entropy_loss import SigmoidCrossEntropyLoss
from netspec.layers.softmax import Softmax
from netspec.layers.softmax_with_loss import CEILING, SoftmaxWithLoss


def test_relu_takes_the_slopes_side_at_zero():
    _, (dx,) = slopes(ReLU(negative_slope=0.25), [0.0, -1.0, 2.0])
    assert dx.tolist() == [0.25, 0.25, 1.0]


def test_relu_passes_nan_on():
    (y,) = run_layer(ReLU(), [np.nan, 1.0])
    assert np.isnan(y).tolist() == [True, False]


def test_elu_stays_finite_for_large_scores_in_float32():
    y, (dx,) = slopes(ELU(), [200.0, -200.0], dtype="f32")
    assert y.tolist() == [200.0, -1.0]
    assert dx.tolist() == [1.0, 0.0]


def test_max_pooling_gives_the_gradient_to_the_first_of_equal_values():
    _, (dx,) = slopes(Pooling(kernel_size=(2,), stride=(2,)), np.ones((1, 1, 2, 2)))
    assert dx.reshape(-1).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_eltwise_max_gives_the_gradient_to_the_first_of_equal_bottoms():
    _, (da, db) = slopes(Eltwise(operation="MAX"), [1.0, 2.0], [1.0, 3.0])
    assert (da.tolist(), db.tolist()) == ([1.0, 0.0], [0.0, 1.0])


def test_eltwise_product_has_a_gradient_where_a_factor_is_zero():
    _, (da, db) = slopes(Eltwise(operation="PROD"), [0.0], [3.0])
    assert (da.tolist(), db.tolist()) == ([3.0], [0.0])


def test_absolute_sum_has_no_gradient_at_zero():
    _, (dx,) = slopes(Reduction(operation="ASUM"), [0.0, -2.0, 2.0])
    assert dx.tolist() == [0.0, -1.0, 1.0]


def test_softmax_does_not_overflow():
    (y,) = run_layer(Softmax(), [[1000.0, 1000.0, -1000.0]])
    # logsumexp is rounded at the size of the scores: 1000 * 1e-16
    np.testing.assert_allclose(y, [[0.5, 0.5, 0.0]], rtol=1e-12)


def test_reported_loss_stops_at_caffes_ceiling_and_its_gradient_does_not():
    loss, (dx,) = slopes(SoftmaxWithLoss(), [[0.0, 500.0]], [0])
    assert loss == CEILING
    assert dx.tolist() == [[-1.0, 1.0]]


def test_ceiling_is_cut_for_each_sample():
    (loss,) = run_layer(SoftmaxWithLoss(), [[0.0, 500.0], [0.0, 0.0]], [0, 1])
    assert loss == pytest.approx((CEILING + np.log(2)) / 2, rel=1e-12)


def test_ceiling_is_minus_log_of_the_least_normal_float32():
    # Caffe computes it in float32
    assert np.float32(-np.log(np.finfo(np.float32).tiny)) == CEILING


def test_loss_of_nan_scores_is_nan():
    (loss,) = run_layer(SoftmaxWithLoss(), [[np.nan, 0.0]], [0])
    assert np.isnan(loss)


def test_loss_with_every_label_ignored_is_zero():
    (loss,) = run_layer(SoftmaxWithLoss(ignore_label=1), [[0.0, 2.0]], [1])
    assert loss == 0


def test_old_normalize_false_divides_by_the_samples():
    scores = np.zeros((2, 2, 3, 1))
    (loss,) = run_layer(SoftmaxWithLoss(normalize=False), scores, np.zeros((2, 3, 1), int))
    assert loss == pytest.approx(3 * np.log(2), rel=1e-12)


def test_sigmoid_loss_has_the_right_gradient_at_score_zero():
    _, (dx, _) = slopes(SigmoidCrossEntropyLoss(), [[0.0]], [[1.0]])
    assert dx.tolist() == [[-0.5]]


def test_sigmoid_loss_is_exact_for_large_scores():
    (loss,) = run_layer(SigmoidCrossEntropyLoss(), [[800.0, -800.0]], [[0.0, 0.0]])
    assert loss == 800


def test_hinge_term_at_its_kink_has_no_gradient():
    _, (dx,) = slopes(HingeLoss(), [[1.0, 0.0]], [0])
    assert dx.tolist() == [[0.0, 0.0]]


def test_constant_scores_are_right_for_the_first_class_alone():
    (value,) = run_layer(Accuracy(), np.zeros((4, 3)), [0, 1, 2, 0])
    assert value == 0.5


def test_ties_wrong_counts_constant_scores_as_wrong():
    (value,) = run_layer(Accuracy(ties="wrong"), np.zeros((3, 3)), [0, 1, 2])
    assert value == 0


@pytest.mark.parametrize("ties", ["first", "wrong"])
def test_nan_scores_are_never_right(ties):
    nan = np.nan
    scores = [[nan, nan], [nan, 1.0], [1.0, nan], [1.0, 0.0]]
    (value,) = run_layer(Accuracy(ties=ties), scores, [0, 0, 0, 0])
    assert value == 0.25


def test_second_top_of_accuracy_is_zero_for_a_class_without_samples():
    _, by_class = run_layer(Accuracy(), [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [0, 1], tops=("all", "class"))
    assert by_class.tolist() == [1.0, 0.0, 0.0]


def test_accuracy_of_a_map_counts_pixels():
    scores = np.zeros((1, 2, 2, 2))
    scores[0, 1, 0] = 1
    (value,) = run_layer(Accuracy(ignore_label=9), scores, [[[1, 0], [0, 9]]])
    assert value == pytest.approx(2 / 3, rel=1e-12)


def test_inner_product_of_a_map_uses_the_flattened_order():
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    weight = np.eye(12)[[5, 11]]
    (y,) = run_layer(InnerProduct(num_output=2, bias_term=False), x, states={"weight": weight})
    assert y.tolist() == [[5.0, 11.0], [17.0, 23.0]]


def test_input_feeds_each_of_its_tops():
    b = Builder("train", "f64")
    layer = Input(name="in", shape=(2, 3))
    layer.top_names = ("a", "b")
    made = layer.lower(b)
    assert layer.shapes() == ((2, 3), (2, 3))
    assert list(b.graph.inputs) == ["a", "b"]
    assert [v.shape for v in made] == [(2, 3), (2, 3)]


def dropped(ratio: float, **scalars: float) -> np.ndarray:
    b = Builder("train", "f64")
    with b.scope("drop"):
        y = Dropout(dropout_ratio=ratio).lower(b, b.input("x", (100, 100)))
    return run_graph(b.graph, {"x": np.ones((100, 100))}, scalars=scalars)[y]


def test_dropout_keeps_the_mean_and_drops_its_share():
    y = dropped(0.3, seed=1)
    assert set(np.unique(y)) == {0.0, 1 / 0.7}
    # 10,000 draws: a deviation of 0.02 is more than four standard deviations
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.02)


def test_dropout_draws_anew_in_each_iteration_and_repeats_for_the_same():
    first, again, later = (dropped(0.5, seed=1, iteration=i) for i in (3, 3, 4))
    assert (first == again).all()
    assert (first != later).any()


def test_dropout_of_nothing_is_a_wire():
    b = Builder("train", "f64")
    x = b.input("x", (2, 2))
    assert Dropout(dropout_ratio=0.0).lower(b, x) is x


def test_batch_norm_accumulates_as_caffe_does():
    f, sums = 0.9, {"mean": np.zeros(2), "variance": np.zeros(2), "count": 0.0}
    states = {"mean": np.zeros(2), "variance": np.zeros(2), "weight_sum": np.zeros(1)}
    random = np.random.default_rng(0)
    for _ in range(3):
        x = random.normal(size=(4, 2, 3, 5))
        m = x.size / 2
        # Caffe's three blobs
        sums["count"] = f * sums["count"] + 1
        sums["mean"] = f * sums["mean"] + x.mean((0, 2, 3))
        sums["variance"] = f * sums["variance"] + m / (m - 1) * x.var((0, 2, 3))
        results = Lone(Case(BatchNorm(moving_average_fraction=f), [x], lambda *_: (), states=states)).run()
        states = {name.rpartition(".")[2]: array for name, array in results.states.items()}
    # what a user sees is divided by the factor
    np.testing.assert_allclose(states["mean"], sums["mean"] / sums["count"], rtol=1e-12)
    np.testing.assert_allclose(states["variance"], sums["variance"] / sums["count"], rtol=1e-12)
    np.testing.assert_allclose(states["weight_sum"], [sums["count"]], rtol=1e-12)


def test_batch_norm_that_never_trained_divides_by_sqrt_eps():
    (y,) = run_layer(BatchNorm(eps=0.01), [[1.0, 2.0]], phase="test")
    np.testing.assert_allclose(y, [[10.0, 20.0]], rtol=1e-12)


def test_batch_norm_of_one_value_has_no_correction():
    results = Lone(Case(BatchNorm(), [np.array([[3.0]])], lambda *_: ())).run()
    assert results.states["it.variance"].tolist() == [0.0]
    assert results.states["it.mean"].tolist() == [3.0]


def test_batch_norm_with_global_statistics_leaves_them_alone():
    lone = Lone(Case(BatchNorm(use_global_stats=True), [np.ones((2, 1))], lambda *_: ()))
    assert [s.written for s in lone.b.graph.states.values()] == [None, None, None]


def test_batch_norm_has_the_same_states_in_both_phases():
    names = [
        list(Lone(Case(BatchNorm(scale_bias=True), [np.ones((2, 1))], lambda *_: (), phase=p)).b.graph.states)
        for p in ("train", "test")
    ]
    assert names[0] == names[1] == ["it.mean", "it.variance", "it.weight_sum", "it.scale", "it.bias"]
