"""What there is in a picture: which shapes, where, how far away, and where they move to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from runtime.data.counter import Words, mix
from runtime.data.recipe import ShapeScenes
from runtime.data.shapes.names import COLOURS

Reals = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

TURN = 256
"""Directions of a full turn."""
_GRAIN = 2.0**-20
_ANGLES = [2 * math.pi * k / TURN for k in range(TURN)]
COSINES, SINES = (np.array([round(f(angle) / _GRAIN) * _GRAIN for angle in _ANGLES]) for f in (math.cos, math.sin))
"""Cosine and sine of each direction in multiples of 2^-20: no library's last bit is left in them."""

NEAREST, FARTHEST, GROUND = 1.0, 2.0, 3.0
"""Depths: shapes lie between the first two, the background behind them."""
LEAST_RADIUS = 2.0
SPREAD = 0.08
"""How much larger or smaller than its depth says a shape is."""
_SPIN = 4
_FIELDS = 12


@dataclass(frozen=True, kw_only=True)
class Scene:
    """N pictures of up to O shapes each, the nearest first; pixel i has its centre at i.

    Attributes
    ----------
    kind : ndarray of int64
        N x O, from 1 on, 0 where there is no shape.
    colour : ndarray of int64
        N x O.
    x, y, radius, depth : ndarray of float64
        N x O; x to the right, y down, in pixels. A shape lies within ``radius`` of (x, y).
    direction, spin : ndarray of int64
        N x O, in parts of a turn: how a shape is turned, and by how much more in the second picture.
    dx, dy : ndarray of float64
        N x O, how far a shape has moved in the second picture.
    drift : ndarray of float64
        N x 2, the same for the background, x before y.
    """

    kind: Whole
    colour: Whole
    x: Reals
    y: Reals
    radius: Reals
    depth: Reals
    direction: Whole
    spin: Whole
    dx: Reals
    dy: Reals
    drift: Reals

    def later(self) -> Scene:
        """Return where everything is in the second picture; the drift stays what it was."""
        turned = (self.direction + self.spin) % TURN
        return replace(self, x=self.x + self.dx, y=self.y + self.dy, direction=turned)

    def without(self, gone: Flags) -> Scene:
        """Return the scene without some of its shapes; their slots stay, empty."""
        return replace(self, kind=np.where(gone, 0, self.kind))


def words(files: ShapeScenes, purpose: int, samples: Whole, count: int) -> Words:
    """Return ``count`` random 64-bit words a sample, N x count: a function of source, purpose and sample."""
    key = mix(np.array([2 * files.seed + files.test], np.uint64))
    key = mix(mix(key ^ np.uint64(purpose)) ^ samples.astype(np.uint64))
    result: Words = mix(key[:, np.newaxis] ^ np.arange(count, dtype=np.uint64))
    return result


def fractions(drawn: Words) -> Reals:
    """Return numbers in [0, 1), exact multiples of 2^-53."""
    result: Reals = (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return result


def whole(part: Reals, limit: int | Whole) -> Whole:
    """Return numbers in [0, limit) for fractions."""
    result: Whole = (part * limit).astype(np.int64)
    return result


def draw_scene(files: ShapeScenes, samples: Whole) -> Scene:
    """Return the scenes of these samples, shapes that others hide included.

    One to ``objects`` shapes, each around the middle of a cell of its own; depths are drawn and sorted, the radius is
    ``radius size / depth`` (8 % more or less), and every shape lies in the first picture as a whole.
    """
    n, slots, size = len(samples), files.objects, files.size
    of_picture = fractions(words(files, 0, samples, 3))
    part = fractions(words(files, 1, samples, slots * _FIELDS)).reshape(n, _FIELDS, slots)
    there = np.arange(slots) <= whole(of_picture[:, :1], slots)
    depth = np.sort(np.where(there, NEAREST + (FARTHEST - NEAREST) * part[:, 0], GROUND), axis=1)
    radius = np.maximum(files.radius * size / depth * (1 + SPREAD * (2 * part[:, 1] - 1)), LEAST_RADIUS)
    side = math.ceil(math.sqrt(slots))
    cells = np.argsort(words(files, 2, samples, side * side), axis=1, kind="stable")[:, :slots]
    centres = []
    for cell, jitter in ((cells % side, part[:, 2]), (cells // side, part[:, 3])):
        centre = (cell + 0.5 + 0.5 * (jitter - 0.5)) * size / side - 0.5
        centres.append(np.clip(centre, radius - 0.5, size - 0.5 - radius))
    motion = 2 * files.motion
    return Scene(
        kind=np.where(there, 1 + whole(part[:, 4], files.classes - 1), 0),
        colour=whole(part[:, 5], len(COLOURS)),
        x=centres[0],
        y=centres[1],
        radius=radius,
        depth=depth,
        direction=whole(part[:, 6], TURN),
        spin=whole(part[:, 7], 2 * _SPIN + 1) - _SPIN,
        dx=motion * (part[:, 8] - 0.5),
        dy=motion * (part[:, 9] - 0.5),
        drift=0.5 * motion * (of_picture[:, 1:] - 0.5),
    )
