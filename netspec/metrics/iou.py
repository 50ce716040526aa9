"""`iou`: intersection over union."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netspec.metrics.base import Array, Summed, metric


@metric("iou")
class IoU(Summed):
    """``sum of both / sum of either`` for each class, 0 where neither was; or the mean of the others.

    Parameters
    ----------
    by_class : bool
        A list, or the mean over the classes that there are (0 if there is none).
    """

    def __init__(self, by_class: bool) -> None:
        super().__init__()
        self._by_class = by_class

    def finish(self, sums: Mapping[str, Array]) -> float | Array:
        """Return the share of each class, or their mean."""
        both, either = sums["both"].ravel(), sums["either"].ravel()
        share = both / np.where(either == 0, 1.0, either)
        return share if self._by_class else share.sum() / max(1, np.count_nonzero(either))
