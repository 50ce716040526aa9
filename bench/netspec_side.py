"""netspec's side of the comparison."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

import netspec
from bench.cases import Case, initial, running
from bench.process import ROOT
from bench.where import groups
from runtime.cpu.objects import kernel_cache
from runtime.plan import STEP_SEGMENTS, Step

RUNS = 5
"""So often each step of the plan is timed alone, and the machine measured."""

PAUSE = 0.1

DTYPES = {"f32": "float32", "f64": "float64"}


class _Side:
    _inputs: dict[str, NDArray[Any]]

    def __init__(self, net: Any) -> None:
        self.versions = {"netspec": netspec.__version__}
        self._net = net

    def facts(self) -> dict[str, Any]:
        """Arithmetic and number of a step's steps, kernels bound, what the cores reach, and where the time goes."""
        steps = self._net.plan.segment(*STEP_SEGMENTS)
        executor = self._net.executor
        peak, bandwidth = 0.0, 0.0
        for _ in range(RUNS):
            time.sleep(PAUSE)  # spread out: another process in between must not make the machine look slow
            peak, bandwidth = max(peak, executor.peak()), max(bandwidth, executor.bandwidth())
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
        for name, array in self._inputs.items():
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
        x, y = case.data(case.batch)
        self._inputs = case.feeds(x, y, DTYPES[dtype])

    def step(self) -> float:
        """Forward, backward, update; the loss before the update."""
        return float(self._net.step(**self._inputs)["loss"])


class Inference(_Side):
    """The test phase's forward walk up to the scores."""

    def __init__(self, case: Case, threads: int, batch: int) -> None:
        spec = netspec.load_spec(deployed(case), case.overrides)
        super().__init__(netspec.compile(spec, phase="test", batch_size=batch, threads=threads))
        fill(self._net)
        feeds = case.feeds(*case.data(batch), DTYPES["f32"])
        self._inputs = {name: array for name, array in feeds.items() if name in self._net.resolved.inputs}
        self._scores = np.zeros(0, np.float32)

    def step(self) -> None:
        """One batch."""
        (self._scores,) = self._net.forward(**self._inputs).values()

    def result(self) -> list[float]:
        """The scores of the last batch."""
        return [float(score) for score in np.ravel(self._scores)]


def deployed(case: Case) -> dict[str, Any]:
    """The spec as it is deployed: fed by its caller, without loss, accuracy, solver (Caffe's deploy.prototxt)."""
    spec = yaml.safe_load((ROOT / "specs" / f"{case.name}.yaml").read_text())
    layers = [layer for layer in spec["layers"] if layer.get("type") not in ("SoftmaxWithLoss", "Accuracy")]
    kept = {key: value for key, value in spec.items() if key not in ("data", "solver", "sample")}
    sized = {"classes": case.classes, **spec.get("vars", {})}  # a data source would tell the number of classes
    return {**kept, "vars": sized, "inputs": inputs_of(case, layers), "layers": layers}


def inputs_of(case: Case, layers: list[dict[str, Any]]) -> dict[str, Any]:
    """The inputs of the deployed spec: the data, and the marks of sequences if a layer reads them."""
    marked = any("cont" in layer.get("bottom", ()) for layer in layers)
    inputs = {"data": list(case.shape), **({"cont": list(case.shape)} if marked else {})}
    if case.batch_axis == 0:
        return inputs
    return {name: {"shape": shape, "batch": case.batch_axis} for name, shape in inputs.items()}


def fill(net: Any) -> None:
    """Gives parameters and running statistics the values that both sides start from."""
    for index, name in enumerate(net.params):
        net.params[name] = initial(index, name, net.params[name].shape)
    for index, name in enumerate(n for n in net.state if n.endswith(".mean")):
        mean, variance = running(index, net.state[name].size)
        net.state[name] = mean
        net.state[name.removesuffix("mean") + "variance"] = variance
