"""The positions of dx in a strided convolution's input gradient, sorted by the taps that reach them.

Source
    Dumoulin and Visin 2016, "A guide to convolution arithmetic".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """Positions start, start + stride, .. of one axis of dx, and the taps that reach them.

    ``tap`` is the last such tap (-1: none), ``taps`` their number, ``tap_step``
    from one to the next lower; ``source`` is the index of dy that ``tap`` pairs
    with the first position, ``source_step`` from tap to tap.
    """

    start: int
    count: int
    tap: int
    taps: int
    tap_step: int
    source: int
    source_step: int


def phases(size: int, kernel: int, stride: int, pad: int, dilation: int) -> list[Phase]:
    """The phases of one axis that hold any position."""
    result = []
    for start in range(min(stride, size)):
        reach = [r for r in range(kernel) if (start + pad - r * dilation) % stride == 0]
        count = -(-(size - start) // stride)
        if not reach:
            result.append(Phase(start, count, -1, 0, 0, 0, 0))
            continue
        step = reach[1] - reach[0] if len(reach) > 1 else 0
        source = (start + pad - reach[-1] * dilation) // stride
        result.append(Phase(start, count, reach[-1], len(reach), step, source, step * dilation // stride))
    return result
