"""accuracy: what errors are expected, by way, size and dtype."""

from __future__ import annotations

from dataclasses import replace

import pytest
from way_cases import KINDS, cases

from compiler.accuracy import BOUND, predicted
from runtime.ways import DIRECT, FFT, IM2COL, WINOGRAD_2, WINOGRAD_4


@pytest.mark.parametrize("kind", KINDS)
def test_ways_that_only_sum_products_are_exact(kind):
    case = cases(8, 64, 28, 64, 3, pad=1)[kind]
    assert predicted(case, DIRECT) == predicted(case, IM2COL) == 0.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("r", [3, 5])
def test_larger_tiles_and_longer_sums_are_less_exact(kind, r):
    small, large = cases(4, 16, 28, 16, r, pad=r // 2)[kind], cases(64, 256, 28, 256, r, pad=r // 2)[kind]
    assert predicted(small, WINOGRAD_2) < predicted(small, WINOGRAD_4)
    for way in (WINOGRAD_2, WINOGRAD_4, FFT):
        assert predicted(small, way) < predicted(large, way)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", [WINOGRAD_2, WINOGRAD_4, FFT])
def test_float64_is_within_its_bound(kind, way):
    case = replace(cases(32, 512, 28, 512, 5, pad=2)[kind], dtype="f64")
    assert 0 < predicted(case, way) < BOUND["f64"]
