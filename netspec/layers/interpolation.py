"""Interpolation along one axis as a matrix: row i holds the weights of the samples that make output i.

Pure functions. First where each output lies among the samples, in samples
(``half_pixel``, ``aligned``, ``asymmetric``), then the weights there
(``nearest``, ``linear``, ``cubic``, ``area``). Resizing a picture is a product
with one matrix at each side.

Source
    Keys 1981 (cubic convolution); ONNX ``Resize``; OpenCV ``INTER_AREA``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def half_pixel(outputs: int, samples: int, scale: float | None = None) -> Array:
    """Pixels are areas, both pictures cover the same one: ``(i + 1/2) / scale - 1/2``.

    Parameters
    ----------
    scale
        Outputs a sample; their ratio unless given.
    """
    return (np.arange(outputs) + 0.5) / (scale or outputs / samples) - 0.5


def aligned(outputs: int, samples: int) -> Array:
    """Pixels are points, the first and the last ones of both pictures coincide: ``i (samples - 1) / (outputs - 1)``."""
    return np.arange(outputs) * ((samples - 1) / max(1, outputs - 1))


def asymmetric(outputs: int, samples: int, scale: float | None = None) -> Array:
    """The first pixels coincide: ``i / scale``."""
    return np.arange(outputs) / (scale or outputs / samples)


def nearest(at: Array, samples: int, rule: str = "round_up") -> Array:
    """The one sample that is nearest.

    Parameters
    ----------
    at
        Where each output lies, in samples.
    rule
        ``round_up`` or ``round_down`` where two are as near; ``floor``; ``ceil``.
    """
    rounded = {
        "round_up": lambda: np.floor(at + 0.5),
        "round_down": lambda: np.ceil(at - 0.5),
        "floor": lambda: np.floor(at),
        "ceil": lambda: np.ceil(at),
    }[rule]()
    made = np.zeros((len(at), samples))
    made[np.arange(len(at)), np.clip(rounded, 0, samples - 1).astype(np.int64)] = 1.0
    return made


def linear(at: Array, samples: int, stretch: float = 1.0, outside: str = "clamp") -> Array:
    """The triangle ``1 - |d|``: the two samples around, in proportion.

    Parameters
    ----------
    stretch
        How many times wider the triangle is: samples an output against aliasing.
    outside
        ``clamp``: beyond the edge is the edge; ``exclude``: nothing is, what is left weighs 1.
    """
    return _weighed(at, samples, lambda d: np.maximum(0.0, 1.0 - np.abs(d)), 1, stretch, outside)


def cubic(at: Array, samples: int, stretch: float = 1.0, outside: str = "clamp", a: float = -0.5) -> Array:
    """Keys' cubic through the four samples around, with slope parameter ``a``; see ``linear``."""

    def weight(d: Array) -> Array:
        d = np.abs(d)
        near = ((a + 2) * d - (a + 3)) * d * d + 1
        far = ((d - 5) * d + 8) * d * a - 4 * a
        return np.where(d <= 1, near, np.where(d < 2, far, 0.0))

    return _weighed(at, samples, weight, 2, stretch, outside)


def area(outputs: int, samples: int) -> Array:
    """Each output is the mean over the part of the picture that it covers."""
    edges = np.arange(outputs + 1) * (samples / outputs)
    low, high = edges[:-1, None], edges[1:, None]
    sample = np.arange(samples)
    covered = np.maximum(0.0, np.minimum(high, sample + 1) - np.maximum(low, sample))
    return np.asarray(covered / covered.sum(1, keepdims=True))


def _weighed(
    at: Array, samples: int, weight: Callable[[Array], Array], reach: int, stretch: float, outside: str
) -> Array:
    """Weights of a function of the distance, which is 0 from ``reach`` on; each row sums to 1."""
    first = np.floor(at).astype(np.int64)
    spread = ceil(reach * stretch)
    near = first[:, None] + np.arange(1 - spread, spread + 1)
    weights = weight((at[:, None] - near) / stretch)
    if outside == "exclude":
        weights = np.where((near >= 0) & (near < samples), weights, 0.0)
    made = np.zeros((len(at), samples))
    rows = np.broadcast_to(np.arange(len(at))[:, None], near.shape)
    np.add.at(made, (rows, np.clip(near, 0, samples - 1)), weights)
    return made / made.sum(1, keepdims=True)
