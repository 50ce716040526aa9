"""Regions, their classes and their targets, against loops over pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from shape_scenes import files

from runtime.data.shapes.batches import View
from runtime.data.shapes.regions import STDS

VIEW = View(files(rois=40), np.arange(10))
ROIS, LABELS, TARGETS, WEIGHTS = VIEW.regions


def overlap(one, other):
    """Shared pixels over all pixels of two boxes whose corners belong to them."""
    a, b = (
        {(x, y) for x in range(int(v[0]), int(v[2]) + 1) for y in range(int(v[1]), int(v[3]) + 1)} for v in (one, other)
    )
    return len(a & b) / len(a | b)


def test_regions_lie_in_the_picture_picture_by_picture():
    assert ROIS.shape == (400, 5)
    np.testing.assert_array_equal(ROIS[:, 0], np.repeat(np.arange(10), 40))
    np.testing.assert_array_equal(ROIS, np.rint(ROIS))
    assert ROIS[:, 1:].min() >= 0
    assert ROIS[:, 1:].max() <= 39
    assert (ROIS[:, 3:] >= ROIS[:, 1:3]).all()


def test_a_region_has_the_class_of_the_box_that_it_covers_half():
    for roi, label in zip(ROIS, LABELS, strict=True):
        boxes = [box for box in VIEW.boxes[int(roi[0])] if box[4] > 0]
        shares = [overlap(roi[1:], box) for box in boxes]
        best = int(np.argmax(shares))
        assert label == (boxes[best][4] if shares[best] >= 0.5 else 0)
    assert 0.2 < (LABELS > 0).mean() < 0.6


def test_nearly_every_box_has_a_region():
    found = set()
    for roi in ROIS:
        found |= {
            (roi[0], k) for k, box in enumerate(VIEW.boxes[int(roi[0])]) if box[4] and overlap(roi[1:], box) >= 0.5
        }
    assert len(found) >= 0.95 * (VIEW.boxes[..., 4] > 0).sum()


def test_targets_lead_from_the_region_to_its_box():
    assert TARGETS.shape == WEIGHTS.shape == (400, 36)
    for roi, label, target, weight in zip(ROIS, LABELS, TARGETS, WEIGHTS, strict=True):
        columns = slice(4 * label, 4 * label + 4)
        expected = np.zeros(36)
        if label:
            expected[columns] = 1
            dx, dy, dw, dh = target[columns] * STDS
            width, height = roi[3] - roi[1] + 1, roi[4] - roi[2] + 1
            x, y = roi[1] + width / 2 + dx * width, roi[2] + height / 2 + dy * height
            w, h = width * math.exp(dw), height * math.exp(dh)
            moved = np.array([x - w / 2, y - h / 2, x + w / 2 - 1, y + h / 2 - 1])
            near = [np.abs(moved - box[:4]).max() for box in VIEW.boxes[int(roi[0])] if box[4] == label]
            # targets are rounded to 2^-16
            assert min(near) < 1e-3
        np.testing.assert_array_equal(weight, expected)
        assert not target[weight == 0].any()


@pytest.mark.parametrize("rois", [1, 3])
def test_any_number_of_regions_will_do(rois):
    view = View(files(rois=rois), np.arange(4))
    assert view.regions.rois.shape == (4 * rois, 5)
