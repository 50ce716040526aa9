"""Layers run alone: lowered to a graph, executed by the reference in float64, differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import netspec.layers  # noqa: F401 (registers them)
from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.interpret import Results, run_graph
from compiler.ir import Value
from netspec.spec.layer import Layer

Array = NDArray[Any]


@dataclass
class Case:
    """One layer, its bottoms (integer arrays are labels) and what an independent formula says.

    ``expected`` gets the parameters and states by their short names, then the bottoms.
    """

    layer: Layer
    bottoms: list[Array]
    expected: Callable[..., Array | tuple[Array, ...]]
    phase: str = "train"
    states: dict[str, Array] = field(default_factory=dict)
    tops: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    smooth: tuple[int, ...] | None = None
    """Bottoms through which a gradient flows; None: all that are floats."""
    cancels: tuple[str, ...] = ()
    """Parameters whose gradient is 0 but for rounding: its terms, of size 1, cancel."""


class Draw:
    """What a case asks Hypothesis for."""

    def __init__(self, data: st.DataObject):
        self.data = data
        self.random = np.random.default_rng(self.int(0, 2**32 - 1))

    def int(self, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high))

    def choice(self, *options: Any) -> Any:
        return self.data.draw(st.sampled_from(options))

    def values(self, *shape: int) -> Array:
        """Numbers in (-1, 1) that lie well apart and away from 0: nothing is at a kink."""
        count = int(np.prod(shape))
        steps = self.random.permutation(count) - (count - 1) / 2
        return ((steps + np.where(steps >= 0, 0.25, -0.25)) / (count / 2 + 1)).reshape(shape)

    def labels(self, classes: int, *shape: int) -> Array:
        return self.random.integers(0, classes, shape).astype(np.int32)

    def channels(self) -> int:
        """Fewer than a vector holds, as many, one more, two vectors and one more."""
        return self.choice(1, 2, 3, 5, 8, 16, 17, 33)

    def map_shape(self, channels: int | None = None) -> tuple[int, int, int, int]:
        """A small N x C x H x W: odd sizes, one pixel, any number of channels, batch 1."""
        return self.int(1, 3), channels or self.channels(), self.int(1, 9), self.int(1, 9)


class Lone:
    """A graph of one layer, with the sum of its tops times random numbers as loss."""

    def __init__(self, case: Case, seed: int = 0):
        self.case = case
        layer = case.layer
        layer.name = layer.name or "it"
        names = tuple(f"x{k}" for k in range(len(case.bottoms)))
        layer.bottom_names, layer.top_names = case.names or names, case.tops
        self.b = Builder(case.phase, "f64", 1)
        self.inputs = [
            self.b.input(name, x.shape, "i32" if x.dtype.kind == "i" else None)
            for name, x in zip(names, case.bottoms, strict=True)
        ]
        self.feeds = dict(zip(names, case.bottoms, strict=True))
        with self.b.scope(layer.name):
            made = layer.lower(self.b, *self.inputs)
        self.tops: tuple[Value, ...] = made if isinstance(made, tuple) else (made,)
        self.random = np.random.default_rng(seed)
        self.states = {name: case.states.get(self.short(name)) for name in self.b.graph.states}
        for name, state in self.b.graph.states.items():
            if self.states[name] is None:
                self.states[name] = self._start(state.role, state.read.shape)

    def _start(self, role: str, shape: Sequence[int]) -> Array:
        if role == "param":
            return self.random.uniform(-1, 1, shape)
        return np.zeros(shape)

    @staticmethod
    def short(name: str) -> str:
        return name.rpartition(".")[2]

    def run(self, **feeds: Array) -> Results:
        """A step of the graph."""
        return run_graph(self.b.graph, {**self.feeds, **feeds}, self.states)

    def expected(self) -> tuple[Array, ...]:
        """What the independent formula says."""
        known = {self.short(name): array for name, array in self.states.items()}
        made = self.case.expected(known, *self.case.bottoms)
        return made if isinstance(made, tuple) else (made,)

    def differentiate(self) -> tuple[list[Value], list[Value | None]]:
        """The inputs and parameters, and the gradients of the loss for them."""
        loss = None
        for k, top in enumerate(self.tops):
            weight = self.b.input(f"weight{k}", top.shape)
            self.feeds[f"weight{k}"] = self.random.uniform(0.5, 1.5, top.shape)
            term = self.b.sum(top * weight)
            loss = self.b.as_scalar(term) if loss is None else loss + self.b.as_scalar(term)
        self.b.graph.loss = loss
        smooth = self.case.smooth
        inputs = [v for k, v in enumerate(self.inputs) if v.dtype == "f64" and (smooth is None or k in smooth)]
        params = [s.read for s in self.b.graph.states.values() if s.role == "param"]
        wrt = inputs + params
        return wrt, gradients(self.b, loss, wrt)

    def slope(self, value: Value, direction: Array, h: float = 1e-5) -> float:
        """Centred difference of the loss along a direction of an input or parameter."""
        loss = []
        for step in (h, -h):
            if value.name in self.feeds:
                moved = run_graph(
                    self.b.graph, {**self.feeds, value.name: self.feeds[value.name] + step * direction}, self.states
                )
            else:
                states = {**self.states, value.name: self.states[value.name] + step * direction}
                moved = run_graph(self.b.graph, self.feeds, states)
            loss.append(moved.loss)
        return (loss[0] - loss[1]) / (2 * h)


def top_arrays(lone: Lone) -> list[Array]:
    """The tops as the reference computes them."""
    results = lone.run()
    return [results[v] for v in lone.tops]


def run_layer(layer: Layer, *bottoms: Any, phase: str = "train", tops: tuple[str, ...] = (),
              names: tuple[str, ...] = (), states: dict[str, Any] | None = None) -> list[Array]:  # fmt: skip
    """Tops of a layer over these bottoms; lists of integers are labels."""
    arrays = [np.asarray(x) for x in bottoms]
    arrays = [x.astype(np.int32) if x.dtype.kind == "i" else x.astype(np.float64) for x in arrays]
    given = {name: np.asarray(x, np.float64) for name, x in (states or {}).items()}
    return top_arrays(Lone(Case(layer, arrays, lambda *_: (), phase, given, tops, names)))


def slopes(layer: Layer, *bottoms: Any, dtype: str = "f64", **fields: Any) -> tuple[Array, list[Array | None]]:
    """The first top, and the gradients of the tops' sum for the float bottoms."""
    arrays = [np.asarray(x) for x in bottoms]
    arrays = [x.astype(np.int32) if x.dtype.kind == "i" else x.astype(np.float64) for x in arrays]
    lone = Lone(Case(layer, arrays, lambda *_: (), **fields))
    _, found = lone.differentiate()
    lone.feeds.update({name: np.ones_like(x) for name, x in lone.feeds.items() if name.startswith("weight")})
    results = run_graph(lone.b.graph, lone.feeds, lone.states, dtype=dtype)
    return results[lone.tops[0]], [None if g is None else results[g] for g in found]
