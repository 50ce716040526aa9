"""What kernels read of a region (number of the image, x1, y1, x2, y2): its image and its corners.

Only kernels import this module (it imports numba).
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

from runtime.vector.access import scalar_loader
from runtime.vector.simd import device

INFINITY = float("inf")


@functools.cache
def regions(scalar: str, limit: int) -> SimpleNamespace:
    """``image(roi, step, images)`` and ``corner(roi, at, scale)`` for regions of a dtype.

    ``roi`` is the address of a region and ``step`` the bytes from number to
    number. ``image`` answers the nearest whole number, -1 for a region that
    has no image or a coordinate that is not finite; ``corner`` the scaled coordinate at an address, rounded,
    halves away from 0, and cut to +-``limit``.
    """
    read: Any = scalar_loader(scalar, "f64")
    bound = float(limit)

    @device
    def image(roi, step, images):
        number = read(roi, 0)
        found = -1
        if number > -0.5 and number < images - 0.5:
            found = int(number + 0.5)
        for k in range(1, 5):
            v = read(roi + k * step, 0)
            if not (v > -INFINITY and v < INFINITY):
                found = -1
        return found

    @device
    def corner(roi, at, scale):
        v = read(roi + at, 0) * scale
        if not v > -bound:
            v = -bound
        if v > bound:
            v = bound
        found = int(v + 0.5)
        if v < 0.0:
            found = -int(0.5 - v)
        return found

    return SimpleNamespace(image=image, corner=corner)
