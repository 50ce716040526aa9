"""Directional derivatives of a net: forward mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler.autodiff import directional
from compiler.compile import compile_graph
from netspec.lowering import differentiable, forward_builder
from netspec.mappings import Array
from runtime.errors import UsageError
from runtime.executor import Executor, open_executor
from runtime.expr import FLOATS
from runtime.plan import NUMPY_DTYPE

if TYPE_CHECKING:
    from netspec.net import Net

_PREFIX, _LOSS = "tangent of ", "sum of losses"  # no blob has a name with blanks


class Tangents:
    """The forward steps of a net with the derivative of each output along a direction.

    Parameters
    ----------
    net
        Compiled; its parameters and states are read and stay as they are.
    moving
        Parameters and floating inputs that have a part in the direction.

    Raises
    ------
    UsageError
        An unknown name, one that holds whole numbers, or a layer on the way that has no gradient.
    """

    def __init__(self, net: Net, moving: tuple[str, ...]) -> None:
        self._net = net
        self.shapes: dict[str, tuple[int, ...]] = {}
        b = forward_builder(net.resolved, net.dtype)
        graph = b.graph
        known = {name: v for name, v in graph.inputs.items() if v.dtype in FLOATS}
        known |= {name: s.read for name, s in graph.states.items() if s.role == "param"}
        with b.scope("jvp"):
            tangents = {}
            for name in moving:
                if name not in known:
                    raise UsageError(f"jvp: no parameter or floating input {name!r}; there are {', '.join(known)}")
                self.shapes[name] = known[name].shape
                tangents[known[name]] = b.input(_PREFIX + name, known[name].shape)
            watched = {name: v for name, v in graph.outputs.items() if v.dtype in FLOATS}
            if graph.loss is not None:
                watched[_LOSS] = graph.loss
            with differentiable():
                found = directional(b, list(watched.values()), tangents)
            made = [b.full(v.shape, 0.0) if d is None else d for v, d in zip(watched.values(), found, strict=True)]
            graph.outputs = {name: b.stop_gradient(d) for name, d in zip(watched, made, strict=True)}
            graph.loss, graph.blobs, graph.keep = None, {}, []
        homes = {name: entry.view for name, entry in net.states.items()}
        self._plan = compile_graph(graph, net.target, homes=homes)
        self._executor: Executor = open_executor(self._plan, net.executor.store, device=net.device, threads=net.threads)

    def loss_slope(self, direction: Mapping[str, Any], batch: Mapping[str, Array]) -> float:
        """The derivative of the weighted sum of losses, 0 for a net without one; see ``run``."""
        self.run(direction, batch)
        view = self._plan.outputs.get(_LOSS)
        return 0.0 if view is None else float(self._executor.array(view))

    def run(self, direction: Mapping[str, Any], batch: Mapping[str, Array]) -> dict[str, Array]:
        """The derivative of every floating output at ``batch``, by name, fresh arrays.

        Raises
        ------
        UsageError
            A tangent of another shape than what moves.
        """
        dtype = NUMPY_DTYPE[self._net.dtype]
        for name, shape in self.shapes.items():
            array = np.asarray(direction[name], dtype)
            if array.shape != shape:
                raise UsageError(f"jvp: the tangent of {name!r} has shape {array.shape}, expected {shape}")
            if _PREFIX + name in self._plan.inputs:
                self._executor.feed(_PREFIX + name, array)
        for name, array in batch.items():
            if name in self._plan.inputs:
                self._executor.feed(name, array)
        self._executor.set("seed", self._net.seed)
        self._executor.set("iteration", self._net.iteration)
        self._executor.run("forward")
        views = {name: view for name, view in self._plan.outputs.items() if name != _LOSS}
        return {name: np.array(self._executor.array(view), order="C") for name, view in views.items()}

    def close(self) -> None:
        """Frees the executor."""
        self._executor.close()
