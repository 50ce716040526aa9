"""A test: losses and metrics over a whole source, every sample weighed the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from runtime.data.stream import Stream


class ForwardNet(Protocol):
    """What a test needs of a compiled net of phase test."""

    @property
    def batch_size(self) -> int:
        """Samples a batch."""

    def forward(self, **inputs: Any) -> Mapping[str, Any]:
        """Return the outputs of one batch."""

    def stream(self) -> Stream:
        """Return the stream of the test source."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Means over the samples of a source.

    Attributes
    ----------
    outputs : dict of str to float
        Every scalar output, in net order.
    samples : int
        Samples they were taken over.
    """

    outputs: dict[str, float]
    samples: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"outputs": self.outputs, "samples": self.samples}


def evaluate(
    net: ForwardNet, batches: int | None = None, stopped: Callable[[], bool] = lambda: False
) -> Evaluation | None:
    """Run the test source through a net of phase test.

    The last, partial batch runs at its own size; a batch counts by its samples.

    Parameters
    ----------
    net : Net
        Compiled for phase test.
    batches : int, optional
        How many batches; default: the whole source once.
    stopped : callable
        Asked between batches; true ends the test.

    Returns
    -------
    Evaluation or None
        None when it was stopped.
    """
    totals: dict[str, float] = {}
    samples = 0
    for batch in net.stream().sweep(net.batch_size, batches):
        if stopped():
            return None
        count = len(next(iter(batch.values())))
        for name, value in scalars(net.forward(**batch)).items():
            totals[name] = totals.get(name, 0.0) + value * count
        samples += count
    return Evaluation(outputs={name: total / samples for name, total in totals.items()}, samples=samples)


def scalars(outputs: Mapping[str, Any]) -> dict[str, float]:
    """Return the outputs of shape () as floats: losses and metrics, no blobs."""
    return {name: float(value) for name, value in outputs.items() if np.shape(value) == ()}
