"""Philox4x32-10 in vectors; the definition is in ``runtime/reference/philox.py``.

Source
    Salmon, Moraes, Dror and Shaw 2011; Box and Muller 1958.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import pi
from typing import Any

from numba import types
from numba.extending import intrinsic

from runtime.vector import lanes as L
from runtime.vector import vmath
from runtime.vector.lanes import Lanes, convert, sqrt
from runtime.vector.simd import vec

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW = 0xFFFFFFFF


def words(index: Lanes, key: tuple[Lanes, Lanes], iteration: Lanes, last: Lanes) -> tuple[Lanes, Lanes]:
    """The first two 32-bit words of the counters, in u64 lanes."""
    # products are of two u64 whose high halves are zero, which LLVM sees and takes the 32 x 32 multiplier
    c0, c1, c2, c3 = index & LOW, index >> 32, iteration, last
    k0, k1 = key
    for r in range(10):
        p0, p1 = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        key0, key1 = (k0 + r * WEYL[0]) & LOW, (k1 + r * WEYL[1]) & LOW
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ key0, p1 & LOW, (p0 >> 32) ^ c3 ^ key1, p0 & LOW
    return c0, c1


def _unit(word: Lanes, kind: str) -> Lanes:
    """24 bits as a number in [0, 1]; through i32, for which every CPU has a conversion."""
    return convert(convert(word >> 8, "i32"), kind) * 2.0**-24


def _uniform(word0: Lanes, word1: Lanes, kind: str) -> Lanes:
    return _unit(word0, kind)


def _normal(word0: Lanes, word1: Lanes, kind: str) -> Lanes:
    u1, u2 = _unit(word0 + 256, kind), _unit(word1, kind)
    return sqrt(vmath.log(u1) * -2.0) * vmath.cos(u2 * (2.0 * pi))


def _generator(finish: Callable[[Lanes, Lanes, str], Lanes], kind: str, lanes: int) -> Any:
    @intrinsic
    def draw(tc, index, seed, stream, iteration, last):
        def emit(c, b, s, a):
            scalars = [L.splat(b, "u64", lanes, x) & LOW for x in a[1:]]
            word0, word1 = words(Lanes(b, "u64", a[0]), (scalars[0], scalars[1]), scalars[2], scalars[3])
            return finish(word0, word1, kind).value

        return vec(kind, lanes)(vec("u64", lanes), *[types.int64] * 4), emit

    return draw


@functools.cache
def uniform(kind: str, lanes: int) -> Any:
    """``draw(index, seed, stream, iteration, last)``: U[0, 1) of u64 lanes of flat indices."""
    return _generator(_uniform, kind, lanes)


@functools.cache
def normal(kind: str, lanes: int) -> Any:
    """``draw(index, seed, stream, iteration, last)``: N(0, 1) of u64 lanes of flat indices."""
    return _generator(_normal, kind, lanes)
