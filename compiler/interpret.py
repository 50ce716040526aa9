"""Runs a graph op by op through the reference, before (or after) any pass.

Slow and plain: what a graph means, for tests, for gradient checks and to find
a miscompile. Values are NumPy arrays in logical layout.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compiler.ir import Graph, Value
from runtime.expr import FLOATS
from runtime.plan import NUMPY_DTYPE, SEGMENTS
from runtime.reference import Context, NotFinite, evaluate

Array = NDArray[Any]


@dataclass
class Results:
    """Everything a run computed.

    Attributes
    ----------
    values
        Each value that was computed, fed or read from a state.
    states
        The states after the run, by name: written ones have their new arrays.
    finite
        False if a guard stopped the run; then no state was written.
    """

    graph: Graph
    values: dict[Value, Array] = field(default_factory=dict)
    states: dict[str, Array] = field(default_factory=dict)
    finite: bool = True

    def __getitem__(self, value: Value) -> Array:
        return self.values[value]

    @property
    def outputs(self) -> dict[str, Array]:
        """The graph's outputs by name."""
        return {name: self.values[v] for name, v in self.graph.outputs.items()}

    @property
    def grads(self) -> dict[str, Array]:
        """Gradients of the parameters by name."""
        return {name: self.values[v] for name, v in self.graph.grads.items()}

    @property
    def loss(self) -> float:
        """The weighted sum of losses."""
        assert self.graph.loss is not None, "the graph has no loss"
        return float(self.values[self.graph.loss].sum())


def run_graph(
    graph: Graph,
    feeds: Mapping[str, ArrayLike],
    states: Mapping[str, ArrayLike] | None = None,
    scalars: Mapping[str, float] | None = None,
    dtype: str = "f64",
    segments: Collection[str] = SEGMENTS[1:],
) -> Results:
    """One step of the graph.

    Parameters
    ----------
    feeds
        An array for each input.
    states
        Arrays by state name; a state that is missing starts as ``init`` says.
    scalars
        Numbers of ``runtime.plan.HEAD``; those missing are 0.
    dtype
        ``f64`` or ``f32``: the precision of all floating values, whatever the
        graph's own is.
    segments
        Those to run. ``init`` runs for the states that are missing, whether
        named or not.

    Returns
    -------
    Results
        Writes to states take effect together at the end.
    """
    context = Context(np.dtype(NUMPY_DTYPE[dtype]), dict(scalars or {}))
    given = dict(states or {})
    results = Results(graph)
    values = results.values
    for value, array in graph.literals.items():
        values[value] = _array(array, value, context)
    if any(name not in given for name in graph.states):
        _run(graph, ["init"], values, Context(context.dtype, {"seed": context.number("seed")}))
    for name, state in graph.states.items():
        start = given[name] if name in given else values[state.init]
        values[state.read] = _array(start, state.read, context)
        results.states[name] = values[state.read]
    for name, value in graph.inputs.items():
        assert name in feeds, f"no array for input {name}"
        values[value] = _array(feeds[name], value, context)
    try:
        _run(graph, segments, values, context)
    except NotFinite:
        results.finite = False
        return results
    for name, state in graph.states.items():
        if state.written in values:
            results.states[name] = values[state.written]
    return results


def _run(graph: Graph, segments: Collection[str], values: dict[Value, Array], context: Context) -> None:
    for op in graph.ops:
        if op.segment in segments:
            results = evaluate(op.prim, context, [values[v] for v in op.inputs])
            for value, array in zip(op.outputs, results, strict=True):
                assert array.shape == value.shape, (op, array.shape)
                values[value] = array


def _array(source: ArrayLike, value: Value, context: Context) -> Array:
    """The array of an input or state, in the dtype it is run in."""
    dtype = context.dtype if value.dtype in FLOATS else np.dtype(NUMPY_DTYPE[value.dtype])
    array = np.asarray(source, dtype)
    assert array.shape == value.shape, f"{value.name}: got {array.shape}, expected {value.shape}"
    return array
