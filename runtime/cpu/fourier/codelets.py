"""Fourier transforms of 16 vectors as straight-line code.

Complex numbers are pairs of ``Lanes``; transforms of real numbers work on the
first half of the spectrum, whose rest is conjugate. The inverses are not
scaled. Only kernels import this module (it imports numba).

Source
    Cooley and Tukey 1965; Sorensen et al. 1987, "Real-valued fast Fourier
    transform algorithms".
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from runtime.fourier import SIZE
from runtime.vector import lanes as L
from runtime.vector.lanes import I64, Lanes
from runtime.vector.vectype import INT, ITEM_BYTES, pointer

Complex = tuple[Lanes, Lanes]


def real_to_half(x: Sequence[Lanes]) -> list[Complex]:
    """X_k = sum_j x_j exp(-2 pi i j k / n) for k = 0 .. n/2; the first and last are real (their second part is 0)."""
    n = len(x)
    if n == 1:
        return [(x[0], x[0].like(0.0))]
    even, odd = real_to_half(x[0::2]), real_to_half(x[1::2])
    zero = x[0].like(0.0)
    result: list[Complex] = [(zero, zero)] * (n // 2 + 1)
    result[0] = (even[0][0] + odd[0][0], zero)
    result[n // 2] = (even[0][0] - odd[0][0], zero)
    for k in range(1, (n // 2 + 1) // 2):
        (a, b), (c, d) = even[k], turned(odd[k], -k, n)
        result[k] = (a + c, b + d)
        result[n // 2 - k] = (a - c, d - b)
    if n >= 4:
        result[n // 4] = (even[n // 4][0], -odd[n // 4][0])
    return result


def half_to_real(spectrum: Sequence[Complex]) -> list[Lanes]:
    """x_j = sum over all k of X_k exp(2 pi i j k / n), X given for k = 0 .. n/2."""
    n = 2 * (len(spectrum) - 1)
    first, last = spectrum[0][0], spectrum[-1][0]
    if n == 2:
        return [first + last, first - last]
    zero = first.like(0.0)
    even: list[Complex] = [(first + last, zero)]
    odd: list[Complex] = [(first - last, zero)]
    for k in range(1, n // 4):
        (a, b), (c, d) = spectrum[k], spectrum[n // 2 - k]
        even.append((a + c, b - d))
        odd.append(turned((a - c, b + d), k, n))
    middle = spectrum[n // 4]
    even.append((middle[0] + middle[0], zero))
    odd.append((-(middle[1] + middle[1]), zero))
    return [x for pair in zip(half_to_real(even), half_to_real(odd), strict=True) for x in pair]


def complex_transform(x: Sequence[Complex], sign: int) -> list[Complex]:
    """X_k = sum_j x_j exp(sign 2 pi i j k / n)."""
    n = len(x)
    if n == 1:
        return list(x)
    even, odd = complex_transform(x[0::2], sign), complex_transform(x[1::2], sign)
    result = [x[0]] * n
    for k in range(n // 2):
        (a, b), (c, d) = even[k], turned(odd[k], sign * k, n)
        result[k] = (a + c, b + d)
        result[k + n // 2] = (a - c, b - d)
    return result


def turned(z: Complex, k: int, n: int) -> Complex:
    """The number z exp(2 pi i k / n)."""
    x, y = z
    eighth, rest = divmod(8 * k, n)
    if rest == 0:
        quarter = {0: (x, y), 2: (-y, x), 4: (-x, -y), 6: (y, -x)}.get(eighth % 8)
        if quarter is not None:
            return quarter
        half = math.sqrt(0.5)
        p, q = (x - y) * half, (x + y) * half
        return {1: (p, q), 3: (-q, p), 5: (-p, -q), 7: (q, -p)}[eighth % 8]
    c, s = math.cos(2 * math.pi * k / n), math.sin(2 * math.pi * k / n)
    return L.multiply_add(y, -s, x * c), L.multiply_add(x, s, y * c)


class _Memory:
    """Vectors at a start and multiples of a stride, bytes."""

    def __init__(self, b: Any, scalar: str, lanes: int, start: Any, stride: Any, imaginary: Any = None) -> None:
        self.b, self.scalar, self.lanes = b, scalar, lanes
        self.start, self.stride, self.imaginary = start, stride, imaginary

    def _pointer(self, i: int, imaginary: bool) -> Any:
        where = self.b.add(self.start, self.b.mul(self.stride, ir.Constant(I64, i)))
        if imaginary:
            where = self.b.add(where, self.imaginary)
        return pointer(self.b, where, L.vector_type(self.scalar, self.lanes))

    def read(self, i: int, imaginary: bool = False) -> Lanes:
        """Vector i, or the imaginary part of number i."""
        value = self.b.load(self._pointer(i, imaginary), align=ITEM_BYTES[self.scalar])
        return Lanes(self.b, self.scalar, value, ())

    def write(self, i: int, value: Lanes, imaginary: bool = False) -> None:
        """Stores vector i, or the imaginary part of number i."""
        self.b.store(value.value, self._pointer(i, imaginary), align=ITEM_BYTES[self.scalar])

    def read_complex(self, count: int) -> list[Complex]:
        """The first ``count`` numbers."""
        return [(self.read(i), self.read(i, True)) for i in range(count)]

    def write_complex(self, values: Sequence[Complex]) -> None:
        """Stores numbers one after another."""
        for i, (x, y) in enumerate(values):
            self.write(i, x)
            self.write(i, y, True)


def _codelet(scalar: str, lanes: int, body: Callable[[_Memory, _Memory], None]) -> Any:
    """``f(source, stride, imaginary, to, to_stride, to_imaginary)``: numbers at source + i stride, and likewise to.

    ``imaginary`` is the distance in bytes from a number's real part to its
    imaginary part; real numbers ignore it.
    """

    @intrinsic
    def codelet(tc, source, stride, imaginary, to, to_stride, to_imaginary):  # type: ignore[no-untyped-def]
        def emit(c, b, s, a):  # type: ignore[no-untyped-def]
            body(_Memory(b, scalar, lanes, *a[:3]), _Memory(b, scalar, lanes, *a[3:]))
            return c.get_dummy_value()

        return types.void(*[INT] * 6), emit

    return codelet


@functools.cache
def forward_real(scalar: str, lanes: int) -> Any:
    """16 real vectors to the 9 numbers of their half spectrum."""

    def body(x: _Memory, y: _Memory) -> None:
        y.write_complex(real_to_half([x.read(i) for i in range(SIZE)]))

    return _codelet(scalar, lanes, body)


@functools.cache
def forward_complex(scalar: str, lanes: int) -> Any:
    """16 complex vectors to their spectrum."""
    return _codelet(scalar, lanes, lambda x, y: y.write_complex(complex_transform(x.read_complex(SIZE), -1)))


@functools.cache
def inverse_complex(scalar: str, lanes: int) -> Any:
    """A spectrum of 16 to complex vectors, times 16."""
    return _codelet(scalar, lanes, lambda x, y: y.write_complex(complex_transform(x.read_complex(SIZE), 1)))


@functools.cache
def inverse_real(scalar: str, lanes: int) -> Any:
    """A half spectrum of 9 to 16 real vectors, times 16."""

    def body(x: _Memory, y: _Memory) -> None:
        for i, value in enumerate(half_to_real(x.read_complex(SIZE // 2 + 1))):
            y.write(i, value)

    return _codelet(scalar, lanes, body)
