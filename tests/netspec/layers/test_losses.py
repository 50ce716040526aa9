"""What the formulas of losses do not show: no direction, probabilities of 0, ceilings, episodes, unknown targets."""

from __future__ import annotations

import numpy as np
import pytest
from layer_support import run_layer, slopes
from net_support import found

import netspec
from netspec.layers.contrastive_loss import ContrastiveLoss
from netspec.layers.cosine_embedding_loss import CosineEmbeddingLoss
from netspec.layers.dice_loss import DiceLoss
from netspec.layers.focal_loss import FocalLoss
from netspec.layers.infogain_loss import CEILING, InfogainLoss
from netspec.layers.kl_loss import KLLoss
from netspec.layers.l1_loss import L1Loss
from netspec.layers.lpq_loss import LpqLoss
from netspec.layers.multinomial_logistic_loss import MultinomialLogisticLoss
from netspec.layers.sigmoid_focal_loss import SigmoidFocalLoss
from netspec.layers.smooth_l1_loss import SmoothL1Loss
from netspec.layers.softmax_with_loss import SoftmaxWithLoss
from netspec.layers.total_variation import TotalVariation
from netspec.layers.triplet_loss import TripletLoss
from netspec.spec.layer import ShapeError

POINT = [[0.5, -1.0]]
OTHER = [[0.5, 1.0]]


@pytest.mark.parametrize(
    ("layer", "bottoms"),
    [
        (ContrastiveLoss(), [POINT, POINT, [0]]),
        (TripletLoss(squared=False), [POINT, POINT, POINT]),
        (CosineEmbeddingLoss(), [[[0.0, 0.0]], POINT, [1]]),
        (TotalVariation(beta=1.0), [np.ones((1, 2, 3, 3))]),
        (TotalVariation(beta=0.5, form="anisotropic"), [np.ones((1, 2, 3, 3))]),
        (L1Loss(), [POINT, POINT]),
        (L1Loss(l2_per_location=True, epsilon=0.0), [POINT, POINT]),
        (LpqLoss(p=(1.5,), q=(0.2,), q_epsilon=0.0), [POINT, POINT]),
        (DiceLoss(axis=1, smooth=0.0), [[[0.0, 0.0]], [[0.0, 0.0]]]),
    ],
    ids=lambda x: type(x).__name__ if not isinstance(x, list) else "",
)
def test_where_there_is_no_direction_the_gradient_is_zero(layer, bottoms):
    loss, gradients = slopes(layer, *bottoms)
    assert np.isfinite(loss)
    assert all(not g.any() for g in gradients)


def test_losses_do_not_hide_a_nan_of_the_net():
    bad = [[np.nan, 1.0]]
    for layer, bottoms in [
        (ContrastiveLoss(), [bad, POINT, [1]]),
        (TripletLoss(squared=False), [bad, POINT, OTHER]),
        (SmoothL1Loss(), [bad, POINT]),
        (TotalVariation(beta=1.0), [[[bad]]]),
    ]:
        assert np.isnan(run_layer(layer, *bottoms)[0])


def test_targets_that_are_not_known_do_not_count():
    x, t = [[1.0, 2.0], [3.0, 4.0]], [[0.0, np.nan], [np.nan, np.nan]]
    loss, (dx, _) = slopes(L1Loss(normalize_by_num_entries=True), x, t)
    # one value of two channels is half a place, and a divisor is 1 at least
    assert loss == 1.0
    assert dx.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_a_plateau_forgives_small_differences():
    assert run_layer(L1Loss(plateau=0.5), [[0.4, -0.6, 2.0]])[0] == pytest.approx(2.6)
    vectors = [[[0.3, 3.0], [0.3, 4.0]]]  # of length 0.42 and 5
    layer = L1Loss(l2_per_location=True, plateau=0.5, epsilon=0.25)
    assert run_layer(layer, vectors)[0] == pytest.approx(0.5 + np.sqrt(25.25))


def test_outside_weights_choose_what_a_box_loss_counts():
    x, nothing = [[1.0, 3.0]], [[0.0, 0.0]]
    loss, (dx, *_) = slopes(SmoothL1Loss(), x, nothing, [[1.0, 1.0]], [[1.0, 0.0]])
    assert loss == 0.5
    assert dx.tolist() == [[1.0, 0.0]]


def test_legacy_contrastive_loss_has_its_margin_on_the_square():
    a, b = [[0.0, 0.0]], [[0.0, 0.5]]
    assert run_layer(ContrastiveLoss(), a, b, [0])[0] == pytest.approx(0.5 * 0.5**2)
    assert run_layer(ContrastiveLoss(legacy_version=True), a, b, [0])[0] == pytest.approx(0.5 * 0.75)


