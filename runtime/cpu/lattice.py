"""A dilated convolution of stride 1 as plain ones: outputs ``dilation`` apart see inputs ``dilation`` apart."""

from __future__ import annotations

from dataclasses import replace

from runtime.cpu.conv import Direct
from runtime.ops import Pair
from runtime.vector.kernel import Address


def lattices(direct: Direct, dilation: Pair) -> list[Direct]:
    """The convolutions of the output's lattices, the largest first; each row or pixel of one is the next tap's.

    Parameters
    ----------
    direct
        A convolution with stride 1.
    dilation
        Rows and columns from tap to tap.
    """
    d, (rows, columns) = direct, dilation
    images, *size = d.size
    return [
        replace(
            d,
            x=_moved(d.x, a * d.x_row + b * d.x_pixel),
            x_row=rows * d.x_row,
            x_pixel=columns * d.x_pixel,
            y=_moved(d.y, a * d.y_row + b * d.y_pixel),
            y_row=rows * d.y_row,
            y_pixel=columns * d.y_pixel,
            size=(images, *part),
        )
        for (a, b), part in cells((size[0], size[1]), dilation)
    ]


def cells(size: Pair, dilation: Pair) -> list[tuple[Pair, Pair]]:
    """Where each lattice of a map of ``size`` starts, and its rows and columns; the largest first."""
    (height, width), (rows, columns) = size, dilation
    return [
        ((a, b), (-(-(height - a) // rows), -(-(width - b) // columns)))
        for a in range(min(rows, height))
        for b in range(min(columns, width))
    ]


def _moved(at: Address, distance: int) -> Address:
    return Address(at.memory, at.offset + distance)
