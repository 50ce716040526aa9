"""Correlation."""

from __future__ import annotations

from netspec.layers.displaced import Displaced
from netspec.spec.layer import layer


@layer
class Correlation(Displaced):
    """How alike each patch of one map is to those around the same place of another.

    Shapes
        a, b : N x C x H x W -> y : N x D^2 x Ho x Wo with ``D = 2 floor(max_displacement / stride_2) + 1``
        and ``Ho = ceil((H + 2 pad - 2 (max_displacement + floor(k / 2))) / stride_1)``, k = ``kernel_size``.
    Formula
        ``y[n, p D + q, i, j] = mean over c and the k x k pixels of a patch of a[c, u] b[c, u + d]``: u runs over the
        patch of a at (i, j), d is the displacement ``stride_2 (p - (D - 1) / 2, q - (D - 1) / 2)``.
        SUBTRACT: ``abs(a[c, u] - b[c, u + d])``. Zeros outside the maps.
    Gradient
        For a the displaced pixels of b weighed by dy, for b those of a; of SUBTRACT their signs.
    Source
        Dosovitskiy et al. 2015 (FlowNet), section 3, and its ``CorrelationLayer``.
    Example
        {type: Correlation, bottom: [x, y], pad: 2, max_displacement: 2}
    """
