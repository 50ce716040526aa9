"""`bleu`: the score of a corpus from its counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netspec.metrics.base import Array, Summed, metric


@metric("bleu")
class BLEU(Summed):
    """``min(1, exp(1 - reference / length))`` times the geometric mean of ``matches / totals``, 0 if one is 0."""

    def finish(self, sums: Mapping[str, Array]) -> float:
        """Return the score."""
        matches, totals = sums["matches"], sums["totals"]
        if matches.min() == 0:
            return 0.0
        penalty = np.exp(np.minimum(1 - sums["reference"][0] / sums["length"][0], 0))
        return float(penalty * np.exp(np.log(matches / totals).mean()))
