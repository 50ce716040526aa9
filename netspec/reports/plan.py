"""What a compiled step does: its steps, what was fused and what was not, memory, kernels and their source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.compile import compile_graph, dump_to
from compiler.costs import Case, Rates, case_of, rates_of, seconds
from compiler.passes.choose import NO_KERNEL, Offer, offer
from compiler.target import Target
from netspec.graph import Net
from netspec.lowering import build_graph
from netspec.reports import tables
from netspec.targets import target_of
from netspec.tuning import Tuner
from runtime.executor import kernels_of
from runtime.plan import ITEM_BYTES, STEP_SEGMENTS, Plan, Refusal, Step
from runtime.vector.kernel import Kernel

STEP_US = 1.0
"""What starting a step costs."""

LAUNCH_US, GPU_FLOPS, GPU_BYTES = 2.0, 19.5e12, 1.5e12
"""The same on a GPU, and its operations and bytes a second: the data sheet of an A100, in float32."""


@dataclass(frozen=True)
class WayEstimate:
    """A possible way of a convolution: what it is expected to take, or why it is refused; the other is None."""

    algorithm: str
    estimate_us: float | None
    refused: str | None


@dataclass(frozen=True)
class StepRow:
    """One step of the plan.

    Attributes
    ----------
    kernel
        The primitive, with ``+map`` or ``+reduce`` where those run on each finished block.
    bytes
        Read and written, each view once.
    estimate_us
        By the cost model of its way, else by arithmetic or memory traffic, whichever takes longer: a guess before
        running.
    ways
        Where there is a choice, every possible way, the refused ones last.
    """

    index: int
    kernel: str
    segment: str
    layers: tuple[str, ...]
    algorithm: str | None
    flops: int
    bytes: int
    estimate_us: float
    ways: tuple[WayEstimate, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the step's object of the JSON document."""
        ways = None if self.ways is None else [vars(way) for way in self.ways]
        return {**vars(self), "layers": list(self.layers), "ways": ways}


