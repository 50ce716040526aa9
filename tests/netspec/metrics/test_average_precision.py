"""Average precision against the definition, and against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netspec
from netspec.metrics.average_precision import AveragePrecision
from netspec.metrics.base import Batch
from netspec.metrics.figures import Figures


def batch(detections, boxes, classes=1):
    """One image: detections (class, score, x1, y1, x2, y2) and boxes (x1, y1, x2, y2, class)."""
    capacity = max(1, len(detections))
    rows, found = np.zeros((1, classes, capacity, 5)), np.zeros((1, classes))
    for k in range(classes):
        mine = sorted((d[1:] for d in detections if d[0] == k + 1), key=lambda d: -d[0])
        rows[0, k, : len(mine)] = np.array(mine).reshape(-1, 5)
        found[0, k] = len(mine)
    counts = {"detections": rows, "found": found, "boxes": np.array(boxes, float).reshape(1, -1, 5)}
    return Batch(np.zeros(()), 1, counts)


def figure(style, *batches, overlaps=(0.5,), extent=0.0, most=100, by_class=False):
    metric = AveragePrecision(style, overlaps, extent, most, by_class)
    for one in batches:
        metric.add(one)
    return metric.figure()


BOX = (0, 0, 10, 10)
FAR = (50, 50, 60, 60)


def test_every_box_found_first_is_one():
    one = batch([(1, 0.9, *BOX), (1, 0.8, *FAR)], [(*BOX, 1), (*FAR, 1)])
    assert [figure(style, one) for style in ("voc", "voc07", "coco")] == [1.0, 1.0, 1.0]


def test_a_wrong_box_between_two_right_ones_costs_what_it_should():
    """Right, wrong, right of two boxes: precision 1 up to recall 1/2, then 2/3."""
    wrong = (20, 20, 30, 30)
    one = batch([(1, 0.9, *BOX), (1, 0.8, *wrong), (1, 0.7, *FAR)], [(*BOX, 1), (*FAR, 1)])
    assert figure("voc", one) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    # recalls 0, 0.1 .. 0.5 have precision 1, five more 2/3
    assert figure("voc07", one) == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)
    assert figure("coco", one) == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_a_box_is_found_once():
    one = batch([(1, 0.9, *BOX), (1, 0.8, *BOX)], [(*BOX, 1), (*FAR, 1)])
    assert figure("voc", one) == pytest.approx(0.5)


def test_scores_of_all_images_stand_in_one_order():
    """The wrong box of the second image comes before the right one of the first."""
    first, second = batch([(1, 0.5, *BOX)], [(*BOX, 1)]), batch([(1, 0.9, *BOX)], [(*FAR, 1)])
    assert figure("voc", first, second) == figure("voc", second, first) == pytest.approx(0.5 * 0.5)


def test_coco_lets_a_detection_fall_back_on_its_second_box_and_voc_does_not():
    shifted = (1, 0, 11, 10)
    one = batch([(1, 0.9, *BOX), (1, 0.8, *BOX)], [(*BOX, 1), (*shifted, 1)])
    assert figure("coco", one) == 1.0
    assert figure("voc", one) == pytest.approx(0.5)


def test_coco_is_the_mean_over_overlaps():
    half = (0, 0, 10, 7.2)  # 0.72 of the box
    one = batch([(1, 0.9, *half)], [(*BOX, 1)])
    overlaps = tuple(0.5 + 0.05 * k for k in range(10))
    assert figure("coco", one, overlaps=overlaps) == pytest.approx(0.5)  # 0.5, 0.55 .. 0.7


def test_classes_without_boxes_are_left_out():
    one = batch([(1, 0.9, *BOX), (2, 0.9, *BOX)], [(*BOX, 1), (*FAR, 0), (*FAR, -1)], classes=3)
    assert figure("voc", one) == 1.0
    np.testing.assert_array_equal(figure("voc", one, by_class=True), [1.0, np.nan, np.nan])
    assert np.isnan(figure("voc", batch([], [], classes=2)))
    assert np.isnan(figure("voc"))


def test_the_best_of_an_image_count_whatever_their_class():
    one = batch([(1, 0.5, *BOX), (2, 0.9, *FAR)], [(*BOX, 1), (*FAR, 2)], classes=2)
    assert figure("voc", one, most=1, by_class=True) == [0.0, 1.0]


def test_corners_that_belong_to_the_box_make_it_larger():
    # 5 of 10 columns, or 6 of 11: 0.5 and 0.545
    one = batch([(1, 0.9, 0, 0, 5, 10)], [(*BOX, 1)])
    assert [figure("voc", one, overlaps=(0.52,), extent=e) for e in (0.0, 1.0)] == [0.0, 1.0]


def by_definition(style, flags, scores, total):
    """Mean over recalls of the best precision there or beyond, by loops."""
    order = sorted(range(len(flags)), key=lambda k: -scores[k])
    points = []
    for n in range(1, len(order) + 1):
        hits = sum(flags[k] for k in order[:n])
        points.append((hits, hits / n))

    def best(hits):
        return max((p for h, p in points if h >= hits), default=0.0)

    if style == "voc":
        return sum(best(h) for h in range(1, total + 1)) / total
    count = 11 if style == "voc07" else 101
    # a recall of i / (count - 1) needs that share of the boxes, in whole numbers
    return sum(best(-(-i * total // (count - 1))) for i in range(count)) / count


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), style=st.sampled_from(["voc", "voc07", "coco"]))
def test_the_figure_is_the_one_of_the_definition(data, style):
    images = data.draw(st.lists(st.lists(st.booleans(), max_size=6), min_size=1, max_size=4))
    missed = data.draw(st.integers(0, 5))
    flags = [f for image in images for f in image]
    total = sum(flags) + missed
    scores = list(np.random.default_rng(len(flags)).permutation(len(flags)) + 1.0)
    batches, k = [], 0
    for i, image in enumerate(images):
        found, real = [], [(*FAR, 1)] * (missed if i == 0 else 0)
        for j, right in enumerate(image):
            place = (100 * j, 200, 100 * j + 9, 209)
            found.append((1, scores[k], *place))
            real += [(*place, 1)] if right else []
            k += 1
        batches.append(batch(found, real or [(*FAR, 0)]))
    wanted = by_definition(style, flags, scores, total) if total else float("nan")
    np.testing.assert_allclose(figure(style, *batches), wanted, rtol=1e-12)


SPEC = """
inputs:
  prob: {{shape: [8, 3], batch: false}}
  box: {{shape: [8, 12], batch: false}}
  rois: {{shape: [8, 5], batch: false}}
  gt_boxes: {{shape: [2, 2, 5], batch: false}}
