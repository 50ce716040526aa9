"""Boxes, masks, depths, flow and pictures agree with the scene and with each other."""

from __future__ import annotations

import numpy as np
import pytest
from shape_scenes import distance_at, files, slots_by_hand

from runtime.data.shapes.batches import View
from runtime.data.shapes.maps import classes, depths, flow
from runtime.data.shapes.scene import GROUND

VIEW = View(files(), np.arange(6))


def test_boxes_are_the_bounds_of_what_is_seen():
    view = View(files(objects=7), np.arange(30))
    for n in range(30):
        expected = []
        for slot in range(7):
            rows, columns = np.nonzero(view.slots[n] == slot)
            if len(rows):
                kind = view.scene.kind[n, slot]
                expected.append([columns.min(), rows.min(), columns.max(), rows.max(), kind])
        np.testing.assert_array_equal(view.boxes[n, : len(expected)], expected)
        assert not view.boxes[n, len(expected) :].any()


def test_masks_and_depths_are_those_of_the_shape_that_a_pixel_shows():
    mask, depth = classes(VIEW.scene, VIEW.slots), depths(VIEW.scene, VIEW.slots)
    assert (mask.shape, mask.dtype, depth.shape) == ((6, 1, 40, 40), np.int32, (6, 1, 40, 40))
    for n in range(2):
        slots, sure = slots_by_hand(VIEW.scene, n, 40)
        kinds = np.append(VIEW.scene.kind[n], 0)[slots]
        far = np.append(VIEW.scene.depth[n], GROUND)[slots]
        np.testing.assert_array_equal(mask[n, 0][sure], kinds[sure])
        np.testing.assert_array_equal(depth[n, 0][sure], far[sure])


def test_a_nearer_shape_hides_one_farther_away():
    # of two shapes that both cover a pixel the one with the smaller depth is seen
    view = View(files(objects=16, radius=0.3), np.arange(10))
    depth = depths(view.scene, view.slots)
    covered = 0
    for n, slot in zip(*np.nonzero(view.scene.kind), strict=True):
        for row in range(0, 40, 5):
            for column in range(0, 40, 5):
                if distance_at(view.scene, n, slot, column, row) < -1e-3:
                    assert depth[n, 0, row, column] <= view.scene.depth[n, slot]
                    covered += view.slots[n, row, column] != slot
    assert covered > 20


def test_the_main_class_is_that_of_the_nearest_shape():
    depth, mask = depths(VIEW.scene, VIEW.slots), classes(VIEW.scene, VIEW.slots)
    nearest = depth.reshape(6, -1).argmin(1)
    np.testing.assert_array_equal(VIEW.main, mask.reshape(6, -1)[np.arange(6), nearest])


def test_flow_leads_to_the_same_point_of_the_same_shape():
    moved, steps = VIEW.scene.later(), flow(VIEW.scene, VIEW.slots)
    for n in range(3):
        for row, column in np.ndindex(40, 40):
            slot = VIEW.slots[n, row, column]
            to = column + steps[n, 0, row, column], row + steps[n, 1, row, column]
            if slot < 0:
                np.testing.assert_array_equal(steps[n, :, row, column], VIEW.scene.drift[n])
                continue
            before = distance_at(VIEW.scene, n, slot, column, row)
            # directions are rounded to 2^-20, distances are float32 of some ten pixels
            assert distance_at(moved, n, slot, *to) == pytest.approx(before, abs=1e-4)


def sampled(picture, x, y):
    """Bilinear samples of S x S x 3 at N points."""
    i, j = np.floor(x).astype(int), np.floor(y).astype(int)
    s, t = (x - i)[:, None], (y - j)[:, None]
    rows = [picture[j + k, i] * (1 - s) + picture[j + k, i + 1] * s for k in (0, 1)]
    return rows[0] * (1 - t) + rows[1] * t


def test_flow_carries_the_first_picture_onto_the_second():
    view = View(files(size=64, objects=3), np.arange(8))
    first, second, steps = view.first, view.second, flow(view.scene, view.slots)
    worse, better = [], []
    places = np.arange(64)
    for n in range(8):
        x, y = places + steps[n, 0], places[:, None] + steps[n, 1]
        inside = (x > 1) & (x < 62) & (y > 1) & (y < 62)
        warped = sampled(second[n], x[inside], y[inside])
        better.append(np.abs(warped - first[n][inside]).mean(1))
        worse.append(np.abs(second[n] - first[n])[inside].mean(1))
    better, worse = np.concatenate(better), np.concatenate(worse)
    # levels are 1/128; sampling between pixels blurs stripes and edges, and the second picture hides some places
    assert np.median(better) < 0.015
    assert better.mean() < 0.4 * worse.mean()


def test_without_motion_both_pictures_are_one():
    view = View(files(motion=0.0), np.arange(3))
    still = View(files(motion=0.0), np.arange(3))
    still.scene.spin[:] = 0
    np.testing.assert_array_equal(still.second, still.first)
    assert not np.array_equal(view.second, view.first)  # shapes still turn


def test_pixels_are_levels_from_black_to_white_with_noise_of_the_given_size():
    clean, noisy = View(files(), np.arange(6)).first, View(files(noise=0.1), np.arange(6)).first
    for picture in (clean, noisy):
        np.testing.assert_array_equal(picture * 128, np.rint(picture * 128))
        assert -1 <= picture.min() < picture.max() < 1
    dull = np.abs(clean) < 0.3  # where nothing is cut off
    # 0.1 of a range of 2, from 10,000 samples or more
    assert (noisy - clean)[dull].std() == pytest.approx(0.2, rel=0.03)
    assert (noisy - clean)[dull].mean() == pytest.approx(0, abs=0.01)
    other = View(files(noise=0.1), np.arange(6))
    assert not np.array_equal(other.second - other.first, np.zeros_like(other.first))


def test_shapes_stand_out_in_their_colour():
    view = View(files(objects=1, radius=0.4), np.arange(40))
    red = [n for n in range(40) if view.scene.colour[n, 0] == 0]
    assert red
    for n in red:
        mean = view.first[n][view.slots[n] == 0].mean(0)
        assert mean[0] > mean[1] + 0.5
        assert mean[0] > mean[2] + 0.5
