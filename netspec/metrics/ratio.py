"""`ratio`: one sum over another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netspec.metrics.base import Array, Summed, metric


@metric("ratio")
class Ratio(Summed):
    """``sum of a count / sum of another``, element by element, 0 where the divisor is.

    Parameters
    ----------
    part, whole : str
        Names of the counts; arrays with an element for each class make a list.
    """

    def __init__(self, part: str, whole: str) -> None:
        super().__init__()
        self._part, self._whole = part, whole

    def finish(self, sums: Mapping[str, Array]) -> Array:
        """Return the quotients."""
        whole = sums[self._whole]
        return sums[self._part] / np.where(whole == 0, 1.0, whole)
