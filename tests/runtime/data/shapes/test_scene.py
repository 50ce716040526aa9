"""Scenes are functions of seed, half and number, and what they claim of themselves."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from shape_scenes import files

from runtime.data.shapes.scene import COSINES, FARTHEST, GROUND, NEAREST, SINES, draw_scene

NUMBERS = np.arange(300)


def scenes(numbers=NUMBERS, **given):
    return draw_scene(files(**given), np.asarray(numbers))


def same(one, other):
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))


def test_a_scene_depends_on_its_number_alone():
    whole, some = scenes(), scenes([250, 3])
    assert all(np.array_equal(getattr(whole, f.name)[[250, 3]], getattr(some, f.name)) for f in fields(whole))


def test_seed_and_half_give_other_scenes():
    first = scenes()
    for other in (scenes(seed=4), scenes(test=True)):
        assert not same(first, other)
        # no scene of one is a scene of the other: positions are drawn from 2^53 numbers
        assert not set(first.x[:, 0]) & set(other.x[:, 0])


def test_halves_of_neighbouring_seeds_share_nothing():
    found = [scenes(seed=seed, test=test).x[:, 0] for seed in range(4) for test in (False, True)]
    assert len(set(np.concatenate(found))) == len(found) * len(NUMBERS)


def test_shapes_are_sorted_by_depth_and_lie_in_the_picture():
    scene = scenes()
    there = scene.kind > 0
    assert there[:, 0].all()
    assert (np.diff(there.astype(int), axis=1) <= 0).all()  # the slots that are used come first
    assert (np.diff(scene.depth, axis=1) >= 0).all()
    assert scene.depth[there].min() >= NEAREST
    assert scene.depth[there].max() <= FARTHEST
    assert (scene.depth[~there] == GROUND).all()
    for place in (scene.x[there], scene.y[there]):
        assert (place - scene.radius[there] >= -0.5 - 1e-9).all()
        assert (place + scene.radius[there] <= 39.5 + 1e-9).all()


def test_the_radius_follows_from_the_depth():
    scene = scenes()
    there = scene.kind > 0
    share = scene.radius[there] * scene.depth[there] / (0.22 * 40)
    assert 0.92 <= share.min() < 0.93 < 1.07 < share.max() <= 1.08


def test_every_count_kind_and_colour_comes_up_about_as_often():
    scene = scenes(np.arange(4000))
    counts = np.bincount((scene.kind > 0).sum(1), minlength=6)
    assert counts[0] == 0
    # 4000 / 5 and some four standard deviations, the square root of 640
    assert np.abs(counts[1:] - 800).max() <= 100
    for values, many in ((scene.kind[scene.kind > 0] - 1, 8), (scene.colour[scene.kind > 0], 8)):
        share = np.bincount(values) / len(values)
        assert len(share) == many
        # 12,000 draws: a standard deviation is 0.003
        assert np.abs(share - 1 / many).max() <= 0.012


def test_directions_are_unit_vectors_on_a_grid():
    np.testing.assert_array_equal(COSINES * 2**20, np.rint(COSINES * 2**20))
    # rounded to 2^-20
    np.testing.assert_allclose(COSINES**2 + SINES**2, 1, rtol=0, atol=2e-6)


def test_motion_is_within_its_bound_and_can_be_none():
    scene = scenes()
    assert 2.5 <= np.abs(scene.dx).max() <= 3
    assert 1.25 <= np.abs(scene.drift).max() <= 1.5
    still = scenes(motion=0.0)
    assert not np.any([still.dx, still.dy])
    assert not still.drift.any()


def test_a_known_scene_stays_what_it_is():
    scene = scenes([1], seed=0)
    # written down once: another machine, or another release, must get the same bits
    assert scene.kind.tolist() == [[7, 7, 4, 2, 3]]
    assert scene.colour.tolist() == [[5, 7, 3, 7, 6]]
    assert [float(v).hex() for v in scene.x[0, :3]] == [
        "0x1.d90804ebc92b1p+2", "0x1.e0759ce24a30dp+4", "0x1.e5bb93d699330p+4",
    ]  # fmt: skip
