"""The ways of one layer's convolutions side by side: time, error, and which one is taken."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compiler.accuracy import BOUND
from compiler.compile import compile_graph
from compiler.costs import Case
from compiler.passes.choose import Offer, convolutions, has_kernel, offer
from compiler.target import Target
from netspec.graph import Net
from netspec.lowering import build_graph
from netspec.mappings import Array
from netspec.reports import tables
from netspec.spec.diagnostics import did_you_mean
from netspec.targets import target_of
from netspec.trial import Trial, random_operands
from netspec.tuning import Tuner
from runtime.errors import UsageError
from runtime.plan import STEP_SEGMENTS
from runtime.ways import DIRECT, MATMUL, possible


@dataclass(frozen=True)
class WayTime:
    """One way of a convolution.

    Attributes
    ----------
    ms
        The shortest of several runs; None where the device has no kernel.
    gflops_per_s
        By the arithmetic of the definition, whatever the way does: effective.
    max_error
        Largest difference from the float64 reference, over the reference's root mean square.
    estimate_ms
        By the cost model; None where the way is refused.
    refused
        Why the way is not allowed, None if it is.
    """

    algorithm: str
    ms: float | None
    gflops_per_s: float | None
    max_error: float | None
    estimate_ms: float | None
    taken: bool
    refused: str | None


@dataclass(frozen=True)
class CaseTimes:
    """A convolution or a gradient of one, with all its ways."""

    kernel: str
    segment: str
    case: Case
    ways: tuple[WayTime, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the object of the JSON document."""
        reads, result = self.case.shapes
        return {
            "kernel": self.kernel,
            "segment": self.segment,
            "operands": [list(shape) for shape in reads],
            "result": list(result),
            "flops": self.case.flops,
            "ways": [vars(way) for way in self.ways],
        }


@dataclass(frozen=True)
class WaysReport:
    """What ``netspec time --algorithms`` tells."""

    layer: str
    dtype: str
    threads: int
    cases: tuple[CaseTimes, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "layer": self.layer,
            "dtype": self.dtype,
            "threads": self.threads,
            "error_bound": BOUND[self.dtype],
            "cases": [found.to_dict() for found in self.cases],
        }

    def to_text(self, width: int | None = None) -> str:
        """Return the tables that the command prints."""
        parts: list[tables.Table | str] = [f"layer {self.layer}, {self.dtype}, {self.threads} threads"]
        for found in self.cases:
            reads, result = found.case.shapes
            shapes = f"{tables.shape(reads[0])}, {tables.shape(reads[1])} to {tables.shape(result)}"
            columns = ("way", "ms", "GFLOP/s", "error", "estimated", "")
            rows = [_cells(way) for way in found.ways]
            parts += ["", f"{found.kernel}  {shapes}", tables.table(columns, rows, right=(1, 2, 3, 4), wrap=(5,))]
        parts += ["", f"largest error over the root mean square, against float64; allowed: {BOUND[self.dtype]:.0e}"]
        return tables.text(*parts, width=width)


def _cells(way: WayTime) -> tuple[str, ...]:
    return (
        way.algorithm,
        "" if way.ms is None else f"{way.ms:.3f}",
        "" if way.gflops_per_s is None else f"{way.gflops_per_s:.0f}",
        "" if way.max_error is None else f"{way.max_error:.1e}",
        "" if way.estimate_ms is None else f"{way.estimate_ms:.3f}",
        "taken" if way.taken else way.refused or "",
    )


def compare_ways(
    net: Net, layer: str, dtype: str = "f32", device: str = "cpu", threads: int = 1, tune: bool = False
) -> WaysReport:
    """Times every possible way of a layer's convolutions and of their gradients.

    Raises
    ------
    UsageError
        No such layer, or it has no convolution.
    """
    if layer not in [node.name for node in net.nodes]:
        near = did_you_mean(layer, [node.name for node in net.nodes])
        raise UsageError(f"{net.name} has no layer {layer!r}" + (f": {near}" if near else ""))
    graph = build_graph(net, dtype, solver=net.spec.solver if net.phase == "train" else None)
    target = target_of(device, dtype, net.spec.math, net.spec.memory)
    compile_graph(graph, target, measure=Tuner(device, threads) if tune else None)
    mine = [pair for pair in convolutions(graph) if layer in (o.layer for o in pair[1].origin)]
    found = [(op, case) for _, op, case in mine if op.segment in STEP_SEGMENTS]
    if not found:
        raise UsageError(f"layer {layer!r} has no convolution: there are no ways to compare")
    times = [
        CaseTimes(op.prim.kind, op.segment, case, tuple(_ways(case, op.algorithm, target, device, threads)))
        for op, case in found
    ]
    return WaysReport(layer, dtype, threads, tuple(times))


def _ways(case: Case, taken: str | None, target: Target, device: str, threads: int) -> Iterable[WayTime]:
    offered = offer(case, target)
    ways = possible(case.op, case.x, case.kernel)
    here = [way for way in ways if has_kernel(case, way, target)]
    operands = random_operands(case)
    want = _reference(case, operands)
    with closing(Trial(case, here, device, threads, operands)) as trial:
        spent = trial.seconds()
        errors = {way: _error(trial.result(way), want) for way in here}
    for way in ways:
        known = way in spent
        yield WayTime(
            way,
            1e3 * spent[way] if known else None,
            case.flops / (1e9 * spent[way]) if known and spent[way] else None,
            errors.get(way),
            _estimate(offered, way, threads),
            way == taken,
            offered.refused.get(way),
        )


def _estimate(offered: Offer, way: str, threads: int) -> float | None:
    return 1e3 * offered.seconds[way] / threads if way in offered.seconds else None


def _reference(case: Case, operands: tuple[Array, ...]) -> Array:
    plain = MATMUL if MATMUL in possible(case.op, case.x, case.kernel) else DIRECT
    with closing(Trial(replace(case, dtype="f64"), [plain], "reference", None, operands)) as trial:
        return trial.result(plain)


def _error(got: Array, want: Array) -> float:
    rms = float(np.sqrt(np.mean(np.square(want)))) or 1.0
    return float(np.max(np.abs(got - want))) / rms
