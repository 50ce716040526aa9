"""netspec's side of the shape sweep: a net of one convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

import netspec
from bench.sweep_cases import ConvCase
from bench.sweep_data import operands, sample
from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.compile import compile_graph
from compiler.ir import Graph, Value
from netspec.targets import target_of
from runtime.executor import Executor, Store, open_executor
from runtime.ops import Conv, ConvInputGrad, ConvWeightGrad

WALK = ("forward", "backward")


class Zeros:
    """The first value of a parameter that is written before it is read."""

    def lower(self, b: Builder, shape: tuple[int, ...], stream: int) -> Value:
        """Zeros."""
        return b.full(shape, 0.0)


def graph_of(case: ConvCase) -> Graph:
    """The convolution y of x and w, and from a given dy the gradients dx and dw."""
    x_shape, w_shape, y_shape = case.shapes
    b = Builder("train", "f32", case.n)
    x, dy = b.input("x", x_shape), b.input("dy", y_shape)
    with b.scope("conv"):
        w = b.param("weight", w_shape, Zeros())
        pairs = [(a, a) for a in (case.stride, case.pad, case.dilation)]
        y = b.emit1(Conv(*pairs, case.groups), x, w)
        dx, dw = gradients(b, None, [x, w], seeds={y: dy})
    assert dx is not None
    assert dw is not None
    b.graph.outputs = {"y": y, "dx": dx, "dw": dw}
    return b.graph


class Sweep:
    """Takes one case after another."""

    def __init__(self, threads: int) -> None:
        self.versions = {"netspec": netspec.__version__}
        self._threads = threads
        self._executor: Executor | None = None

    def load(self, given: dict[str, Any]) -> dict[str, Any]:
        """Compiles the case; the way of its forward pass, input gradient and weight gradient."""
        if self._executor is not None:
            self._executor.close()
        self._case = ConvCase(**given)
        # without reuse of memory: the operands are fed once and read in every step
        plan = compile_graph(graph_of(self._case), target_of("cpu", "f32", "fast"), reuse=False)
        store = Store(plan.memory)
        self._executor = open_executor(plan, store, threads=self._threads)
        x, w, dy = operands(self._case)
        self._executor.feed("x", x)
        self._executor.feed("dy", dy)
        (weight,) = plan.states
        self._executor.array(weight.view)[...] = w
        kinds = {Conv: "forward", ConvInputGrad: "dx", ConvWeightGrad: "dw"}
        return {name: s.algorithm for kind, name in kinds.items() for s in plan.steps if type(s.op) is kind}

    def step(self) -> None:
        """Forward and both gradients."""
        assert self._executor is not None
        self._executor.store.changed()  # as in training: what is derived from the weights is derived anew
        self._executor.run(*WALK)

    def result(self) -> list[list[float]]:
        """A sample of y, dx and dw."""
        assert self._executor is not None
        views = self._executor.plan.outputs
        return sample(self._case, [np.array(self._executor.array(views[name])) for name in ("y", "dx", "dw")])
