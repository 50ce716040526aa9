from __future__ import annotations

from dataclasses import replace

from runtime.cuda.mma_pack import along_k, along_rows, ready
from runtime.cuda.operands import Axis, Operand
from runtime.vector.kernel import Address

ONE = (1, 1)


def matrix(rows, k, row_bytes, k_bytes, offset=0):
    """An operand of one dimension along rows and k."""
    return Operand(Address("arena", offset), Axis((rows,), (row_bytes,)), Axis((k,), (k_bytes,)))


def windows(channels, taps=3, pad=1, size=8):
    """The windows of a padded map, channels innermost."""
    row, pixel = size * channels * 4, channels * 4
    pixels = Axis((1, size, size), (size * row, row, pixel), "pixels", (-pad, -pad), ONE)
    within = Axis((taps, taps, channels), (row, pixel, 4), "taps", (0, 0), ONE)
    return Operand(Address("arena", 4096 - pad * row - pad * pixel), pixels, within, (0, 0), (size, size))


def copies(a, b):
    found = ready(a, b, ONE)
    assert found is not None
    return [r.copy is not None for r in found]


def test_matrices_with_whole_chunks_stay_where_they_are():
    assert along_k(matrix(5, 8, 32, 4))
    assert along_rows(matrix(8, 5, 4, 32))
    assert copies(matrix(5, 8, 32, 4), matrix(8, 8, 4, 32)) == [False, False]


def test_a_last_chunk_may_be_cut_where_rows_begin_at_whole_ones():
    assert along_k(matrix(5, 7, 32, 4))


def test_rows_of_odd_length_are_copied_to_rows_of_whole_chunks():
    a, b = ready(matrix(5, 7, 28, 4), matrix(8, 7, 4, 32), ONE)
    assert (a.copy.shape, a.operand.inner.size) == ((1, 1, 5, 8), 7)
    assert a.operand.outer.strides == (32,)
    assert b.copy is None


def test_a_base_between_chunks_is_copied():
    assert copies(matrix(5, 8, 32, 4, offset=4), matrix(8, 8, 4, 32)) == [True, False]


def test_windows_of_whole_chunks_of_channels_stay_where_they_are():
    assert copies(windows(8), matrix(16, 72, 4, 64)) == [False, False]


def test_three_channels_become_four_in_both_factors():
    a, b = ready(windows(3), matrix(16, 27, 4, 64), ONE)
    assert (a.copy.source.shape, a.copy.shape, a.copy.zeros) == ((1, 1, 1, 8, 8, 3), (1, 1, 1, 8, 8, 4), True)
    assert (b.copy.source.shape, b.copy.shape, b.copy.zeros) == ((1, 1, 16, 3, 3, 3), (1, 1, 16, 3, 3, 4), True)
    assert a.operand.inner.size == b.operand.inner.size == 36
    assert a.operand.base.offset == -(8 * 4 + 4) * 4, "the first tap lies a row and a pixel before the copy"


def test_windows_over_a_border_are_not_copied_to_match_a_factor_with_zeros():
    row, pixel = 9 * 40, 40  # dy, 10 channels, within a map that is wider by a border: nothing merges
    dy = Operand(Address("arena", 0), Axis((10,), (4,)), Axis((2, 7, 7), (9 * row, row, pixel)))
    x = windows(8, size=7)
    taps = Operand(x.base, x.inner, replace(x.outer, sizes=(2, 7, 7)), x.batch, x.border)
    assert ready(dy, taps, ONE) is None


def test_a_window_with_more_taps_than_a_mask_has_bits_is_left_to_float32():
    assert ready(windows(8, taps=17, pad=8, size=32), matrix(16, 17 * 17 * 8, 4, 64), ONE) is None
