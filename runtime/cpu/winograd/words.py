"""Words that the kernels of a convolution write for those they call. Only kernels import this module."""

from __future__ import annotations

from runtime.cpu.simd import device, put_word


@device
def put_product(block, v_row, v_point, u_step, u_point, m, m_row, m_point, points, channels):  # type: ignore[no-untyped-def]
    """Writes the words of kernels/winograd_product.py but v (0) and u (3), which change from call to call."""
    put_word(block, 1, v_row)
    put_word(block, 2, v_point)
    put_word(block, 4, u_step)
    put_word(block, 5, u_point)
    put_word(block, 6, m)
    put_word(block, 7, m_row)
    put_word(block, 8, m_point)
    put_word(block, 9, points)
    put_word(block, 10, channels)
