"""Pixels: a textured background, shapes with stripes and soft edges, haze with the depth, and noise."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from runtime.data.recipe import ShapeScenes
from runtime.data.shapes.names import COLOURS
from runtime.data.shapes.raster import Grid, Windows
from runtime.data.shapes.scene import GROUND, Reals, Scene, Whole, fractions, words

_COLOURS = np.array(list(COLOURS.values()))
_CELL = 4
"""Pixels from a value of the background's texture to the next."""
_HAZE = 0.35
"""Grey that shapes are mixed with, the more the farther away they are."""
_STEPS = 128.0
"""Pictures are multiples of 1/128 from -1 to 127/128."""
_NORMAL = [NormalDist().inv_cdf((k + 0.5) / 256) for k in range(256)]
NORMAL = (np.rint(np.array(_NORMAL) * 1024) / 1024).astype(np.float32)
"""A normal number for each byte, mean 0 and standard deviation 1 within 1 %, in multiples of 2^-10."""


def background(files: ShapeScenes, samples: Whole, drift: Reals) -> Grid:
    """Return the background moved by ``drift``, N x 3 x S x S, about 0.1 to 0.7.

    A colour a picture, and around it values drawn every 4 pixels with straight lines between them.
    """
    n, size = len(samples), files.size
    reach = int(files.motion) + 2
    knots = (size + 2 * reach) // _CELL + 2
    texture = (fractions(words(files, 3, samples, knots * knots * 3)) - 0.5).astype(np.float32) * np.float32(0.3)
    texture = texture.reshape(n, 3, knots, knots)
    base = fractions(words(files, 4, samples, 4)).astype(np.float32)
    base = np.float32(0.22) + np.float32(0.36) * base[:, :1] + np.float32(0.16) * (base[:, 1:] - np.float32(0.5))
    texture += base[..., np.newaxis, np.newaxis]
    # the texture is at rest relative to itself: pixel p shows what was at p - drift
    place = (np.arange(size) + reach - drift[..., np.newaxis]) / _CELL
    first = np.floor(place).astype(np.int64)
    part = (place - first).astype(np.float32)
    out = np.empty((n, 3, size, size), np.float32)
    for k in range(n):
        (i, j), (s, t) = first[k], part[k]
        # columns first: the table is still small, and rows are gathered as a whole
        table = np.take(texture[k, ..., 1:] - texture[k, ..., :-1], i, axis=2)
        table *= s
        table += np.take(texture[k], i, axis=2)
        steps = np.take(table[:, 1:] - table[:, :-1], j, axis=1)
        steps *= t[:, np.newaxis]
        np.take(table, j, axis=1, out=out[k], mode="clip")
        out[k] += steps
    return out


def painted(ground: Grid, scene: Scene, windows: Windows) -> Grid:
    """Return the pictures with the shapes on them, in the place of ``ground``; values from 0 to 1."""
    index = windows.picture, windows.slot
    haze = (scene.depth[index] - 1) / (2 * GROUND - 2)
    colour = _COLOURS[scene.colour[index]]
    colour = (colour + (_HAZE - colour) * haze[:, np.newaxis]).astype(np.float32).reshape(-1, 3, 1, 1)
    for m, (n, place, part) in enumerate(windows.cuts(ground.shape[2])):
        target = ground[n][:, *place]
        shade = _striped(windows.along[m][part]) * colour[m]
        shade -= target
        # an edge covers a pixel by parts: 1/2 where the outline goes through its centre
        shade *= np.clip(np.float32(0.5) - windows.distance[m][part], 0, 1)
        target += shade
    return ground


def _striped(along: Grid) -> Grid:
    """Factors on the colour, up and down from 0.8 to 1.2 three times from one side of a shape to the other."""
    stripes = along * np.float32(1.5)
    stripes -= np.rint(stripes)
    np.abs(stripes, out=stripes)
    stripes *= np.float32(0.8)
    stripes += np.float32(0.8)
    return stripes


def noise(files: ShapeScenes, sample: Whole, frame: int) -> Grid:
    """Return what is added to one picture, 3 x S x S: 256 different normal numbers, of standard deviation ``noise``."""
    count = 3 * files.size * files.size
    drawn = words(files, 5 + frame, sample, -(-count // 8)).astype("<u8", copy=False)
    table = NORMAL * np.float32(files.noise)
    return np.take(table, drawn.view(np.uint8)[0, :count]).reshape(3, files.size, files.size)


def finished(files: ShapeScenes, pictures: Grid, samples: Whole, frame: int) -> Grid:
    """Return the pictures with noise, N x S x S x 3, in steps of 1/128 from -1 to below 1."""
    out = np.empty((len(pictures), files.size, files.size, 3), np.float32)
    for k, picture in enumerate(pictures):  # one by one they stay in the cache
        if files.noise:
            picture += noise(files, samples[k : k + 1], frame)
        picture *= np.float32(2 * _STEPS)
        picture += np.float32(0.5)
        np.clip(picture, 0, 2 * _STEPS - 1, out=picture)
        levels = picture.astype(np.uint8)  # cut to whole numbers
        for channel in range(3):
            out[k, ..., channel] = levels[channel]
        out[k] -= np.float32(_STEPS)
        out[k] *= np.float32(1 / _STEPS)
    return out
