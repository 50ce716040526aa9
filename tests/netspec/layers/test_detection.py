"""Layers for detection: known values, what is drawn at random, and shapes that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from layer_support import Case, Lone, run_layer

from compiler.interpret import run_graph
from netspec.layers.anchor_target import AnchorTarget
from netspec.layers.anchors import Anchors
from netspec.layers.average_precision import AveragePrecision
from netspec.layers.detection_output import DetectionOutput
from netspec.layers.multi_box_loss import MultiBoxLoss
from netspec.layers.nms import NMS
from netspec.layers.prior_box import PriorBox
from netspec.layers.proposal import Proposal
from netspec.layers.proposal_target import ProposalTarget
from netspec.layers.roi_align import RoIAlign
from netspec.layers.roi_pooling import RoIPooling
from netspec.spec.layer import ShapeError
from netspec.spec.registry import LAYERS


def test_anchors_are_those_of_faster_rcnn():
    """The table in the comment of py-faster-rcnn's generate_anchors, whose pixels count from 1 there."""
    (found,) = run_layer(Anchors(), np.zeros((1, 1, 1, 2)))
    wanted = [
        (-83, -39, 100, 56), (-175, -87, 192, 104), (-359, -183, 376, 200),
        (-55, -55, 72, 72), (-119, -119, 136, 136), (-247, -247, 264, 264),
        (-35, -79, 52, 96), (-79, -167, 96, 184), (-167, -343, 184, 360),
    ]  # fmt: skip
    np.testing.assert_array_equal(found[:9], np.array(wanted) - 1)
    np.testing.assert_array_equal(found[9:] - found[:9], np.tile([16, 0, 16, 0], (9, 1)))


def test_anchors_without_deltas_are_proposed_as_they_are():
    (anchors,) = run_layer(Anchors(stride=8, base_size=8, ratios=(1.0,), scales=(1.0,)), np.zeros((1, 1, 2, 3)))
    scores = np.array([0.1, 0.6, 0.2, 0.5, 0.3, 0.4]).reshape(1, 1, 2, 3)
    layer = Proposal(image_size=(16, 24), min_size=4.0, post_nms_top_n=6)
    rois, marks, count = run_layer(layer, scores, np.zeros((1, 4, 2, 3)), anchors, tops=("rois", "marks", "count"))
    order = [1, 3, 5, 4, 2, 0]
    np.testing.assert_allclose(rois[:, 1:], anchors[order], atol=1e-12)
    assert marks.tolist() == sorted(scores.ravel(), reverse=True)
    assert count.tolist() == [6]


def test_deltas_that_explode_reach_to_the_sides_of_the_image():
    deltas = np.full((1, 4, 1, 1), 1e4)
    deltas[0, :2] = 0
    rois, *_ = run_layer(Proposal(image_size=(9, 7)), np.ones((1, 1, 1, 1)), deltas, np.array([[0.0, 0, 3, 3]]))
    # min_size 16 leaves out what is smaller than that, here everything
    assert rois[0, 0] == -1
    layer = Proposal(image_size=(9, 7), min_size=1.0)
    rois, *_ = run_layer(layer, np.ones((1, 1, 1, 1)), deltas, np.array([[0.0, 0, 3, 3]]))
    assert rois[0].tolist() == [0, 0, 0, 6, 8]


def test_deltas_that_are_not_numbers_propose_nothing():
    rois, *_ = run_layer(
        Proposal(image_size=(9, 7), min_size=1.0), np.ones((1, 1, 1, 1)), np.full((1, 4, 1, 1), np.nan), np.ones((1, 4))
    )
    assert rois[0].tolist() == [-1, 0, 0, 0, 0]


