"""`Metric`: what adds up the batches of a test, and the registry of its kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

Figure = float | list[Any]
"""A number, a list with one for each class, or a list of such rows."""


@dataclass(frozen=True)
class Batch:
    """What one batch tells a metric.

    Attributes
    ----------
    value
        The top as the plan computed it, of the net's dtype.
    samples
        Samples in the batch; the last one may have fewer.
    counts
        What the layer's ``lower`` gave to ``b.statistic``, by name.
    """

    value: Array
    samples: int
    counts: Mapping[str, Array]


class Metric(ABC):
    """A figure over a whole test source.

    ``on_host``: no batch's value is computed in the plan; ``net.forward`` of
    phase test shows this class's figure of the one batch in its place.
    """

    on_host: ClassVar[bool] = False

    @abstractmethod
    def add(self, batch: Batch) -> None:
        """Take in a batch; its arrays are the caller's."""

    @abstractmethod
    def figure(self) -> Figure:
        """Return the figure over all batches so far, NaN where nothing counted."""


class Summed(Metric):
    """Base of the metrics that are a function of sums: every count is added up in float64."""

    def __init__(self) -> None:
        self._sums: dict[str, Array] = {}

    def add(self, batch: Batch) -> None:
        """Add each count to its sum."""
        for name, array in batch.counts.items():
            self._sums[name] = self._sums.get(name, np.zeros(())) + array.astype(np.float64)

    def figure(self) -> Figure:
        """Return what `finish` makes of the sums."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = np.asarray(self.finish(self._sums))
        result: Figure = found.tolist()
        return result

    @abstractmethod
    def finish(self, sums: Mapping[str, Array]) -> float | Array:
        """Return the figure of the sums over the source; dividing by 0 is allowed and gives NaN."""


METRICS: dict[str, type[Metric]] = {}
"""Every metric by the name that `Layer.metric` gives."""


def metric(name: str) -> Callable[[type[Metric]], type[Metric]]:
    """Register a metric under a name."""

    def register(cls: type[Metric]) -> type[Metric]:
        assert name not in METRICS, f"two metrics named {name}"
        METRICS[name] = cls
        return cls

    return register
