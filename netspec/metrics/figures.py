"""The metrics of a net: one for each output that is a figure, made afresh for every test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from netspec.metrics.base import METRICS, Array, Batch, Figure, Metric
from netspec.metrics.mean import Mean

if TYPE_CHECKING:
    from netspec.graph import Net


class _Measured(NamedTuple):
    layer: str
    metric: Metric


class Figures:
    """The figures of a test of a net.

    An output is one if its layer names a metric for it, or if its shape is ();
    of the latter the mean over the samples is taken.

    Parameters
    ----------
    net : netspec.graph.Net
        The resolved net.
    """

    def __init__(self, net: Net) -> None:
        self._named = _measured(net)
        self._found: dict[str, _Measured] = {}  # in the order of the outputs

    def add(self, outputs: Mapping[str, Array], statistics: Mapping[str, Array], samples: int) -> None:
        """Take in a batch.

        Parameters
        ----------
        outputs : mapping of str to array
            What ``net.forward`` gave.
        statistics : mapping of str to array
            ``net.blobs``, which hold ``<layer>.<name>`` too.
        samples : int
            Samples in the batch.
        """
        for name, value in outputs.items():
            if name not in self._found and (name in self._named or np.shape(value) == ()):
                self._found[name] = self._named.get(name) or _Measured("", Mean())
            if name in self._found:
                layer, metric = self._found[name]
                metric.add(Batch(value, samples, _counts(statistics, layer)))

    def result(self) -> dict[str, Figure]:
        """Return the figures over all batches, by output."""
        return {name: metric.figure() for name, (_, metric) in self._found.items()}


def shown(net: Net, made: dict[str, Array]) -> dict[str, Array]:
    """Return the outputs of a batch as a caller of ``forward`` sees them.

    Statistics are left out; a metric that is computed ``on_host`` gets its
    figure of the batch.

    Parameters
    ----------
    net : netspec.graph.Net
        The resolved net.
    made : dict of str to array
        Every output of the plan.
    """
    outputs = {name: value for name, value in made.items() if "." not in name}
    if len(outputs) == len(made):  # nothing was counted
        return made
    for name, (layer, metric) in _measured(net).items():
        if metric.on_host and name in outputs:
            metric.add(Batch(outputs[name], net.batch, _counts(made, layer)))
            outputs[name] = np.asarray(metric.figure(), dtype=outputs[name].dtype)
    return outputs


def _counts(statistics: Mapping[str, Array], layer: str) -> dict[str, Array]:
    start = f"{layer}."
    return {name.removeprefix(start): statistics[name] for name in statistics if name.startswith(start)}


def _measured(net: Net) -> dict[str, _Measured]:
    """The metric of each top that names one, by blob."""
    found: dict[str, _Measured] = {}
    for node in net.nodes:
        for k, name in enumerate(node.tops):
            measure = node.layer.metric(k)
            if measure is not None and node.top_ids[k] in net.outputs:
                found[name] = _Measured(node.name, METRICS[measure.kind](**measure.options))
    return found
