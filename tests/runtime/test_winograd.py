from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from runtime.ways import WINOGRAD_2, WINOGRAD_4
from runtime.winograd import ERROR, TILE, matrices, parity_error

SIZES = sorted(ERROR)


def times(matrix, vector):
    return [sum((c * v for c, v in zip(row, vector, strict=True)), start=Fraction(0)) for row in matrix]


@pytest.mark.parametrize(("m", "r"), SIZES)
def test_outputs_are_exactly_the_correlation_in_rationals(m, r):
    found = matrices(m, r)
    for at in range(m + r - 1):  # bilinear: enough to try each pair of unit vectors
        for tap in range(r):
            d = [Fraction(int(i == at)) for i in range(m + r - 1)]
            g = [Fraction(int(i == tap)) for i in range(r)]
            products = [a * b for a, b in zip(times(found.g, g), times(found.bt, d), strict=True)]
            expected = [Fraction(int(i + tap == at)) for i in range(m)]
            assert expected == times(found.at, products)


def test_more_points_than_there_are_is_an_error():
    with pytest.raises(ValueError, match=r"F\(6, 4\) needs 8 points, there are 7"):
        matrices(6, 4)


def error_in_f32(m: int, r: int, channels: int) -> float:
    """Max |y - ref| / rms(ref) over 200 tiles of normal numbers, all arithmetic in float32."""
    at, g, bt = (np.array(x, np.float64).astype(np.float32) for x in vars(matrices(m, r)).values())
    rng = np.random.default_rng(channels)
    d = rng.standard_normal((200, channels, m + r - 1, m + r - 1)).astype(np.float32)
    w = rng.standard_normal((channels, r, r)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(d.astype(np.float64), (r, r), axis=(2, 3))
    exact = np.einsum("tcijrs,crs->tij", windows, w.astype(np.float64))
    sums = np.zeros((200, m + r - 1, m + r - 1), np.float32)
    for c in range(channels):
        sums += (g @ w[c] @ g.T) * (bt @ d[:, c] @ bt.T)
    return float(np.abs(at @ sums @ at.T - exact).max() / np.sqrt(np.mean(exact**2)))


@pytest.mark.parametrize(("m", "r"), SIZES)
@pytest.mark.parametrize("channels", [1, 64])
def test_the_estimate_bounds_the_error_and_is_not_a_hundred_times_too_large(m, r, channels):
    weight_grad = m not in TILE.values()
    way = next(w for w, tile in TILE.items() if tile == (r if weight_grad else m))
    estimate = parity_error(way, m if weight_grad else r, channels, weight_grad=weight_grad)
    assert estimate / 100 < error_in_f32(m, r, channels) < estimate


def test_errors_grow_with_the_tile_and_the_terms_and_shrink_in_f64():
    assert parity_error(WINOGRAD_2, 3, 64) < parity_error(WINOGRAD_4, 3, 64) < parity_error(WINOGRAD_4, 3, 512)
    assert parity_error(WINOGRAD_4, 5, 512) < 1e-3
    assert parity_error(WINOGRAD_4, 5, 512, dtype="f64") < 1e-9