def test_a_probability_of_zero_costs_46_and_still_learns():
    loss, (dp,) = slopes(MultinomialLogisticLoss(), [[0.0, 1.0]], [0])
    assert loss == pytest.approx(CEILING)
    assert dp.tolist() == [[pytest.approx(-1e20), 0.0]]


def test_infogain_shows_46_at_most_and_its_gradient_goes_on():
    layer = InfogainLoss(matrix=(1.0, 0.0, 0.0, 1.0))
    layer.top_names = ("loss",)
    loss, (dx,) = slopes(layer, [[0.0, 100.0]], [0], tops=("loss",))
    assert loss == pytest.approx(CEILING)
    assert dx.tolist() == [[pytest.approx(-1.0), pytest.approx(1.0)]]


def test_infogain_of_the_identity_is_softmax_with_loss():
    x, label = [[1.0, -2.0, 0.5], [0.0, 0.1, 0.2]], [2, 0]
    same = InfogainLoss(matrix=(1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert slopes(same, x, label, tops=("loss",))[0] == pytest.approx(slopes(SoftmaxWithLoss(), x, label)[0])


def test_focal_losses_forget_what_is_surely_right():
    sure = [[800.0, 0.0]]
    for layer, target in ((FocalLoss(), [0]), (SigmoidFocalLoss(), [[1.0, 1.0]])):
        loss, (dx, *_) = slopes(layer, sure, target, dtype="f32")
        assert np.isfinite(loss)
        assert dx[0, 0] == 0.0


def test_smoothed_labels_cost_least_where_the_prediction_is_the_smoothed_label():
    layer = SoftmaxWithLoss(label_smoothing=0.3)
    _, (dx,) = slopes(layer, [np.log([0.1, 0.8, 0.1])], [1])
    assert np.abs(dx).max() < 1e-12  # p - target, rounded


def test_a_class_weighs_what_the_spec_says_and_the_divisor_stays():
    x, label = [[0.0, 0.0], [0.0, 0.0]], [0, 1]
    loss, (dx,) = slopes(SoftmaxWithLoss(class_weights=(1.0, 3.0)), x, label)
    assert loss == pytest.approx(np.log(2) * 2)
    assert dx.tolist() == [[-0.25, 0.25], [0.75, -0.75]]


def test_a_target_of_zero_costs_nothing_in_a_divergence():
    loss, (dx, dt) = slopes(KLLoss(input="probabilities"), [[0.5, 0.5]], [[1.0, 0.0]])
    assert loss == pytest.approx(np.log(2))
    assert dx.tolist() == [[-2.0, 0.0]]
    assert dt.tolist() == [[pytest.approx(1 + np.log(2)), 0.0]]


def test_the_powers_of_an_lpq_loss_change_with_its_episodes():
    x = [[3.0, 4.0]]
    spec = {
        "inputs": {"x": [2]},
        "layers": [
            {"name": "scaled", "type": "Scale", "bottom": "x", "lr_mult": 0, "filler": 1},
            {
                "name": "loss", "type": "LpqLoss", "p": [2, 1], "q": [0.5, 1], "q_epsilon": 0,
                "pq_episode_starts_at_iter": [0, 2], "bottom": "scaled",
            },
        ],
    }  # fmt: skip
    net = netspec.compile(spec, device="reference")
    losses = []
    for iteration in range(4):
        net.iteration = iteration
        losses.append(float(net.forward(x=x)["loss"]))
    assert losses == [pytest.approx(5.0), pytest.approx(5.0), pytest.approx(7.0), pytest.approx(7.0)]


def test_what_an_lpq_loss_advises_for_its_episodes_works():
    layer = LpqLoss(p=(2, 1, 3), q=(1, 1, 1), pq_episode_starts_at_iter=(0, 5, 5))
    (problem,) = layer.problems()
    assert problem.hint == "pq_episode_starts_at_iter: [0, 1000, 2000]"
    assert not list(LpqLoss(p=(2, 1, 3), q=(1, 1, 1), pq_episode_starts_at_iter=(0, 1000, 2000)).problems())


def test_any_top_is_a_loss_through_loss_weight():
    spec = {
        "inputs": {"x": [2, 3]},
        "layers": [
            {"name": "w", "type": "InnerProduct", "num_output": 2, "bottom": "x"},
            {"name": "sum", "type": "Eltwise", "bottom": ["w", "w"], "loss_weight": 0.5},
            {"name": "square", "type": "Expression", "bottom": "w", "expr": "w ** 2", "loss_weight": 3},
            {"name": "size", "type": "Reduction", "bottom": "w", "operation": "ASUM", "axis": 1, "loss_weight": 2},
            {"name": "told", "type": "Reduction", "bottom": "w", "loss_weight": 0},
        ],
        "solver": {"base_lr": 0.0, "max_iter": 1},
    }
    net = netspec.compile(spec, batch_size=3, device="reference", dtype="float64", keep=("w",))
    x = np.random.default_rng(0).normal(size=(3, 2, 3))
    out = net.step(x=x)
    w = net.blobs["w"]
    assert set(out) == {"sum", "square", "size", "told"}
    assert net.loss == pytest.approx(0.5 * 2 * w.sum() + 3 * (w**2).sum() + 2 * np.abs(w).sum())
    np.testing.assert_allclose(net.blob_grads["w"], 1 + 6 * w + 2 * np.sign(w), rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shapes", "code", "message"),
    [
        (L1Loss(), [(2, 3), (2, 4)], "E415",
         "the targets must have as many values as the prediction: 2 x 3 against 2 x 4"),
        (L1Loss(l2_per_location=True), [(2,)], "E413", "l2_per_location works on N x C x .., its bottom is 2"),
        (LpqLoss(), [(2,)], "E413", "LpqLoss works on N x C x .., its bottom is 2"),
        (SmoothL1Loss(), [(2, 4)] * 3, "E415", "there are inside weights without outside weights"),
        (SmoothL1Loss(), [(2, 4)] * 3 + [(2, 5)], "E415",
         "the outside weights must have as many values as the prediction: 2 x 4 against 2 x 5"),
        (ContrastiveLoss(), [(2, 4), (2, 5), (2,)], "E415", "the vectors that are compared differ: 2 x 4 and 2 x 5"),
        (ContrastiveLoss(), [(2, 4), (2, 4), (2, 4)], "E416", "2 x 4 need 2 flags, got 2 x 4"),
        (CosineEmbeddingLoss(), [(2, 4), (2, 4), (3,)], "E416", "2 x 4 need 2 flags, got 3"),
        (TripletLoss(), [(2, 4), (2, 4), (3, 4)], "E415", "the vectors that are compared differ: 2 x 4 and 3 x 4"),
        (DiceLoss(), [(2,), (2,)], "E417", "axis 2 is not there: the bottom has 1 axes"),
        (KLLoss(), [(2, 3), (2, 4)], "E415",
         "the targets must have as many values as the prediction: 2 x 3 against 2 x 4"),
        (TotalVariation(), [(2, 3)], "E413", "TotalVariation works on N x C x H x W, its bottom is 2 x 3"),
        (InfogainLoss(), [(2, 3), (2,)], "E522", "H is `matrix` or the third bottom: give one of them"),
        (InfogainLoss(matrix=(1.0,) * 4), [(2, 3), (2,)], "E415", "H has 4 numbers, 3 classes need 9"),
        (SoftmaxWithLoss(class_weights=(1.0, 2.0)), [(2, 3), (2,)], "E512",
         "class_weights has 2 values for 3 classes"),
        (FocalLoss(class_weights=(1.0,)), [(2, 3), (2,)], "E512", "class_weights has 1 values for 3 classes"),
    ],
)  # fmt: skip
def test_wrong_shapes_say_what_is_wrong(layer, shapes, code, message):
    with pytest.raises(ShapeError) as caught:
        layer.shapes(*shapes)
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("type: L1Loss, bottom: [a, b], epsilon: 1", "E522 epsilon needs l2_per_location: true"),
        ("type: LpqLoss, bottom: [a, b], p: [1, 2]", "E512 2 of p, 1 of q, 1 of pq_episode_starts_at_iter"),
        (
            "type: LpqLoss, bottom: [a, b], pq_episode_starts_at_iter: 5",
            "E504 the first episode begins at 0, each other later than the one before",
        ),
        ("type: InfogainLoss, bottom: [a, y], matrix: [1, 0, 2]", "E512 matrix has 3 numbers, which is no square"),
        ("type: FocalLoss, bottom: [a, y], normalize: true, normalization: FULL",
         "E511 normalization and normalize say the same"),
    ],
)  # fmt: skip
def test_fields_that_contradict_each_other_are_refused(entry, message):
    text = f"inputs: {{a: [2], b: [2], y: []}}\nlayers:\n  - {{name: loss, {entry}}}\n"
    assert [line.partition(" ")[2] for line in found(text)] == [message]
