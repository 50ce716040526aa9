"""Correlation1D."""

from __future__ import annotations

from typing import ClassVar

from netspec.layers.displaced import Displaced
from netspec.spec.layer import layer


@layer
class Correlation1D(Displaced):
    """Correlation whose displacements go along the rows alone, as between the two pictures of a stereo pair.

    Shapes
        a, b : N x C x H x W -> y : N x D x Ho x Wo with ``D = 2 floor(max_displacement / stride_2) + 1``, or
        ``floor(max_displacement / stride_2) + 1`` in a ``single_direction``; Wo as of Correlation,
        ``Ho = ceil((H - 2 floor(k / 2)) / stride_1)``: no padding above and below.
    Formula
        As Correlation for the displacements (0, d).
    Gradient
        As of Correlation.
    Source
        Mayer et al. 2016 (DispNet), ``Correlation1DLayer``, whose displacements to the left end at -1.
    Example
        {type: Correlation1D, bottom: [x, y], pad: 2, max_displacement: 2, single_direction: -1}
    """

    vertical: ClassVar[bool] = False