@dataclass(frozen=True)
class PlanReport:
    """What ``netspec plan`` tells.

    Attributes
    ----------
    sources
        The distinct kernels, each with the layers it serves.
    """

    plan: Plan
    steps: tuple[StepRow, ...]
    sources: tuple[tuple[Kernel, tuple[str, ...]], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec plan``."""
        return {
            "steps": [row.to_dict() for row in self.steps],
            "kernels": len(self.sources),
            "arena_bytes": self.plan.memory.get("arena", 0),
            "not_fused": [{"layers": list(r.layers), "why": r.why} for r in self.plan.refusals],
            "moved_bytes": self.moved_bytes,
            "least_bytes": self.plan.least_bytes,
        }

    @property
    def moved_bytes(self) -> int:
        """What all steps together read and write, those of the init segment left out."""
        return sum(row.bytes for row in self.steps if row.segment in STEP_SEGMENTS)

    def to_text(self, width: int | None = None, every: bool = False) -> str:
        """Return the tables that the command prints.

        Parameters
        ----------
        width
            Columns of the terminal; as wide as needed if None.
        every
            Show each step of the init segment, not their sum.
        """
        columns = ("step", "segment", "kernel", "way", "flops", "bytes", "about", "layers")
        first = [row for row in self.steps if row.segment == "init"]
        whole = every or len(first) < 2
        rows = [] if whole else [_together(first)]
        rows += [_cells(row) for row in self.steps if whole or row.segment != "init"]
        arena, unplanned = self.plan.memory.get("arena", 0), self.plan.unplanned_bytes
        refused = _grouped(self.plan.refusals)
        parts: list[tables.Table | str] = [
            f"phase {self.plan.phase}, batch {self.plan.batch}, {self.plan.dtype}",
            "",
            tables.table(columns, rows, right=(0, 4, 5, 6), drop=(4, 5, 1, 3), least={2: 26, 3: 10, 7: 20}),
            "",
            f"{len(self.steps)} steps, {len(self.sources)} kernels; arena {tables.size(arena)}, "
            f"without planning {tables.size(unplanned)}",
            f"the steps move {tables.size(self.moved_bytes)}; inputs, parameters, gradients and what is kept for the "
            f"backward steps are {tables.size(self.plan.least_bytes)}, which no plan could save",
        ]
        if refused:
            parts += ["", tables.table(("not fused, because", "times", "layers"), refused, right=(1,), wrap=(0, 2))]
        ways = _ways_refused(self.steps)
        if ways:
            parts += ["", tables.table(("way", "refused, because", "times", "layers"), ways, right=(2,), wrap=(1, 3))]
        return tables.text(*parts, width=width)

    def source_text(self) -> str:
        """Return the source of every kernel, each headed by its name and the layers it serves."""
        return "\n\n".join(
            f"# ---- {kernel.name}: {tables.names(layers, 12)}\n{kernel.text.rstrip()}"
            for kernel, layers in self.sources
        )


def _cells(row: StepRow) -> tuple[str, ...]:
    return (
        str(row.index),
        row.segment,
        row.kernel,
        row.algorithm or "",
        tables.scaled(row.flops) if row.flops else "",
        tables.size(row.bytes),
        f"{row.estimate_us:,.0f} us",
        tables.names(row.layers, 4),
    )


def _together(rows: list[StepRow]) -> tuple[str, ...]:
    """One row for several steps that follow each other in a segment."""
    layers = list(dict.fromkeys(name for row in rows for name in row.layers))
    return (
        f"{rows[0].index}-{rows[-1].index}",
        rows[0].segment,
        f"{len(rows)} steps",
        "",
        tables.scaled(sum(row.flops for row in rows)),
        tables.size(sum(row.bytes for row in rows)),
        f"{sum(row.estimate_us for row in rows):,.0f} us",
        tables.names(layers, 4),
    )


def _grouped(refusals: Iterable[Refusal]) -> list[tuple[str, str, str]]:
    """Reasons, how often each was met, and between which layers."""
    places: dict[str, list[str]] = {}
    for refusal in refusals:
        places.setdefault(refusal.why, []).append(" to ".join(dict.fromkeys((refusal.layers[0], refusal.layers[-1]))))
    return [(why, str(len(met)), tables.names(list(dict.fromkeys(met)), 3)) for why, met in places.items()]


def _ways_refused(rows: Iterable[StepRow]) -> list[tuple[str, str, str, str]]:
    """Ways with the reasons against them, how often each was met, and the layers."""
    places: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for way in row.ways or ():
            if way.refused not in (None, NO_KERNEL):
                places.setdefault((way.algorithm, way.refused), []).append(row.layers[0])
    return [(*k, str(len(met)), tables.names(list(dict.fromkeys(met)), 3)) for k, met in places.items()]


def plan_net(
    net: Net,
    dtype: str = "f32",
    device: str = "cpu",
    threads: int = 1,
    disabled: Collection[str] = (),
    verify: bool = False,
    dump: Path | None = None,
    tune: bool = False,
) -> PlanReport:
    """Compiles a net's plan (not its kernels) and reports it.

    Parameters
    ----------
    threads
        For the estimates.
    disabled
        Passes to leave out.
    verify
        Check the graph between the passes and the plan at the end.
    dump
        Folder for the graph's text after each pass.
    tune
        Whether to time ways of convolutions, not estimate them.
    """
    solver = net.spec.solver if net.phase == "train" else None
    graph = build_graph(net, dtype, solver=solver)
    watch = None if dump is None else dump_to(dump)
    target = target_of(device, dtype, net.spec.math, net.spec.memory)
    measure = Tuner(device, threads) if tune else None
    plan = compile_graph(graph, target, disabled, check=verify, watch=watch, measure=measure)
    return report_plan(plan, target, threads)


def report_plan(plan: Plan, target: Target, threads: int = 1) -> PlanReport:
    """The report of a finished plan; the reference has no kernels."""
    rows = tuple(_row(index, step, plan, target, threads) for index, step in enumerate(plan.numbered))
    return PlanReport(plan, rows, _served(plan, kernels_of(plan, target.device)))


def _row(index: int, step: Step, plan: Plan, target: Target, threads: int) -> StepRow:
    case = step_case(plan, step)
    ways, about = None if case is None else offer(case, target), _on_a_gpu(step)
    if target.device != "cuda":
        about = _on_a_cpu(step, case, plan.dtype, rates_of(target.vector_bytes), threads)
    return StepRow(
        index,
        step.kernel,
        step.segment,
        tuple(step.layers),
        step.algorithm,
        step.flops,
        step.bytes,
        about,
        None if ways is None else _way_estimates(ways, 1e6 * ITEM_BYTES[plan.dtype] / 4 / threads),
    )


def _on_a_cpu(step: Step, case: Case | None, dtype: str, rates: Rates, threads: int) -> float:
    """Microseconds: by the way of a convolution, else by arithmetic or traffic, whichever takes longer."""
    compute = step.flops / rates.flops
    if case is not None and step.algorithm is not None:
        compute = seconds(case, step.algorithm, rates)
    return STEP_US + 1e6 / threads * max(ITEM_BYTES[dtype] / 4 * compute, step.bytes / rates.memory)


def _on_a_gpu(step: Step) -> float:
    """Microseconds, by a data sheet; nothing was measured yet."""
    return LAUNCH_US + 1e6 * max(step.flops / GPU_FLOPS, step.bytes / GPU_BYTES)


def _way_estimates(found: Offer, us_per_second: float) -> tuple[WayEstimate, ...]:
    """Every way of an offer, ``us_per_second`` microseconds for each second of its estimate."""
    allowed = [WayEstimate(way, STEP_US + us_per_second * s, None) for way, s in found.seconds.items()]
    return (*allowed, *(WayEstimate(way, None, why) for way, why in found.refused.items()))


def step_case(plan: Plan, step: Step) -> Case | None:
    """The case of a convolution's step, None of any other."""
    result = step.writes[0] if step.writes else None
    if result is None:
        return None
    fixed = not plan.segment("update", "commit")
    return case_of(step.op, tuple(v.shape for v in step.reads), result.shape, plan.dtype, fixed)


def _served(plan: Plan, used: Sequence[Sequence[Kernel]]) -> tuple[tuple[Kernel, tuple[str, ...]], ...]:
    """The distinct kernels in order of first use, with the layers they serve."""
    served: dict[Kernel, dict[str, None]] = {}
    for step, kernels in zip(plan.steps, used, strict=True):
        for kernel in kernels:
            served.setdefault(kernel, {}).update(dict.fromkeys(step.layers))
    return tuple((kernel, tuple(layers)) for kernel, layers in served.items())
