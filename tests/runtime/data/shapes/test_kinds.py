"""Outlines: a second formula for each kind, and that nothing reaches over the circle around it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runtime.data.shapes.kinds import DISTANCES
from runtime.data.shapes.names import KINDS

STEP = 1 / 64
GRID = np.arange(-1.25, 1.25, STEP, dtype=np.float32)
U, V = (np.ascontiguousarray(a) for a in np.meshgrid(GRID, GRID))


def polygon(corners):
    """Whether each point is inside, by the number of sides that a ray to the right crosses."""
    inside = np.zeros(U.shape, bool)
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if y1 != y2:
            between = (V >= min(y1, y2)) & (V < max(y1, y2))
            inside ^= between & (U < x1 + (V - y1) * (x2 - x1) / (y2 - y1))
    return inside


def around(radii, start):
    turn = 2 * math.pi / len(radii)
    return [(r * math.cos(start + k * turn), r * math.sin(start + k * turn)) for k, r in enumerate(radii)]


def rectangle(w, h):
    return [(-w, -h), (w, -h), (w, h), (-w, h)]


R = np.hypot(U, V)
INSIDE = {
    "circle": R < 0.85,
    "square": polygon(rectangle(0.7, 0.7)),
    "triangle": polygon(around([1, 1, 1], math.pi / 2)),
    # the inner corners of a pentagram lie at cos 72 / cos 36 of the outer ones
    "star": polygon(around([1, math.cos(math.radians(72)) / math.cos(math.radians(36))] * 5, math.pi / 2)),
    "cross": polygon(rectangle(0.93, 0.36)) | polygon(rectangle(0.36, 0.93)),
    "ring": (R > 0.46) & (R < 0.9),
    "bar": polygon(rectangle(0.93, 0.36)),
    "moon": (R < 0.9) & (np.hypot(U - 0.5, V) > 0.7),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_point_is_inside_where_the_distance_is_below_0(kind):
    d = DISTANCES[kind](U, V)
    sure = np.abs(d) > 1e-5  # the outline itself belongs to neither side, in float32
    np.testing.assert_array_equal((d < 0)[sure], INSIDE[kind][sure])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_lies_in_the_circle_around_it_and_fills_it_well(kind):
    inside = DISTANCES[kind](U, V) < 0
    # the corners of bars lie at 0.9972
    assert R[inside].max() <= 1.0
    assert R[inside].max() >= 0.84
    assert inside.sum() * STEP**2 >= 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_distance_rises_by_one_across_the_outline(kind):
    d = DISTANCES[kind](U, V)
    slope = np.hypot(*np.gradient(d, STEP))
    near = np.abs(d) < STEP
    # but for corners, where two sides meet within a step
    assert np.median(np.abs(slope[near] - 1)) < 1e-3
