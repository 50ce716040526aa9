"""Random convolutions, drawn alike on every machine."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any

LEAST_FLOPS, MOST_FLOPS = 5e7, 4e9
"""Arithmetic of a forward pass: below, a call costs more than its work; above, a hundred cases take too long."""
MOST_ELEMENTS = 2**25
"""Of an input or an output: 128 MiB of float32."""

KERNELS = (1, 3, 5, 2, 7, 4, 6, 8, 9, 10, 11)
KERNEL_WEIGHTS = (6, 8, 4, 2, 3, 1, 1, 1, 1, 1, 1)
"""All sizes occur; those that nets use, oftener."""


@dataclass(frozen=True)
class ConvCase:
    """One convolution without bias: N x C x H x W by K windows of R x R."""

    index: int
    n: int
    c: int
    k: int
    h: int
    w: int
    r: int
    stride: int = 1
    pad: int = 0
    dilation: int = 1
    groups: int = 1

    @property
    def out(self) -> tuple[int, int]:
        """Rows and columns of the output."""
        reach = self.dilation * (self.r - 1) + 1
        return ((self.h + 2 * self.pad - reach) // self.stride + 1, (self.w + 2 * self.pad - reach) // self.stride + 1)

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Of x, w and y."""
        weights = (self.k, self.c // self.groups, self.r, self.r)
        return (self.n, self.c, self.h, self.w), weights, (self.n, self.k, *self.out)

    @property
    def flops(self) -> float:
        """Arithmetic of a forward pass; forward and backward take three times as much."""
        p, q = self.out
        return 2.0 * self.n * self.k * p * q * (self.c // self.groups) * self.r * self.r

    @property
    def kind(self) -> str:
        """``depthwise``, ``grouped``, ``dilated``, ``strided``, ``1 x 1`` or ``plain``: the first that holds."""
        if self.groups > 1:
            return "depthwise" if self.groups == self.c else "grouped"
        if self.dilation > 1:
            return "dilated"
        return "strided" if self.stride > 1 else "1 x 1" if self.r == 1 else "plain"

    def __str__(self) -> str:
        more = [f"{name} {getattr(self, name)}" for name in ("stride", "dilation", "groups") if getattr(self, name) > 1]
        more += [f"pad {self.pad}"] if self.pad else []
        text = f"{self.n} x {self.c} x {self.h} x {self.w}, {self.k} of {self.r} x {self.r}"
        return ", ".join([text, *more])

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def sweep_cases(count: int = 100, seed: int = 0) -> list[ConvCase]:
    """``count`` convolutions within the limits; the same for the same seed, and the first ones for any count."""
    rng = random.Random(seed)
    found: list[ConvCase] = []
    while len(found) < count:
        case = _draw(rng, len(found))
        if case is not None:
            found.append(case)
    return found


def _draw(rng: random.Random, index: int) -> ConvCase | None:
    """One draw; None if it falls outside the limits."""
    (r,) = rng.choices(KERNELS, KERNEL_WEIGHTS)
    stride = rng.choices((1, 2, 3), (7, 3, 1))[0] if r > 1 else rng.choices((1, 2), (5, 1))[0]
    dilation = rng.choices((1, 2, 3), (8, 1, 1))[0] if r > 1 else 1
    reach = dilation * (r - 1) + 1
    pad = rng.choice((0, reach // 2, reach // 2))
    h = _log_uniform(rng, 7, 224)
    w = h if rng.random() < 0.7 else _log_uniform(rng, 7, 224)
    n, c, k = _log_uniform(rng, 1, 128), _channels(rng), _channels(rng)
    groups = 1
    chance = rng.random()
    if chance < 0.12:
        groups, k = c, c
    elif chance < 0.24:
        groups = rng.choice((2, 4, 8))
        c, k = max(1, c // groups) * groups, max(1, k // groups) * groups
    if reach > min(h, w) + 2 * pad:
        return None
    case = ConvCase(index, n, c, k, h, w, r, stride, pad, dilation, groups)
    small = n * c * h * w <= MOST_ELEMENTS and n * k * case.out[0] * case.out[1] <= MOST_ELEMENTS
    return case if small and LEAST_FLOPS <= case.flops <= MOST_FLOPS else None


def _channels(rng: random.Random) -> int:
    """1 to 512: the picture's three, round numbers as nets have, or any."""
    chance = rng.random()
    if chance < 0.1:
        return rng.choice((1, 3))
    if chance < 0.6:
        return rng.choice((8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512))
    return _log_uniform(rng, 1, 512)


def _log_uniform(rng: random.Random, low: int, high: int) -> int:
    return min(high, int(low * (1 + high / low) ** rng.random()))
