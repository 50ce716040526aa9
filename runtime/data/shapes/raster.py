"""Which shape each pixel shows: outlines on small windows, painted from the back to the front."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from runtime.data.shapes.kinds import DISTANCES
from runtime.data.shapes.names import KINDS
from runtime.data.shapes.scene import COSINES, SINES, Flags, Reals, Scene, Whole

Grid = NDArray[np.float32]
Slots = NDArray[np.int8]
Cut = tuple[slice, slice]

LEAST_SHOWN = 0.4
"""A shape of which the others leave less than this is taken out of the picture."""
_AT_ONCE = 6
"""Windows that are worked on together: what they need stays in the cache."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Each shape on a square of pixels around its centre, M shapes in the order in which they are painted.

    Attributes
    ----------
    picture, slot : ndarray of int64
        M: which shape of which picture.
    left, top : ndarray of int64
        M: the first column and row of the window, below 0 or beyond the picture where a shape reaches over.
    reach : ndarray of int64
        M: rows from the middle of the window to the last that the shape may touch.
    along : ndarray of float32
        M x W x W: the first coordinate in the shape's own frame, over its radius.
    distance : ndarray of float32
        M x W x W: pixels from the outline, below 0 inside.
    """

    picture: Whole
    slot: Whole
    left: Whole
    top: Whole
    reach: Whole
    along: Grid
    distance: Grid

    @property
    def side(self) -> int:
        """Rows and columns of a window."""
        return int(self.distance.shape[1])

    @cached_property
    def inside(self) -> Flags:
        """M x W x W: pixels whose centre is within the outline."""
        return self.distance < 0

    def cuts(self, size: int) -> list[tuple[int, Cut, Cut]]:
        """Return for each window its picture, the part of the picture that it covers, and that part in the window."""
        made = []
        half = self.side // 2
        rows = zip(self.picture.tolist(), self.left.tolist(), self.top.tolist(), self.reach.tolist(), strict=True)
        for n, left, top, reach in rows:
            places, parts = [], []
            for start in (top, left):
                low = max(start + half - reach, 0)
                high = max(min(start + half + reach + 1, size), low)
                places.append(slice(low, high))
                parts.append(slice(low - start, high - start))
            made.append((n, (places[0], places[1]), (parts[0], parts[1])))
        return made

    def kept(self, which: Flags) -> Windows:
        """Return some of the windows."""
        return Windows(
            picture=self.picture[which], slot=self.slot[which], left=self.left[which], top=self.top[which],
            reach=self.reach[which], along=self.along[which], distance=self.distance[which],
        )  # fmt: skip


def outline(scene: Scene, size: int) -> Windows:
    """Return the window of every shape; one far outside of the picture is moved to its side, where it is empty."""
    picture, slot = np.nonzero(scene.kind)
    order = np.lexsort((-slot, picture))  # the nearest comes last in each picture
    index = picture, slot = picture[order], slot[order]
    x, y, radius = scene.x[index], scene.y[index], scene.radius[index]
    reach = radius.astype(np.int64) + 2  # a soft edge reaches half a pixel over the outline
    half = int(reach.max(initial=2))
    pad = 2 * half + 1
    left = np.clip(np.floor(x).astype(np.int64) - half, -pad, size)
    top = np.clip(np.floor(y).astype(np.int64) - half, -pad, size)
    along = np.zeros((len(x), pad, pad), np.float32)
    distance = np.full_like(along, pad)  # beyond its reach a window is outside
    kinds, directions = scene.kind[index], scene.direction[index]
    for kind in np.unique(kinds):
        same = np.flatnonzero(kinds == kind)
        same = same[np.argsort(reach[same], kind="stable")]
        for some in np.split(same, range(_AT_ONCE, len(same), _AT_ONCE)):
            first, last = half - reach[some[-1]], half + reach[some[-1]] + 1
            across, down = (left + first - x)[some], (top + first - y)[some]
            u, v = _own_frame(directions[some], across, down, radius[some], last - first)
            along[some, first:last, first:last] = u
            distance[some, first:last, first:last] = DISTANCES[KINDS[kind - 1]](u, v) * _columns(radius[some])
    return Windows(picture=picture, slot=slot, left=left, top=top, reach=reach, along=along, distance=distance)


def _columns(values: Reals) -> Grid:
    """M values as M x 1 x 1."""
    result: Grid = values.astype(np.float32).reshape(-1, 1, 1)
    return result


def _own_frame(direction: Whole, left: Reals, top: Reals, radius: Reals, pad: int) -> tuple[Grid, Grid]:
    """Coordinates over the radius in each shape's own frame, M x W x W: sums of a part a column and one a row."""
    across, down = ((first[:, np.newaxis] + np.arange(pad)) / radius[:, np.newaxis] for first in (left, top))
    cosine, sine = COSINES[direction][:, np.newaxis], SINES[direction][:, np.newaxis]
    columns, rows = (
        [part.astype(np.float32) for part in parts]
        for parts in ((across * cosine, -across * sine), (down * sine, down * cosine))
    )
    u, v = (column[:, np.newaxis] + row[:, :, np.newaxis] for column, row in zip(columns, rows, strict=True))
    return u, v


def shown(windows: Windows, pictures: int, size: int) -> tuple[Slots, Flags]:
    """Return which slot each pixel shows, and what of each window that is.

    Returns
    -------
    slots : ndarray of int8
        N x size x size, -1 for the background.
    seen : ndarray of bool
        M x W x W: pixels of a window that show its shape.
    """
    slots: Slots = np.full((pictures, size, size), -1, np.int8)
    cuts, numbers = windows.cuts(size), windows.slot.tolist()
    for (n, place, part), mask, slot in zip(cuts, windows.inside, numbers, strict=True):
        np.copyto(slots[n][place], slot, where=mask[part])
    seen = np.zeros_like(windows.inside)
    for (n, place, part), out, slot in zip(cuts, seen, numbers, strict=True):
        np.equal(slots[n][place], slot, out=out[part])
    return slots, seen


def visible(scene: Scene, size: int) -> tuple[Scene, Windows, Slots, Flags]:
    """Return the scene without shapes that are hidden for the most part, its windows and what `shown` says of them.

    Taking one out can only show more of the others, so one look is enough.
    """
    windows = outline(scene, size)
    slots, seen = shown(windows, len(scene.kind), size)
    area = np.count_nonzero(windows.inside, axis=(1, 2))
    hidden = np.count_nonzero(seen, axis=(1, 2)) < np.maximum(LEAST_SHOWN * area, 1)
    if not hidden.any():
        return scene, windows, slots, seen
    gone = np.zeros(scene.kind.shape, np.bool_)
    gone[windows.picture[hidden], windows.slot[hidden]] = True
    scene, windows = scene.without(gone), windows.kept(~hidden)
    return scene, windows, *shown(windows, len(scene.kind), size)
