"""`psnr`: peak signal-to-noise ratio of all pixels together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netspec.metrics.base import Array, Summed, metric


@metric("psnr")
class PSNR(Summed):
    """``10 log10(peak^2 sum of values / sum of squares)``: infinite without an error.

    Parameters
    ----------
    peak : float
        The largest value that a pixel can have.
    """

    def __init__(self, peak: float) -> None:
        super().__init__()
        self._peak = peak

    def finish(self, sums: Mapping[str, Array]) -> Array:
        """Return the decibels."""
        return np.asarray(10 * np.log10(self._peak**2 * sums["values"] / sums["squares"]))