def test_roi_pooling_is_caffes_on_a_map_of_counting_numbers():
    x = np.arange(64.0).reshape(1, 1, 8, 8)
    (y,) = run_layer(RoIPooling(pooled_h=2, pooled_w=2, spatial_scale=0.5), x, np.array([[0.0, 0, 0, 8, 8]]))
    # corners 0 and 4: five rows; bins 0 .. 2 and 2 .. 4 share the third
    assert y[0, 0].tolist() == [[18, 20], [34, 36]]
    assert LAYERS.get("ROIPooling") is RoIPooling


def test_roi_align_of_a_plane_is_the_plane_at_the_bins_middles():
    rows, columns = np.meshgrid(np.arange(9.0), np.arange(9.0), indexing="ij")
    x = (3 * rows - columns).reshape(1, 1, 9, 9)
    (y,) = run_layer(RoIAlign(pooled_h=2, pooled_w=2), x, np.array([[0.0, 1.5, 2.5, 5.5, 6.5]]))
    # less 1/2: rows 2 .. 6 and columns 1 .. 5, whose bins have their middles at 3 and 5, 2 and 4
    np.testing.assert_allclose(y[0, 0], [[7, 5], [13, 11]], atol=1e-12)


def test_the_corners_of_roi_align_have_a_gradient():
    x = np.random.default_rng(0).normal(size=(1, 2, 6, 6))
    rois = np.array([[0.0, 1.1, 1.3, 4.2, 4.4]])
    lone = Lone(Case(RoIAlign(pooled_h=2, pooled_w=3), [x, rois], lambda *_: ()))
    wrt, found = lone.differentiate()
    gradient = lone.run()[found[1]]
    direction = np.array([[0.0, 1.0, -1.0, 0.5, 2.0]])
    assert lone.slope(wrt[1], direction) == pytest.approx((gradient * direction).sum(), rel=1e-6)


def test_a_region_of_no_image_reads_nothing():
    rois = np.array([[-1.0, 0, 0, 3, 3], [2.0, 0, 0, 3, 3], [np.nan, 0, 0, 3, 3]])
    for layer in (RoIPooling(pooled_h=2, pooled_w=2), RoIAlign(pooled_h=2, pooled_w=2)):
        (y,) = run_layer(layer, np.ones((2, 3, 4, 4)), rois)
        assert not y.any()


def drawn_labels(seed, iteration=0):
    """Labels of 400 anchors of background around one that is an object, 10 of them drawn."""
    low = np.arange(400.0)[:, None] * 2
    anchors = np.concatenate([low, low * 0, low + 1, low * 0 + 1], 1)
    gt = np.array([[[40.0, 0, 41, 1, 1]]])
    layer = AnchorTarget(batch_size=10, image_size=(2, 800))
    lone = Lone(Case(layer, [np.zeros((1, 1, 1, 400)), anchors, gt], lambda *_: (), tops=("a", "b", "c", "d")))
    numbers = {"seed": seed, "iteration": iteration}
    return run_graph(lone.b.graph, lone.feeds, {}, numbers)[lone.tops[0]].ravel()


def test_anchors_are_drawn_anew_in_every_iteration_and_alike_for_one_seed():
    first = drawn_labels(1)
    assert [(first == k).sum() for k in (1, 0, -1)] == [1, 9, 390]
    assert first[20] == 1
    np.testing.assert_array_equal(first, drawn_labels(1))
    assert (first != drawn_labels(1, iteration=1)).any()
    assert (first != drawn_labels(2)).any()


def test_every_anchor_is_drawn_as_often_as_the_others():
    times = sum(drawn_labels(3, iteration=k) == 0 for k in range(200))
    # 399 take part in 200 draws of 9: 4.5 times each on average, of a variance as large
    assert times.sum() == 200 * 9
    assert times.max() <= 4.5 + 6 * 4.5**0.5
    assert abs(times[:200].mean() - times[200:].mean()) < 0.6


