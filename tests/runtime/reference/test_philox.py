"""Random numbers against published vectors and their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from runtime.expr import Expr
from runtime.ops import Map
from runtime.reference import Context, evaluate
from runtime.reference.philox import draw, philox4x32

# Random123's kat_vectors, philox4x32 10: counter, key, result.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    return [int(w, 16) for w in text.split()]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_words(counter, key, expected):
    c0, c1, c2, c3 = (np.array([w], np.uint64) for w in words(counter))
    k0, k1 = words(key)
    assert words(expected) == [int(w[0]) for w in philox4x32((c0, c1, c2, c3), (k0, k1))]


def test_numbers_follow_the_definition_word_by_word():
    numbers = {"seed": float(2**32 + 5), "iteration": 1234567.0, "micro_step": 3.0}
    shape, stream, t = (2, 3, 2), 0xDEADBEEF, 2
    uniform, normal = (draw(kind, stream, t, shape, Context(numbers=numbers)) for kind in ("uniform", "normal"))
    for i in range(12):
        counter = tuple(np.array([w], np.uint64) for w in (i, 0, 1234567, 3 + 65536 * 2))
        w0, w1, _, _ = (int(w[0]) for w in philox4x32(counter, (5, stream)))
        assert (w0 >> 8) / 2**24 == uniform.ravel()[i]
        u1, u2 = ((w0 >> 8) + 1) / 2**24, (w1 >> 8) / 2**24
        expected = math.sqrt(-2 * math.log(u1)) * math.cos(2 * math.pi * u2)
        # Two libraries' log and cos, a rounding each.
        assert expected == pytest.approx(normal.ravel()[i], rel=1e-14, abs=1e-15)


def test_uniform_numbers_are_the_same_in_both_precisions():
    single = draw("uniform", 1, 0, (1000,), Context(np.dtype(np.float32), {"seed": 3.0}))
    assert np.float32 == single.dtype
    assert np.array_equal(single, draw("uniform", 1, 0, (1000,), Context(numbers={"seed": 3.0})))


def test_numbers_have_the_moments_of_their_distribution():
    """40,000 numbers: a mean is within 5 deviations of itself, 5 / sqrt(40,000) = 0.025 (of unit variance)."""
    uniform, normal = (draw(kind, 99, 0, (200, 200), Context(numbers={"seed": 1.0})) for kind in ("uniform", "normal"))
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.025)
    assert uniform.var() == pytest.approx(1 / 12, abs=0.01)
    assert normal.mean() == pytest.approx(0.0, abs=0.025)
    assert normal.var() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("change", [{"seed": 8.0}, {"iteration": 1.0}, {"micro_step": 1.0}, {"stream": 2}, {"t": 1}])
def test_every_part_of_the_counter_matters(change):
    def numbers(stream: int = 1, t: int = 0, **head: float) -> np.ndarray:
        prim = Map((Expr("uniform", (), (stream, t)),), (64,))
        return evaluate(prim, Context(numbers={"seed": 7.0, **head}), [])[0]

    assert not np.any(numbers() == numbers(**change))
