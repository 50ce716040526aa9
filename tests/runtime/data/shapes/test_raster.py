"""Which shape a pixel shows, against the outline asked pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from shape_scenes import files, slots_by_hand

from runtime.data.shapes.raster import LEAST_SHOWN, outline, shown, visible
from runtime.data.shapes.scene import draw_scene


@pytest.mark.parametrize("moved", [False, True], ids=["at rest", "moved, partly beyond the sides"])
def test_a_pixel_shows_the_nearest_shape_around_it(moved):
    scene = draw_scene(files(motion=12.0), np.arange(4))
    scene = scene.later() if moved else scene
    slots, seen = shown(outline(scene, 40), 4, 40)
    for n in range(4):
        expected, sure = slots_by_hand(scene, n, 40)
        np.testing.assert_array_equal(slots[n][sure], expected[sure])
        assert sure.mean() > 0.99
    assert seen.sum() == (slots >= 0).sum()


def test_what_is_hidden_for_the_most_part_is_taken_out():
    given = files(objects=16, radius=0.3)
    drawn = draw_scene(given, np.arange(40))
    scene, windows, slots, seen = visible(drawn, 40)
    assert (scene.kind > 0).sum() < (drawn.kind > 0).sum()
    assert (scene.kind[:, 0] == drawn.kind[:, 0]).all()  # nothing hides the nearest
    share = seen.sum((1, 2)) / (windows.distance < 0).sum((1, 2))
    assert share.min() >= LEAST_SHOWN
    assert set(zip(*np.nonzero(scene.kind), strict=True)) == set(zip(windows.picture, windows.slot, strict=True))
    np.testing.assert_array_equal(slots, shown(outline(scene, 40), 40, 40)[0])


def test_pictures_of_the_least_size_hold_a_shape():
    scene, *_ = visible(draw_scene(files(size=8, radius=0.2), np.arange(500)), 8)
    # a shape of two pixels may fall between the centres, hardly ever
    assert (scene.kind[:, 0] > 0).mean() > 0.9
