"""`mean`: the batches' values, weighed."""

from __future__ import annotations

from netspec.metrics.base import Batch, Figure, Metric, metric


@metric("mean")
class Mean(Metric):
    """The mean of the batches' values: what every scalar output is that says nothing else.

    Parameters
    ----------
    weight : str, optional
        A count that says how much a batch weighs, say the places that are not
        ignored; default: its samples. A batch of weight 0 does not count,
        whatever its value.
    """

    def __init__(self, weight: str | None = None) -> None:
        self._weight = weight
        self._total = self._weights = 0.0

    def add(self, batch: Batch) -> None:
        """Add the value, times its weight."""
        weight = float(batch.samples if self._weight is None else batch.counts[self._weight])
        self._total += float(batch.value) * weight if weight else 0.0
        self._weights += weight

    def figure(self) -> Figure:
        """Return the mean; 0 where nothing counted, as a batch's loss is."""
        return self._total / self._weights if self._weights else 0.0
