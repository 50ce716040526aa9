"""Regions that may hold a shape, with the class of each and where its box is: what Fast R-CNN is given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from runtime.data.recipe import ShapeScenes
from runtime.data.shapes.scene import Reals, Whole, fractions, words

OBJECT = 0.5
"""Overlap with a box from which a region has its class."""
STDS = np.array([0.1, 0.1, 0.2, 0.2])
"""What targets are divided by, as in ProposalTarget and AveragePrecision."""
_FIELDS = 5


class Regions(NamedTuple):
    """R regions for each of N pictures: rows (N R) x 5, classes N R, targets and weights (N R) x 4C."""

    rois: Reals
    label: Whole
    target: Reals
    weight: Reals


def propose(files: ShapeScenes, samples: Whole, boxes: Reals) -> Reals:
    """Return regions N x R x 4: half of them boxes moved and stretched by up to a half, the others anywhere."""
    n, count, size = len(samples), files.rois, files.size
    part = fractions(words(files, 8, samples, count * _FIELDS)).reshape(n, _FIELDS, count)
    shapes = np.count_nonzero(boxes[..., 4], axis=1)[:, np.newaxis]
    turn = np.arange(count) // 2 % np.maximum(shapes, 1)
    box = np.take_along_axis(boxes[..., :4], turn[..., np.newaxis], axis=1)
    near = (np.arange(count) % 2 == 0) & (shapes > 0)
    strength = part[:, 4]
    found = []
    for axis in (0, 1):
        side = box[..., axis + 2] - box[..., axis] + 1
        centre = box[..., axis] + 0.5 * (side - 1) + strength * side * (part[:, axis] - 0.5)
        stretched = side * (1 + strength * (part[:, axis + 2] - 0.5))
        length = np.where(near, stretched, size * (0.1 + 0.45 * part[:, axis + 2]))
        middle = np.where(near, centre, size * part[:, axis] - 0.5)
        low = np.clip(np.rint(middle - 0.5 * (length - 1)), 0, size - 1)
        high = np.clip(np.rint(middle + 0.5 * (length - 1)), low, size - 1)
        found.append((low, high))
    (left, right), (top, bottom) = found
    return np.stack([left, top, right, bottom], axis=-1)


def overlaps(regions: Reals, boxes: Reals) -> Reals:
    """Return intersection over union, N x R x O, of regions N x R x 4 and boxes N x O x 5; corners belong to both."""
    one, other = regions[:, :, np.newaxis], boxes[:, np.newaxis]
    sides = np.minimum(one[..., 2:], other[..., 2:4]) - np.maximum(one[..., :2], other[..., :2]) + 1
    both = np.maximum(sides, 0).prod(axis=-1)
    areas = [(v[..., 2:4] - v[..., :2] + 1).prod(axis=-1) for v in (one, other)]
    result: Reals = np.where(other[..., 4] > 0, both / (areas[0] + areas[1] - both), 0.0)
    return result


def offsets(regions: Reals, boxes: Reals) -> Reals:
    """Return (dx, dy, dw, dh) from regions to boxes, .. x 4, over their usual size; multiples of 2^-16."""
    sides, wanted = (v[..., 2:4] - v[..., :2] + 1 for v in (regions, boxes))
    centres = [v[..., :2] + 0.5 * s for v, s in ((regions, sides), (boxes, wanted))]
    steps = np.concatenate([(centres[1] - centres[0]) / sides, np.log(wanted / sides)], axis=-1) / STDS
    # the last bit of a logarithm depends on the library
    result: Reals = np.rint(steps * 2.0**16) * 2.0**-16
    return result


def regions(files: ShapeScenes, samples: Whole, boxes: Reals) -> Regions:
    """Return the regions of these pictures and what is true of them."""
    corners = propose(files, samples, boxes)
    n, count = corners.shape[:2]
    overlap = overlaps(corners, boxes)
    best = overlap.argmax(axis=2)
    box = np.take_along_axis(boxes, best[..., np.newaxis], axis=1)
    label = np.where(overlap.max(axis=2) >= OBJECT, box[..., 4], 0).astype(np.int64)
    column = np.arange(files.classes) == label[..., np.newaxis]
    column &= label[..., np.newaxis] > 0
    weight = np.repeat(column, 4, axis=-1).astype(np.float64)
    target = np.tile(np.where(label[..., np.newaxis] > 0, offsets(corners, box), 0.0), files.classes) * weight
    number = np.broadcast_to(np.arange(n, dtype=np.float64)[:, np.newaxis, np.newaxis], (n, count, 1))
    rows = n * count
    return Regions(
        np.concatenate([number, corners], axis=-1).reshape(rows, 5),
        label.reshape(rows),
        target.reshape(rows, -1),
        weight.reshape(rows, -1),
    )