layers:
  - {{name: ap, type: AveragePrecision, bottom: [prob, box, rois, gt_boxes], top: [ap, each]{fields}}}
"""


def detect(tmp_path, prob, box, rois, gt, fields=""):
    path = tmp_path / "ap.yaml"
    path.write_text(SPEC.format(fields=fields), encoding="utf-8")
    net = netspec.compile(path, "test", 2, device="reference")
    found = net.forward(prob=prob, box=box, rois=rois, gt_boxes=gt)
    return float(found["ap"]), found["each"].tolist()


def scene():
    """Two images of two boxes; every region lies on one, the best two of each image right."""
    gt = np.array([[(*BOX, 1), (*FAR, 2)], [(*BOX, 2), (0, 0, 0, 0, 0)]], float)
    rois = np.array([(n, *place) for n in (0, 1) for place in (BOX, FAR, BOX, FAR)], float)
    prob = np.zeros((8, 3))
    prob[[0, 1, 4]], prob[[2, 3, 5, 6, 7]] = (0.1, 0.8, 0.1), (1.0, 0.0, 0.0)
    prob[1] = prob[4] = 0.1, 0.1, 0.8
    return prob, np.zeros((8, 12)), rois, gt


def test_a_net_whose_regions_lie_on_the_boxes_is_perfect(tmp_path):
    # the wrong classes, of low scores, come behind and cost nothing
    assert detect(tmp_path, *scene()) == (1.0, [1.0, 1.0])


def test_offsets_move_the_regions_of_their_class_by_the_deviations(tmp_path):
    prob, box, rois, gt = scene()
    rois[:, [1, 3]] += 22  # two widths of 11 to the right
    box[:, [4, 8]] = -20.0  # times 0.1
    assert detect(tmp_path, prob, box, rois, gt) == (1.0, [1.0, 1.0])
    assert detect(tmp_path, prob, box, rois, gt, ", box_stds: 1") == (0.0, [0.0, 0.0])


def test_regions_of_no_image_and_low_scores_are_left_out(tmp_path):
    prob, box, rois, gt = scene()
    rois[1, 0] = -1
    mean, each = detect(tmp_path, prob, box, rois, gt)
    assert each == [1.0, 0.5]
    assert mean == pytest.approx(0.75)
    assert detect(tmp_path, prob, box, rois, gt, ", score_thresh: 0.9") == (0.0, [0.0, 0.0])


def test_a_test_ranks_the_detections_of_all_its_batches(tmp_path):
    """Two batches together are what one metric over all their images says, not the mean of two figures."""
    path = tmp_path / "ap.yaml"
    path.write_text(SPEC.format(fields=""), encoding="utf-8")
    net = netspec.compile(path, "test", 2, device="reference")
    figures, together = Figures(net.resolved), AveragePrecision("voc", (0.5,), 1.0, 100)
    alone = []
    for k in range(2):
        prob, box, rois, gt = scene()
        if k:
            prob[0] = 0.05, 0.9, 0.05  # surer than the first batch, and wrong
            rois[0, 1:] = 30, 30, 40, 40
        outputs = net.forward(prob=prob, box=box, rois=rois, gt_boxes=gt)
        figures.add(outputs, net.blobs, 2)
        together.add(Batch(outputs["ap"], 2, {n.partition(".")[2]: a for n, a in net.blobs.items() if "." in n}))
        alone.append(float(outputs["ap"]))
    assert figures.result()["ap"] == together.figure()
    assert figures.result()["ap"] < np.mean(alone)
