"""Sections of the report beside the steps: start, size, sweep, threads."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.cases import CASES
from bench.contenders import LABELS
from bench.start_up import COLD_GOAL, WARM_GOAL
from bench.sweep import GOAL as SWEEP_GOAL
from bench.sweep import LEAST
from bench.tables import megabytes, number, table, times
from bench.threads import GOAL as THREADS_GOAL
from bench.threads import fair

Record = dict[str, Any]


def start_section(records: Sequence[Record]) -> list[str]:
    """Seconds to the end of the first step."""
    columns = ["net", "cold, s", "warm, s", "a step, s", "met", "kernels", "their MB", "compiling, s"]
    columns += ["PyTorch eager, s"]
    cells = []
    for r in sorted(records, key=lambda r: list(CASES).index(r["net"])):
        warm = median(r["warm_s"])
        good = (r["cold_s"] <= COLD_GOAL) + (warm <= WARM_GOAL + r["step_s"])
        seconds = [f"{r['cold_s']:.1f}", f"{warm:.2f}", number(r["step_s"]), ("no", "partly", "yes")[good]]
        kernels = [str(r["kernels"]), f"{r['cache_bytes'] / 1e6:.1f}", f"{r['compile_s']:.1f}"]
        cells.append([r["net"], *seconds, *kernels, f"{median(r['torch_s']):.2f}" if "torch_s" in r else "-"])
    head = (
        f"From the start of the process to the end of the first training step; goals: cold (empty kernel cache) "
        f"{COLD_GOAL:g} s, warm {WARM_GOAL:g} s and a step."
    )
    return [f"### Start, {records[0]['threads']} threads", "", head, "", *table(columns, cells)]


def size_section(records: Sequence[Record]) -> list[str]:
    """Installed bytes."""
    (record,) = records[-1:]
    cells = []
    own = sum(record["netspec"].values())
    for name in ("netspec", "torch", "onnxruntime"):
        parts = record.get(name)
        if parts:
            total = sum(parts.values())
            largest = sorted(parts.items(), key=lambda item: -item[1])[:4]
            texts = ", ".join(f"{part} {size / 1e6:.1f}" for part, size in largest)
            cells.append([name, texts, megabytes(total), times(own / total)])
    columns = ["with all it requires", "of that, MB", "MB", "netspec's share of it"]
    return ["### Installed size", "", *table(columns, cells, left=2)]


def sweep_section(records: Sequence[Record]) -> list[str]:
    """The means of the shape sweep, and the cases under the limit."""
    lines = []
    for r in records:
        lines += [f"### Shape sweep: {len(r['cases'])} random convolutions, {r['threads']} threads", ""]
        mean = r["geometric_mean"]
        lines += [
            f"Forward and both gradients, ratio of minima to PyTorch's better layout: geometric mean "
            f"**{times(mean)}** (goal {SWEEP_GOAL:g}); {r['under_least']} cases under {LEAST:g}; "
            f"{r['disagree']} disagree; seed {r['seed']}.",
            "",
        ]
        kinds = [[kind, str(count), times(x)] for kind, (count, x) in r["by_kind"].items()]
        lines += table(["kind", "cases", "geometric mean"], kinds)
        low = [row for row in r["cases"] if row["ratio"] is not None and row["ratio"] < LEAST]
        if low:
            lines += sweep_table(low)
    return lines


def sweep_table(rows: Sequence[Record]) -> list[str]:
    """Cases of the sweep, the worst first."""
    columns = ["convolution", "ways: forward, dx, dw", "GFLOP", "netspec, ms", "PyTorch, ms", "ratio", "differ by"]
    cells = []
    for row in sorted(rows, key=lambda row: row["ratio"] or 0.0):
        others = [x for name, x in row["ms"].items() if name != "netspec"]
        ways = ", ".join(str(row["ways"].get(name)) for name in ("forward", "dx", "dw"))
        took = [number(row["ms"]["netspec"]), number(min(others, default=None))]
        differ = f"{row['difference']:.0e}"
        cells.append([row["text"], ways, number(row["gflop"]), *took, times(row["ratio"]), differ])
    return table(columns, cells, left=2)


def threads_section(records: Sequence[Record]) -> list[str]:
    """Steps with fewer, as many and more threads than cores, alone and beside a busy process."""
    cells = []
    for r in sorted(records, key=lambda r: list(CASES).index(r["net"])):
        cores = r["cores"]
        for name in dict.fromkeys(key.split()[0] for key in r["ms"]):
            full = min(r["ms"][f"{name} {cores} 0"])
            for count in r["threads"]:
                alone, beside = r["ms"][f"{name} {count} 0"], r["ms"][f"{name} {count} 1"]
                slower = median(beside) / median(alone)
                apart = [number(min(alone)), times(min(alone) / full)]
                together = [number(median(beside)), times(slower), times(slower / fair(count, cores, 1))]
                cells.append([r["net"], LABELS[name], str(count), *apart, *together])
    columns = ["net", "contender", "threads", "alone, ms", f"to {records[0]['cores']} threads"]
    columns += ["beside a busy process, ms", "to alone", "to the fair share"]
    head = (
        f"All on the same {records[0]['cores']} cores. Goal: with twice as many threads as cores at most "
        f"{THREADS_GOAL:g} times as slow. Alone: minima; beside a process that never waits: medians."
    )
    return ["### Threads", "", head, "", *table(columns, cells, left=2)]
