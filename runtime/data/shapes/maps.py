"""One value or two for each pixel: class, depth, and how far what it shows has moved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.data.shapes.raster import Slots
from runtime.data.shapes.scene import COSINES, GROUND, SINES, TURN, Reals, Scene


def looked_up(slots: Slots, of_shapes: NDArray[Any], of_ground: NDArray[Any]) -> NDArray[Any]:
    """Return a value of the shape that each pixel shows, N x S x S, from values N x O and N."""
    table = np.concatenate([of_ground[:, np.newaxis], of_shapes], axis=1)
    rows = np.arange(len(slots)) * table.shape[1] + 1
    found: NDArray[Any] = table.ravel()[slots + rows.reshape(-1, 1, 1)]
    return found


def classes(scene: Scene, slots: Slots) -> NDArray[np.int32]:
    """Return the class of each pixel, N x 1 x S x S."""
    kinds = scene.kind.astype(np.int32)
    found: NDArray[np.int32] = looked_up(slots, kinds, np.zeros(len(kinds), np.int32))
    return found[:, np.newaxis]


def depths(scene: Scene, slots: Slots) -> Reals:
    """Return the depth of each pixel, N x 1 x S x S: 1 to 2 for shapes, 3 for the background."""
    found: Reals = looked_up(slots, scene.depth, np.full(len(slots), GROUND))
    return found[:, np.newaxis]


def flow(scene: Scene, slots: Slots) -> Reals:
    """Return how far what a pixel of the first picture shows has moved in the second, N x 2 x S x S, x before y.

    ``R (p - c) + c + d - p`` for a shape around c that turns by R and moves by d; the drift for the background. It
    is also known where the second picture hides the place.
    """
    spin = scene.spin % TURN
    cosine, sine = COSINES[spin] - 1.0, SINES[spin]
    shift_x = scene.dx - cosine * scene.x + sine * scene.y
    shift_y = scene.dy - sine * scene.x - cosine * scene.y
    still = np.zeros(len(slots))
    a, b = looked_up(slots, cosine, still), looked_up(slots, sine, still)
    places = np.arange(slots.shape[1], dtype=np.float64)
    x, y = places, places[:, np.newaxis]
    across = a * x - b * y + looked_up(slots, shift_x, scene.drift[:, 0])
    down = b * x + a * y + looked_up(slots, shift_y, scene.drift[:, 1])
    return np.stack([across, down], axis=1)
