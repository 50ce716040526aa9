"""netspec's side of the comparison on a GPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import netspec
from bench.cases import Case
from bench.gpu_cases import Product
from bench.netspec_side import _Side, fill
from netspec.trial import plan_of, random_operands
from runtime import ops
from runtime.executor import Store, open_executor
from runtime.expr import arg, call, const
from runtime.plan import STATE_MEMORY, Origin, Plan, Step, View
from runtime.ways import DIRECT

DEVICE = "cuda"
REPEATS = 10

MAP_ELEMENTS = 1 << 26
"""Of each operand: no cache holds them."""


class Repeated:
    """One batch for ever, in place of a data source: it is staged while the step before runs, as in training."""

    def __init__(self, batch: dict[str, NDArray[Any]]) -> None:
        self._batch = batch

    def next(self, size: int | None = None) -> dict[str, NDArray[Any]]:
        """The batch."""
        return self._batch

    def peek(self) -> dict[str, NDArray[Any]]:
        """The batch."""
        return self._batch

    def close(self) -> None:
        """Nothing is open."""


class Training(_Side):
    """A training step on the fast path, its batch from a source."""

    def __init__(self, case: Case, math: str, dropout: bool, device: str = DEVICE) -> None:
        overrides = {**case.spec_overrides(dropout), "math": math}
        net = netspec.compile(f"specs/{case.name}.yaml", batch_size=case.batch, device=device, overrides=overrides)
        super().__init__(net)
        fill(net)
        self._inputs = case.feeds(*case.data(case.batch), "float32")
        net._stream = Repeated(self._inputs)  # the spec's own source needs files that are not here

    def step(self) -> float:
        """Forward, backward, update; the loss before the update."""
        return float(self._net.step()["loss"])

    def compiled(self) -> int:
        """Kernels that this process had to compile."""
        return int(self._net.executor.compiled)


class Products:
    """Convolutions one after another: ``load`` answers the shortest time of one in ms."""

    def __init__(self, math: str, device: str = DEVICE) -> None:
        self.versions = {"netspec": netspec.__version__}
        self._math, self._device = math, device

    def load(self, given: dict[str, Any]) -> float:
        """Times a product."""
        case = Product.from_json(given).case
        plan = replace(plan_of(case, [DIRECT]), math=self._math)
        executor = open_executor(plan, Store({name: plan.memory.get(name, 0) for name in STATE_MEMORY}), self._device)
        try:
            for name, array in zip(plan.inputs, random_operands(case), strict=True):
                executor.feed(name, array)
            return 1e3 * min(sum(executor.time_steps(DIRECT) or ()) for _ in range(REPEATS))
        finally:
            executor.close()


class Rates:
    """What maps reach."""

    def __init__(self) -> None:
        self.versions = {"netspec": netspec.__version__}

    def facts(self) -> dict[str, float]:
        """Bytes a second of a map, and of a copy."""
        return map_rates()


def map_rates(device: str = DEVICE, elements: int = MAP_ELEMENTS) -> dict[str, float]:
    """Bytes a second of a map of two operands, and of a copy."""
    views = [View("arena", 4 * k * elements, (elements,), (1,), "f32") for k in range(3)]
    tree = call("max", call("add", call("mul", arg(0), const(0.5)), arg(1)), const(0.0))
    step = Step(ops.Map((tree,), (elements,)), tuple(views[:2]), (views[2],), "forward", (Origin("map", "forward"),))
    plan = Plan("train", "f32", 1, (step,), {"arena": 12 * elements}, (), {}, {})
    executor = open_executor(plan, Store({}), device)
    try:
        seconds = min(sum(executor.time_steps("forward") or ()) for _ in range(REPEATS))
        return {"map": step.bytes / seconds, "copy": float(executor.bandwidth() or np.nan)}
    finally:
        executor.close()
