"""How long a step takes, and where: whole steps on the fast path, then each step of the plan alone."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from netspec.compiling import compile_spec
from netspec.graph import Net as ResolvedNet
from netspec.graph.loops import rows_of
from netspec.mappings import Array
from netspec.net import Net
from netspec.reports import tables
from netspec.reports.batches import random_batch
from netspec.reports.inspect import inspect_net
from runtime.errors import UsageError
from runtime.executor import Store, open_executor
from runtime.plan import STATE_MEMORY, STEP_SEGMENTS, Step

if TYPE_CHECKING:
    from netspec.spec.load import Spec

STANDSTILL = 1e-9
"""A rate at which parameters stay as they are, whatever the gradients."""

UPDATE = ("accumulate", "reduce", "update", "commit")


@dataclass(frozen=True)
class StepTime:
    """One step of the plan; rates are of the definition's arithmetic and of the operands' traffic.

    Attributes
    ----------
    index
        Its place in the whole plan, as ``netspec plan`` counts.
    """

    index: int
    kernel: str
    segment: str
    layers: tuple[str, ...]
    ms: float
    flops: int
    bytes: int
    algorithm: str | None = None

    @property
    def gflops_per_s(self) -> float:
        """Arithmetic rate."""
        return self.flops / (1e6 * self.ms) if self.ms else 0.0

    @property
    def gbytes_per_s(self) -> float:
        """Memory traffic."""
        return self.bytes / (1e6 * self.ms) if self.ms else 0.0


@dataclass(frozen=True)
class LayerTime:
    """What a layer costs; a fused step's time is shared among its layers by FLOPs."""

    name: str
    forward_ms: float
    backward_ms: float


