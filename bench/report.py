"""The benchmark's tables."""

from __future__ import annotations

from statistics import median
from typing import Any

from bench.cases import CASES
from bench.runner import Result

BUSY = 0.5
"""Load average at the start above which a measurement is not worth keeping."""


def markdown(results: list[Result], machine: dict[str, Any], start: dict[str, float] | None) -> str:
    """The report as Markdown."""
    versions = {key: value for result in results for key, value in result.versions.items()}
    head = ", ".join(f"{key} {value}" for key, value in sorted(versions.items()))
    lines = [
        f"{machine['cpu']} ({machine['isa']}), {machine['cores']} cores; Python {machine['python']}; {head}.",
        "",
    ]
    if machine.get("load", 0.0) > BUSY:
        lines += [f"**Other processes were busy (load {machine['load']:.1f}): these figures say little.**", ""]
    if results:
        lines += [*_table(results), ""]
    if start is not None:
        lines += [
            "| LeNet, process start to the end of the first step | seconds |",
            "| --- | ---: |",
            f"| cold (empty kernel cache) | {start['cold_s']:.1f} |",
            f"| warm | {start['warm_s']:.2f} |",
            "",
        ]
    return "\n".join(lines)


def _table(results: list[Result]) -> list[str]:
    names = list(dict.fromkeys(name for result in results for name in result.ms))
    columns = [
        "net",
        "input, batch",
        *(f"{n}, ms" for n in names),
        "ratio",
        "of minima",
        "losses differ by",
        "memory, MB",
    ]
    rows = [f"| {' | '.join(columns)} |", f"| --- | --- |{' ---: |' * (len(columns) - 2)}"]
    rows += [f"| {' | '.join(_cells(result, names))} |" for result in results]
    return rows


def _cells(result: Result, names: list[str]) -> list[str]:
    case = CASES[result.case]
    cells = [result.case, f"{' x '.join(map(str, case.shape))}, {result.batch}"]
    for name in names:
        ms = result.ms.get(name)
        cells.append(f"{median(ms):.3g} (min {min(ms):.3g})" if ms else "-")
    cells += [f"{ratio:.2f}" if ratio is not None else "-" for ratio in (result.ratio, result.ratio_of_minima)]
    different = "" if result.agrees else " **too much**"
    cells.append(f"{result.loss_difference:.1e}{different}" if result.loss_difference is not None else "-")
    memory = [f"{result.peak_bytes[name] / 1e6:.0f}" for name in names if name in result.peak_bytes]
    cells.append(" / ".join(memory))
    return cells
