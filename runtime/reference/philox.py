"""Philox4x32-10: random numbers as a function of a counter.

Definition (kernels follow it to the bit)::

    key     = (seed mod 2^32, stream)
    counter = (index mod 2^32, index div 2^32, iteration mod 2^32, (micro_step + 65536 t) mod 2^32)

``index`` is the flat row-major position of the element within the logical
shape (N C H W) of the map that draws, so a number depends on no layout,
device or thread. Of the four 32-bit words that come out::

    uniform = (word0 >> 8) 2^-24                                          in [0, 1)
    normal  = sqrt(-2 ln u1) cos(2 pi u2),  u1 = ((word0 >> 8) + 1) 2^-24,  u2 = (word1 >> 8) 2^-24

in float64 as well: the same 24-bit numbers, only the functions of ``normal``
are evaluated in the working precision.

Source
    Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3";
    Box and Muller 1958.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.ops import Shape
from runtime.reference.registry import Array, Context

Words = NDArray[np.uint64]

MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox4x32(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Ten rounds of Philox over arrays of counters.

    Parameters
    ----------
    counter
        Four arrays of 32-bit words, kept in uint64, that broadcast.
    key
        Two 32-bit words.

    Returns
    -------
    Four arrays of 32-bit words, kept in uint64.
    """
    c0, c1, c2, c3 = counter
    for r in range(ROUNDS):
        k0, k1 = (np.uint64((k + r * w) & 0xFFFFFFFF) for k, w in zip(key, WEYL, strict=True))
        p0, p1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
    return c0, c1, c2, c3


def draw(kind: str, stream: int, t: int, shape: Shape, context: Context) -> Array:
    """``uniform`` or ``normal`` numbers of the definition above, for every element of ``shape``."""
    seed, iteration, micro_step = (int(context.number(n)) for n in ("seed", "iteration", "micro_step"))
    index = np.arange(prod(shape), dtype=np.uint64)
    step = np.uint64(iteration % 2**32), np.uint64((micro_step + 65536 * t) % 2**32)
    counter = (index & _LOW, index >> _HALF, np.full_like(index, step[0]), np.full_like(index, step[1]))
    word0, word1, _, _ = philox4x32(counter, (seed % 2**32, stream % 2**32))
    if kind == "uniform":
        return _unit(word0, context.dtype).reshape(shape)
    u1, u2 = _unit(word0 + np.uint64(256), context.dtype), _unit(word1, context.dtype)
    radius = np.sqrt(np.asarray(-2.0, context.dtype) * np.log(u1))
    return np.asarray(radius * np.cos(np.asarray(2.0 * np.pi, context.dtype) * u2)).reshape(shape)


def _unit(word: Words, dtype: np.dtype[Any]) -> Array:
    """24 bits as a number; exact in float32 too."""
    return np.asarray((word >> np.uint64(8)).astype(dtype) * np.asarray(2.0**-24, dtype))
