"""netspec's side of the comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import netspec
from bench.cases import Array, Case, initial, running
from bench.where import groups
from runtime.cache import kernel_cache
from runtime.plan import STEP_SEGMENTS, Step

RUNS = 5
"""Times each step of the plan is timed alone."""

DTYPES = {"f32": "float32", "f64": "float64"}


class _Side:
    _x: Array
    _y: NDArray[np.int64]

    def __init__(self, net: Any) -> None:
        self.versions = {"netspec": netspec.__version__}
        self._net = net

    def facts(self) -> dict[str, Any]:
        """Arithmetic and number of a step's steps, kernels bound, what the cores reach, and where the time goes."""
        steps = self._net.plan.segment(*STEP_SEGMENTS)
        executor = self._net.executor
        peak, bandwidth = executor.peak(), executor.bandwidth()
        return {
            "flops": sum(step.flops for step in steps),
            "steps": len(steps),
            "kernels": executor.kernels,
            "peak_flops": peak,
            "bandwidth": bandwidth,
            "where": groups(self._timed(steps), peak, bandwidth),
        }

    def _timed(self, steps: list[Step]) -> list[tuple[str, float, int, int]]:
        """Each step's kind, shortest time alone in seconds, arithmetic and bytes."""
        runs = []
        for _ in range(RUNS):
            self._feed()  # an input's memory is used again once it has been read
            runs.append(self._net.executor.time_steps(*STEP_SEGMENTS))
        kinds = [" ".join(filter(None, (step.op.kind, step.algorithm))) for step in steps]
        shortest = [min(times) for times in zip(*runs, strict=True)]
        return [(k, s, step.flops, step.bytes) for k, s, step in zip(kinds, shortest, steps, strict=True)]

    def _feed(self) -> None:
        for name, array in (("data", self._x), ("label", self._y)):
            self._net.executor.feed(name, array)

    def compiled(self) -> int:
        """Kernels that this process had to compile."""
        return kernel_cache(self._net.executor.target).compiled


class Training(_Side):
    """A training step on the fast path."""

    def __init__(self, case: Case, threads: int, dtype: str, dropout: bool, pairing: bool = True) -> None:
        super().__init__(
            netspec.compile(
                f"specs/{case.name}.yaml",
                phase="train",
                batch_size=case.batch,
                threads=threads,
                dtype=DTYPES[dtype],
                overrides=case.spec_overrides(dropout),
            )
        )
        if pairing:
            fill(self._net)
        x, self._y = case.data(case.batch)
        self._x = x.astype(DTYPES[dtype])

    def step(self) -> float:
        """Forward, backward, update; the loss before the update."""
        return float(self._net.step(data=self._x, label=self._y)["loss"])


class Inference(_Side):
    """The test phase's forward walk; it computes the loss too, which the others need not."""

    def __init__(self, case: Case, threads: int, batch: int) -> None:
        overrides = case.spec_overrides(dropout=True)
        spec = netspec.load_spec(f"specs/{case.name}.yaml", overrides)
        loss = next(node for node in spec.net("test", batch=batch).nodes if node.type == "SoftmaxWithLoss")
        self._scores: str = loss.bottom_ids[0]
        super().__init__(netspec.compile(spec, phase="test", batch_size=batch, threads=threads, keep=(self._scores,)))
        fill(self._net)
        self._x, self._y = case.data(batch)

    def step(self) -> None:
        """One batch."""
        self._net.forward(data=self._x, label=self._y)

    def result(self) -> list[float]:
        """The scores of the last batch."""
        return [float(score) for score in np.ravel(self._net.blobs[self._scores])]


def fill(net: Any) -> None:
    """Gives parameters and running statistics the values that both sides start from."""
    for index, name in enumerate(net.params):
        net.params[name] = initial(index, name, net.params[name].shape)
    for index, name in enumerate(n for n in net.state if n.endswith(".mean")):
        mean, variance = running(index, net.state[name].size)
        net.state[name] = mean
        net.state[name.removesuffix("mean") + "variance"] = variance