def test_boxes_are_regions_of_their_own_class_with_targets_of_zero():
    gt = np.array([[[2.0, 2, 9, 9, 3], [0, 0, 0, 0, 0]]])
    rois = np.array([[0.0, 40, 40, 50, 50], [-1.0, 2, 2, 9, 9]])
    layer = ProposalTarget(num_classes=4, batch_size=4)
    sampled, label, target, inside, outside = run_layer(layer, rois, gt, tops=tuple("abcde"))
    assert sampled.tolist() == [[0, 2, 2, 9, 9], [0, 40, 40, 50, 50], [-1, 0, 0, 0, 0], [-1, 0, 0, 0, 0]]
    assert label.tolist() == [3, 0, -1, -1]
    assert not target.any()
    assert inside[0].reshape(4, 4).any(1).tolist() == [False, False, False, True]
    np.testing.assert_array_equal(inside, outside)


def test_a_photograph_without_boxes_is_all_background():
    rois = np.array([[0.0, 4, 4, 9, 9]] * 3)
    layer = ProposalTarget(num_classes=2, batch_size=3)
    _, label, _, inside, _ = run_layer(layer, rois, np.zeros((1, 2, 5)), tops=tuple("abcde"))
    assert label.tolist() == [0, 0, 0]
    assert not inside.any()
    anchors = np.array([[0.0, 0, 7, 7]])
    labels, *_ = run_layer(AnchorTarget(image_size=(8, 8)), np.zeros((1, 1, 1, 1)), anchors, np.zeros((1, 2, 5)))
    assert labels.ravel().tolist() == [0]


def test_prior_boxes_of_ssds_first_map():
    """conv4_3 of SSD300: 38 x 38 places 8 pixels apart, squares of 30 and sqrt(30 60), ratios 2 and 1/2."""
    layer = PriorBox(min_size=(30.0,), max_size=(60.0,), aspect_ratio=(2.0,), variance=(0.1, 0.1, 0.2, 0.2), step=8.0)
    (y,) = run_layer(layer, np.zeros((1, 1, 38, 38)), np.zeros((1, 3, 300, 300)))
    assert y.shape == (1, 2, 38 * 38 * 4 * 4)
    first = y[0, 0, :16].reshape(4, 4) * 300
    sides = [(30, 30), (1800**0.5, 1800**0.5), (30 * 2**0.5, 30 / 2**0.5), (30 / 2**0.5, 30 * 2**0.5)]
    np.testing.assert_allclose(first[:, 2:] - first[:, :2], sides, rtol=1e-12)
    np.testing.assert_allclose((first[:, 2:] + first[:, :2]) / 2, 4.0, rtol=1e-12)
    assert y[0, 1, :4].tolist() == [0.1, 0.1, 0.2, 0.2]


def test_priors_on_their_boxes_cost_nothing_once_the_net_is_sure():
    priors = np.array([[[0.1, 0.1, 0.4, 0.4, 0.6, 0.6, 0.9, 0.9], [0.1] * 8]])
    gt = np.array([[[0.1, 0.1, 0.4, 0.4, 2]]])
    sure = np.array([[-50.0, -50, 50, 50, -50, -50]])
    (loss,) = run_layer(MultiBoxLoss(num_classes=3), np.zeros((1, 8)), sure, priors, gt)
    assert loss == pytest.approx(0.0, abs=1e-12)
    (loss,) = run_layer(MultiBoxLoss(num_classes=3), np.full((1, 8), 2.0), sure, priors, gt)
    # four offsets of the one matched prior, each 2 - 1/2
    assert loss == pytest.approx(6.0)


