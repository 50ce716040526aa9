"""`count`: a sum of whole numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netspec.metrics.base import Array, Summed, metric


@metric("count")
class Count(Summed):
    """The sum of a count over the batches, as whole numbers.

    Parameters
    ----------
    of : str
        Name of the count.
    """

    def __init__(self, of: str) -> None:
        super().__init__()
        self._of = of

    def finish(self, sums: Mapping[str, Array]) -> Array:
        """Return the sum."""
        return np.rint(sums[self._of]).astype(np.int64)
