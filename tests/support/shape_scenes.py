"""Scenes for the tests of the source ``shapes``, and their geometry once more, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np

from runtime.data.recipe import ShapeScenes
from runtime.data.shapes.kinds import DISTANCES
from runtime.data.shapes.names import KINDS
from runtime.data.shapes.scene import TURN, Scene


def files(**fields) -> ShapeScenes:
    values = {
        "size": 40, "classes": 9, "objects": 5, "rois": 12, "steps": 16, "radius": 0.22, "noise": 0.0, "motion": 3.0,
        "count": 50, "seed": 3, "test": False,
    }  # fmt: skip
    return ShapeScenes(**{**values, **fields})


def distance_at(scene: Scene, n: int, slot: int, x: float, y: float) -> float:
    """Pixels from the outline of a shape, with the library's own cosine and sine."""
    angle = 2 * math.pi * int(scene.direction[n, slot]) / TURN
    r = scene.radius[n, slot]
    across, down = (x - scene.x[n, slot]) / r, (y - scene.y[n, slot]) / r
    u = np.array([across * math.cos(angle) + down * math.sin(angle)], np.float32)
    v = np.array([down * math.cos(angle) - across * math.sin(angle)], np.float32)
    return float(DISTANCES[KINDS[scene.kind[n, slot] - 1]](u, v)[0]) * r


def slots_by_hand(scene: Scene, n: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Which slot each pixel of a picture shows, and whether that is sure: no outline within 0.001 pixels."""
    slots, sure = np.full((size, size), -1), np.ones((size, size), bool)
    for slot in reversed(range(scene.kind.shape[1])):
        if scene.kind[n, slot] == 0:
            continue
        for row, column in np.ndindex(size, size):
            d = distance_at(scene, n, slot, column, row)
            sure[row, column] &= abs(d) > 1e-3
            if d < 0:
                slots[row, column] = slot
    return slots, sure
