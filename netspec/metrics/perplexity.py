"""`perplexity`: the exponential of a mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netspec.metrics.base import Array, Summed, metric


@metric("perplexity")
class Perplexity(Summed):
    """``exp(sum of entropy / sum of places)``, 1 where no place counts.

    Parameters
    ----------
    entropy, places : str
        Names of the counts.
    """

    def __init__(self, entropy: str, places: str) -> None:
        super().__init__()
        self._entropy, self._places = entropy, places

    def finish(self, sums: Mapping[str, Array]) -> float:
        """Return the perplexity."""
        return float(np.exp(sums[self._entropy] / max(float(sums[self._places]), 1.0)))