@dataclass(frozen=True)
class Timing:
    """What ``netspec time`` tells, in ms.

    Attributes
    ----------
    step_ms
        Whole steps (in phase test: forward walks).
    first_step_ms
        From the start of the compilation to the end of the first step.
    peak_gflops
        What these threads reach in a loop of multiply-adds, None if the device cannot tell.
    memory_gbytes
        What they read and write a second where no cache helps, None if the device cannot tell.
    subject
        Net, phase, batch, dtype, device and threads in a line.
    """

    step_ms: tuple[float, ...]
    first_step_ms: float
    steps: tuple[StepTime, ...]
    layers: tuple[LayerTime, ...]
    arena_bytes: int
    peak_gflops: float | None = None
    memory_gbytes: float | None = None
    subject: str = ""

    def segment_ms(self, *names: str) -> float:
        """Sum of the steps of these segments."""
        return sum(s.ms for s in self.steps if s.segment in names)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec time``."""
        return {
            "step_ms": {"min": min(self.step_ms), "median": median(self.step_ms)},
            "forward_ms": self.segment_ms("forward", "guard"),
            "backward_ms": self.segment_ms("backward"),
            "update_ms": self.segment_ms(*UPDATE),
            "first_step_ms": self.first_step_ms,
            "steps": [
                {
                    "index": s.index,
                    "layers": list(s.layers),
                    "ms": s.ms,
                    "gflops_per_s": s.gflops_per_s,
                    "gbytes_per_s": s.gbytes_per_s,
                    "algorithm": s.algorithm,
                }
                for s in self.steps
            ],
            "layers": [vars(layer) for layer in self.layers],
            "arena_bytes": self.arena_bytes,
            "peak_gflops_per_s": self.peak_gflops,
            "memory_gbytes_per_s": self.memory_gbytes,
        }

    def to_text(self, width: int | None = None) -> str:
        """Return the tables that the command prints."""
        total = sum(s.ms for s in self.steps) or 1.0
        rows = [
            (
                str(s.index),
                s.segment,
                s.kernel,
                s.algorithm or "",
                f"{s.ms:.3f}",
                f"{100 * s.ms / total:.1f}",
                f"{s.gflops_per_s:.1f}",
                f"{100 * s.gflops_per_s / self.peak_gflops:.0f}" if self.peak_gflops else "",
                f"{s.gbytes_per_s:.1f}",
                f"{100 * s.gbytes_per_s / self.memory_gbytes:.0f}" if self.memory_gbytes else "",
                tables.names(s.layers, 4),
            )
            for s in self.steps
        ]
        layers = [(x.name, f"{x.forward_ms:.3f}", f"{x.backward_ms:.3f}") for x in self.layers]
        columns = ("step", "segment", "kernel", "way", "ms", "%", "GFLOP/s", "% peak", "GB/s", "% memory", "layers")
        return tables.text(
            self.subject,
            "",
            tables.table(
                columns, rows, right=(0, 4, 5, 6, 7, 8, 9), drop=(8, 9, 5, 1, 3), least={2: 16, 3: 10, 10: 16}
            ),
            "",
            tables.table(("layer", "forward ms", "backward ms"), layers, right=(1, 2)),
            "",
            f"a step        {min(self.step_ms):.3f} ms (median {median(self.step_ms):.3f} of {len(self.step_ms)})",
            f"alone         forward {self.segment_ms('forward', 'guard'):.3f}, "
            f"backward {self.segment_ms('backward'):.3f}, update {self.segment_ms(*UPDATE):.3f} ms",
            f"first step    {self.first_step_ms:.0f} ms after the start of the compilation",
            f"arena         {tables.size(self.arena_bytes)}",
            *self._machine(),
            width=width,
        )

    def _machine(self) -> list[str]:
        if self.peak_gflops is None or self.memory_gbytes is None:
            return []
        return [
            f"100 %         {self.peak_gflops:.0f} GFLOP/s in registers, {self.memory_gbytes:.1f} GB/s in memory; "
            "above it where a way needs fewer operations than its definition, or data come from a cache",
        ]


def time_spec(
    spec: Spec,
    phase: str = "train",
    batch: int | None = None,
    device: str = "cpu",
    threads: int | None = None,
    steps: int = 20,
    tune: bool = False,
) -> Timing:
    """Times a net at random inputs.

    Parameters
    ----------
    steps
        Whole steps timed, after three to warm up; each step of the plan alone is timed as often.
    tune
        Whether ways of convolutions are timed, not estimated.

    Raises
    ------
    UsageError
        If ``steps`` is below 1.
    """
    if steps < 1:
        raise UsageError(f"--steps {steps}: at least 1")
    if spec.solver is not None:  # or random inputs would soon make the loss infinite, and nothing be left to time
        spec = spec.override({"solver.base_lr": STANDSTILL})
    start = time.perf_counter()
    net = compile_spec(spec, phase, batch, device, threads=threads, tune=tune)
    try:
        batch_arrays = random_batch(net.resolved, np.random.default_rng(0))
        walk = _walk(net, batch_arrays)
        walk()
        first_ms = 1e3 * (time.perf_counter() - start)
        whole = _times(walk, steps, warm_up=2)
        alone = _each_alone(net, batch_arrays, steps)
        peak, memory = (_billions(figure) for figure in (net.executor.peak(), net.executor.bandwidth()))
    finally:
        net.close()
    places = [k for k, step in enumerate(net.plan.numbered) if step.segment in STEP_SEGMENTS]
    rows = tuple(_step_time(k, step, ms) for k, (step, ms) in zip(places, alone, strict=True))
    layers = _share(net.resolved, alone)
    where = f"{net.device}, {net.executor.threads} threads" if net.device == "cpu" else net.device
    subject = f"{net.name}, phase {net.phase_name}, batch {net.batch_size}, {net.dtype}, {where}"
    return Timing(tuple(whole), first_ms, rows, layers, net.plan.memory.get("arena", 0), peak, memory, subject)


def _billions(figure: float | None) -> float | None:
    return None if figure is None else figure / 1e9


def _walk(net: Net, batch: dict[str, Any]) -> Callable[[], object]:
    """One step: the fast path where there is a solver, else forward and backward, else forward."""
    if net.solver is not None and net.plan.loss is not None:
        return lambda: net.step(**batch)
    if net.phase_name == "train" and net.plan.loss is not None:

        def both() -> None:
            net.forward(**batch)
            net.backward()

        return both
    return lambda: net.forward(**batch)


def _times(walk: Callable[[], object], n: int, warm_up: int) -> list[float]:
    for _ in range(warm_up):
        walk()
    found = []
    for _ in range(n):
        start = time.perf_counter()
        walk()
        found.append(1e3 * (time.perf_counter() - start))
    return found


def _each_alone(net: Net, batch: dict[str, Array], repeats: int) -> list[tuple[Step, float]]:
    """Each step of a walk with its shortest time in ms, a barrier behind each.

    Where the executor cannot take stamps itself, each step is run by itself in
    a copy of the plan whose memories hold zeros.
    """
    steps = net.plan.segment(*STEP_SEGMENTS)
    for name, array in batch.items():
        net.executor.feed(name, array)
    runs = []
    for _ in range(repeats + 1):
        seconds = net.executor.time_steps(*STEP_SEGMENTS)
        if seconds is None:
            return _renamed(net, steps, repeats)
        runs.append(seconds)
    del runs[0]
    return [(step, 1e3 * min(times)) for step, times in zip(steps, zip(*runs, strict=True), strict=True)]


def _renamed(net: Net, steps: list[Step], repeats: int) -> list[tuple[Step, float]]:
    alone = [replace(s, segment=f"step {k}", barrier=True) for k, s in enumerate(steps)]
    store = Store({name: net.plan.memory.get(name, 0) for name in STATE_MEMORY})
    executor = open_executor(replace(net.plan, steps=tuple(alone)), store, device=net.device, threads=net.threads)
    try:
        empty = min(_times(lambda: executor.run("none"), repeats, warm_up=1))
        best = [min(_times(functools.partial(executor.run, s.segment), repeats, warm_up=1)) for s in alone]
    finally:
        executor.close()
    return [(step, max(0.0, ms - empty)) for step, ms in zip(steps, best, strict=True)]


def _step_time(index: int, step: Step, ms: float) -> StepTime:
    return StepTime(index, step.kernel, step.segment, tuple(step.layers), ms, step.flops, step.bytes, step.algorithm)


def _share(net: ResolvedNet, alone: list[tuple[Step, float]]) -> tuple[LayerTime, ...]:
    """Times by layer: a step's origins weigh as much as their layer's arithmetic in that direction."""
    weights: dict[tuple[str, str], float] = {}
    for row in inspect_net(net).layers:
        weights[row.name, "forward"] = row.flops_forward
        weights[row.name, "backward"] = row.flops_backward
    total: dict[tuple[str, str], float] = defaultdict(float)
    rows = rows_of(net.nodes)
    for step, ms in alone:
        served = dict.fromkeys((rows.get(o.layer, o.layer), o.direction) for o in step.origin)
        keys = [key for key in served if key in weights]
        sum_of = sum(weights[key] for key in keys)
        for key in keys:
            total[key] += ms * (weights[key] / sum_of if sum_of else 1 / len(keys))
    return tuple(LayerTime(n.name, total[n.name, "forward"], total[n.name, "backward"]) for n in net.nodes)
