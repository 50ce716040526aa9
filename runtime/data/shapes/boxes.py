"""Boxes around what is seen of the shapes."""

from __future__ import annotations

import numpy as np

from runtime.data.shapes.raster import Windows
from runtime.data.shapes.scene import Flags, Reals, Scene


def boxes(scene: Scene, windows: Windows, seen: Flags) -> Reals:
    """Return the boxes of each picture, N x O x 5: x1, y1, x2, y2, class; the nearest first, class 0 for none.

    Corners are the first and the last column and row that show the shape: they belong to the box.
    """
    out = np.zeros((*scene.kind.shape, 5))
    for axis, start, low in ((1, windows.left, 0), (2, windows.top, 1)):
        lines: Flags = np.asarray(seen.any(axis=axis))
        out[windows.picture, windows.slot, low] = start + lines.argmax(axis=1)
        last = windows.side - 1 - lines[:, ::-1].argmax(axis=1)
        out[windows.picture, windows.slot, low + 2] = start + last
    out[..., 4] = scene.kind
    empty = scene.kind == 0
    order = np.argsort(empty, axis=1, kind="stable")
    return np.take_along_axis(out, order[..., np.newaxis], axis=1)
