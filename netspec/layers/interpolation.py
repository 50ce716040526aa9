"""Interpolation along one axis as a matrix: row i holds the weights of the samples that make output i.

Pure functions. First where each output lies among the samples, in samples
(``half_pixel``, ``aligned``), then the weights there
(``nearest``, ``linear``, ``cubic``, ``area``). Resizing a picture is a product
with one matrix at each side.

Source
    Keys 1981 (cubic convolution); ONNX ``Resize``; OpenCV ``INTER_AREA``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor

Matrix = Sequence[Sequence[float]]


def half_pixel(outputs: int, samples: int, scale: float | None = None) -> list[float]:
    """Pixels are areas, both pictures cover the same one: ``(i + 1/2) / scale - 1/2``.

    Parameters
    ----------
    scale
        Outputs a sample; their ratio unless given.
    """
    return [(i + 0.5) / (scale or outputs / samples) - 0.5 for i in range(outputs)]


def aligned(outputs: int, samples: int) -> list[float]:
    """Pixels are points, the first and the last ones of both pictures coincide: ``i (samples - 1) / (outputs - 1)``."""
    return [i * ((samples - 1) / max(1, outputs - 1)) for i in range(outputs)]


def nearest(at: Iterable[float], samples: int) -> Matrix:
    """The one sample that is nearest to each output's place ``at``, in samples: of two the higher."""
    return [_row(samples, [(floor(v + 0.5), 1.0)]) for v in at]


def linear(at: Iterable[float], samples: int, stretch: float = 1.0, outside: str = "clamp") -> Matrix:
    """The triangle ``1 - |d|``: the two samples around, in proportion.

    Parameters
    ----------
    stretch
        How many times wider the triangle is: samples an output against aliasing.
    outside
        ``clamp``: beyond the edge is the edge; ``exclude``: nothing is, what is left weighs 1.
    """
    return _weighed(at, samples, lambda d: max(0.0, 1.0 - abs(d)), 1, stretch, outside)


def cubic(at: Iterable[float], samples: int, stretch: float = 1.0, outside: str = "clamp", a: float = -0.5) -> Matrix:
    """Keys' cubic through the four samples around, with slope parameter ``a``; see ``linear``."""

    def weight(distance: float) -> float:
        d = abs(distance)
        if d <= 1:
            return ((a + 2) * d - (a + 3)) * d * d + 1
        return ((d - 5) * d + 8) * d * a - 4 * a if d < 2 else 0.0

    return _weighed(at, samples, weight, 2, stretch, outside)


def area(outputs: int, samples: int) -> Matrix:
    """Each output is the mean over the part of the picture that it covers."""
    made = []
    for i in range(outputs):
        low, high = i * samples / outputs, (i + 1) * samples / outputs
        covered = range(floor(low), min(samples, ceil(high)))
        made.append(_row(samples, [(k, max(0.0, min(high, k + 1) - max(low, k))) for k in covered]))
    return made


def _weighed(
    at: Iterable[float], samples: int, weight: Callable[[float], float], reach: int, stretch: float, outside: str
) -> Matrix:
    """Weights of a function of the distance, which is 0 from ``reach`` on."""
    spread = ceil(reach * stretch)
    made = []
    for v in at:
        near = range(floor(v) + 1 - spread, floor(v) + spread + 1)
        inside = (k for k in near if outside != "exclude" or 0 <= k < samples)
        made.append(_row(samples, [(k, weight((v - k) / stretch)) for k in inside]))
    return made


def _row(samples: int, weights: Iterable[tuple[int, float]]) -> list[float]:
    """Weights by the number of their sample as a row that sums to 1; beyond the edge is the edge."""
    known: dict[int, float] = {}
    for k, weight in weights:
        at = min(max(k, 0), samples - 1)
        known[at] = known.get(at, 0.0) + weight
    total = sum(known.values())
    row = [0.0] * samples
    for at, weight in known.items():
        row[at] = weight / total
    return row