PRIORS = (1, 2, 8)
WRONG = [
    (RoIPooling(pooled_h=1, pooled_w=1), [(4, 5), (1, 3, 6, 6)], "E415", "maps come first, then regions: got 4 x 5"),
    (RoIPooling(pooled_h=1, pooled_w=1), [(1, 3, 6, 6), (4, 4)], "E415", "rois is R x 5 (number of the image, x1, y1,"),
    (RoIAlign(pooled_h=1, pooled_w=1), [(3, 6), (4, 5)], "E413", "RoIAlign works on N x C x H x W, its bottom is"),
    (NMS(), [(2, 5, 4), (2, 4)], "E415", "boxes are N x K x 4 and scores N x K, got 2 x 5 x 4 and 2 x 4"),
    (Anchors(), [(2, 5)], "E413", "Anchors works on N x C x H x W, its bottom is 2 x 5"),
    (
        Proposal(image_size=(9, 9)), [(1, 3, 2, 2), (1, 8, 2, 2), (8, 4)], "E415",
        "2 anchors a place need scores 1 x 2 (or 4) x 2 x 2 and deltas 1 x 8 x 2 x 2, got 1 x 3 x 2 x 2",
    ),
    (Proposal(), [(1, 2, 2, 2), (1, 8, 2, 2), (8, 4)], "E502", "Proposal must know how large the images are"),
    (Proposal(), [(1, 2, 2, 2), (1, 8, 2, 2), (7, 4)], "E415", "anchors of 2 x 2 places are (H W A) x 4, got 7 x 4"),
    (
        Proposal(), [(1, 2, 2, 2), (1, 8, 2, 2), (8, 4), (2, 3)], "E415",
        "im_info is rows, columns and scale of each image: 1 x 3, got 2 x 3",
    ),
    (
        AnchorTarget(image_size=(9, 9)), [(2, 2, 2, 2), (8, 4), (1, 3, 5)], "E415",
        "gt_boxes is 2 x G x 5 (x1, y1, x2, y2, class; class 0: no box), got 1 x 3 x 5",
    ),
    (
        ProposalTarget(num_classes=2), [(7, 5), (2, 3, 5)], "E415",
        "rois has as many rows for each of the 2 images, one after another, got 7 x 5",
    ),
    (PriorBox(min_size=(2.0,)), [(1, 2, 3), (1, 3, 9, 9)], "E413", "PriorBox works on N x C x H x W, its bottom is"),
    (
        AveragePrecision(), [(4, 3), (4, 9), (4, 5), (2, 3, 5)], "E415",
        "4 regions need prob 4 x C and box 4 x 4C, got 4 x 3 and 4 x 9",
    ),
    (
        MultiBoxLoss(num_classes=3), [(1, 8), (1, 7), PRIORS, (1, 3, 5)], "E415",
        "2 priors need conf N x 6, 3 for each, got 1 x 7",
    ),
    (
        DetectionOutput(num_classes=3), [(1, 8), (1, 6), (2, 8)], "E415",
        "DetectionOutput takes priors 1 x 2 x 4P from PriorBox, got 2 x 8",
    ),
    (DetectionOutput(num_classes=3), [(2, 8), (1, 6), PRIORS], "E415", "loc has 2 images, conf 1"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "bottoms", "code", "message"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_shapes_that_do_not_fit_say_so(layer, bottoms, code, message):
    with pytest.raises(ShapeError) as caught:
        layer.shapes(*bottoms)
    assert (caught.value.code, caught.value.message[: len(message)]) == (code, message)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            ProposalTarget(num_classes=2, box_stds=(0.1, 0.2)),
            "box_stds has 2 values, expected one, or four for dx, dy, dw,",
        ),
        (
            PriorBox(min_size=(2.0,), variance=(0.1, 0.2)),
            "variance has 2 values, expected one, or four for dx, dy, dw, dh",
        ),
        (PriorBox(min_size=(2.0, 3.0), max_size=(4.0,)), "max_size has 1 values, min_size 2"),
        (PriorBox(min_size=(2.0,), max_size=(2.0,)), "max_size 2 is not above its min_size 2"),
        (
            MultiBoxLoss(num_classes=2, share_location=False),
            "a box for each class is not offered: one serves all classes",
        ),
    ],
    ids=lambda v: "" if not isinstance(v, str) else v.split(" has")[0],
)
def test_fields_that_do_not_fit_say_so(layer, message):
    (problem,) = layer.problems()
    assert (problem.code, problem.message[: len(message)]) == ("E512", message)
