"""A test: losses and metrics over a whole source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from netspec.metrics.base import Figure
from netspec.metrics.figures import Figures

if TYPE_CHECKING:
    from netspec.graph import Net as ResolvedNet
    from runtime.data.stream import Stream
    from runtime.plan import StateEntry


class ForwardNet(Protocol):
    """What a test needs of a compiled net of phase test."""

    resolved: ResolvedNet

    @property
    def blobs(self) -> Mapping[str, Any]:
        """What the metrics' layers counted in the last batch, by ``<layer>.<name>``, and blobs."""

    @property
    def batch_size(self) -> int:
        """Samples a batch."""

    def forward(self, **inputs: Any) -> Mapping[str, Any]:
        """Return the outputs of one batch."""

    @property
    def states(self) -> Mapping[str, StateEntry]:
        """Every persistent array."""

    def import_state(self, arrays: Mapping[str, Any]) -> None:
        """Set persistent arrays by name."""

    def stream(self) -> Stream:
        """Return the stream of the test source."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures over the samples of a source.

    Attributes
    ----------
    outputs : dict of str to float or list
        Every scalar output, and what metrics tell of each class, in net order.
    samples : int
        Samples they were taken over.
    """

    outputs: dict[str, Figure]
    samples: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"outputs": self.outputs, "samples": self.samples}


def evaluate(
    net: ForwardNet, batches: int | None = None, stopped: Callable[[], bool] = lambda: False
) -> Evaluation | None:
    """Run the test source through a net of phase test.

    The last, partial batch runs at its own size. What a batch counts for is its
    metric's affair: the samples in it, if the layer names none.

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
    figures, samples = Figures(net.resolved), 0
    forget(net)
    for batch in net.stream().sweep(net.batch_size, batches):
        if stopped():
            return None
        name, array = next(iter(batch.items()))
        count = array.shape[net.resolved.inputs[name].axis or 0]
        figures.add(net.forward(**batch), net.blobs, count)
        samples += count
    return Evaluation(outputs=figures.result(), samples=samples)


def forget(net: ForwardNet) -> None:
    """Set the states that recurrent layers carry from batch to batch to 0: what comes next is another sequence."""
    net.import_state({name: np.zeros(e.view.shape) for name, e in net.states.items() if e.role == "carry"})


def scalars(outputs: Mapping[str, Any]) -> dict[str, float]:
    """Return the outputs of shape () as floats: losses and metrics, no blobs."""
    return {name: float(value) for name, value in outputs.items() if np.shape(value) == ()}
