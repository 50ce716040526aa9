"""Makes the Markdown report from whatever records there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from bench.cases import CASES
from bench.contenders import LABELS
from bench.machine import BUSY
from bench.race import Row
from bench.ratios import OWN, met
from bench.report_more import size_section, start_section, sweep_section, threads_section
from bench.tables import megabytes, ms, number, percent, table, times
from bench.where import leading

MEMORY_GOAL = 0.6

Record = dict[str, Any]


def report(records: Sequence[Record]) -> str:
    """The whole report: a part for each machine that rows come from."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(_machine(record), []).append(record)
    lines = []
    for machine, rows in found.items():
        lines += [machine, "", *_versions(rows), *_busy(rows)]
        for part, section in SECTIONS.items():
            mine = [row for row in rows if row["part"] == part]
            if mine:
                lines += section(mine)
    return "\n".join(lines).rstrip() + "\n"


def _machine(record: Record) -> str:
    about = record["machine"]
    gigabytes = about["memory_bytes"] / 2**30
    return (
        f"**{about['cpu']}** ({about['isa']}), {about['cores']} cores, {gigabytes:.0f} GiB, {about['system']}, "
        f"Python {about['python']}."
    )


def _versions(rows: Sequence[Record]) -> list[str]:
    pairs = sorted({pair for row in rows for pair in row.get("versions", {}).items()})
    commits = sorted({row["commit"] for row in rows if row.get("commit")})
    minutes = sum(row.get("seconds", 0.0) for row in rows) / 60
    said = [f"{name} {version}" for name, version in pairs] + [f"commit {commit}" for commit in commits]
    return [f"{', '.join(said)}. Measured in {minutes:.0f} minutes.", ""]


def _busy(rows: Sequence[Record]) -> list[str]:
    names = dict.fromkeys(f"{r['part']} {r.get('net', '')}".strip() for r in rows if r.get("busy", 0.0) > BUSY)
    return [f"**Others were busy before these rows, which say little:** {', '.join(names)}.", ""] if names else []


def train_section(records: Sequence[Record]) -> list[str]:
    """Training steps, a table for each dtype and number of threads, and their memory."""
    lines = []
    for (dtype, threads), rows in _grouped(records, lambda row: (row.dtype, row.threads)):
        head = f"### Training step, {_floats(dtype)}, {_threads(threads)}"
        lines += [head, "", _reading(rows) + _peak(rows), "", *_train_table(rows), *_notes(rows)]
        lines += [*_memory_table(rows), *_where_table(rows)]
    return lines


def _train_table(rows: Sequence[Row]) -> list[str]:
    names = _contenders(rows)
    columns = ["net", "input, batch", *(f"{LABELS[n]}, ms" for n in names)]
    columns += ["ratio of minima", "of medians", "goal", "met", "of peak", "losses differ by"]
    cells = []
    for row in rows:
        both = (row.ratio_of_minima, row.ratio)
        goal = "" if row.goal is None else f"{row.goal:g}"
        share = percent(row.share_of_peak(_fastest(rows, "peak_flops")))
        judged = [*map(times, both), goal, met(row.goal, both), share, _differs(row)]
        cells.append([row.net, _input(row), *(ms(row.ms.get(n)) for n in names), *judged])
    return table(columns, cells, left=2)


def _memory_table(rows: Sequence[Row]) -> list[str]:
    columns = ["net", "MB", "ratio", "met", "without the libraries, MB", "kernels", "steps"]
    cells = []
    for row in rows:
        two = [n for n in (OWN, row.reference) if n in row.peak_bytes]
        peaks = [megabytes(row.peak_bytes[n]) for n in two]
        alone = [megabytes(row.peak_bytes[n] - row.library_bytes.get(n, 0)) for n in two]
        # at most the goal: the inverse must reach the goal's inverse
        reached = met(1 / MEMORY_GOAL, [1 / row.memory_ratio if row.memory_ratio else None])
        facts = [f"{row.facts[key]:.0f}" if key in row.facts else "-" for key in ("kernels", "steps")]
        cells.append([row.net, " / ".join(peaks), times(row.memory_ratio), reached, " / ".join(alone), *facts])
    head = f"Most memory resident during the timed steps, netspec / reference; goal: a ratio of at most {MEMORY_GOAL}."
    return [head, "", *table(columns, cells)]


def _where_table(rows: Sequence[Row]) -> list[str]:
    columns = ["net", "kernel, way", "steps", "ms", "of the step", "GFLOP/s", "of peak", "GB/s", "roofline, ms"]
    cells = []
    peak, speed = (_fastest(rows, what) or 1.0 for what in ("peak_flops", "bandwidth"))
    for row in rows:
        found = row.facts.get("where", [])
        whole = sum(group["s"] for group in found) or 1.0
        for group in leading(found):
            seconds = group["s"] or 1e-12
            rate = group["flops"] / seconds
            shares = [percent(group["s"] / whole), number(rate / 1e9), percent(rate / peak)]
            last = [number(group["bytes"] / seconds / 1e9), number(1e3 * group["bound_s"])]
            cells.append([row.net, group["kind"], str(group["steps"]), number(1e3 * seconds), *shares, *last])
    head = (
        "Where the time of netspec's step goes, each step of the plan timed alone; roofline: arithmetic at the peak or "
        f"bytes at {speed / 1e9:.0f} GB/s, which is what these cores copy."
    )
    return [head, "", *table(columns, cells, left=2)] if cells else []


def infer_section(records: Sequence[Record]) -> list[str]:
    """Inference, a table for each batch size and number of threads."""
    lines = []
    for (batch, threads), rows in _grouped(records, lambda row: (row.batch, row.threads)):
        head = f"### Inference, batch {batch}, {_threads(threads)}"
        lines += [head, "", _reading(rows), "", *_infer_table(rows), *_notes(rows)]
    return lines


def _infer_table(rows: Sequence[Row]) -> list[str]:
    names = _contenders(rows)
    columns = ["net", *(f"{LABELS[n]}, ms" for n in names), "ratio of minima", "of medians"]
    columns += ["to ONNX Runtime", "of medians", "ahead", "MB", "scores differ by"]
    cells = []
    for row in rows:
        onnx = [_to(row, "onnxruntime", of) for of in (min, median)]
        memory = f"{megabytes(row.peak_bytes.get(OWN))} / {megabytes(row.peak_bytes.get(row.reference or ''))}"
        judged = [*map(times, (row.ratio_of_minima, row.ratio, *onnx)), met(row.goal, onnx), memory, _differs(row)]
        cells.append([row.net, *(ms(row.ms.get(n)) for n in names), *judged])
    return table(columns, cells)


def _reading(rows: Sequence[Row]) -> str:
    """How to read the times and ratios."""
    least = min((len(times) for row in rows for times in row.ms.values()), default=0)
    return (
        f"Shortest step in ms (median in brackets) of {least} and more; a ratio above 1 means that netspec is faster "
        "than the best of the others."
    )


def _peak(rows: Sequence[Row]) -> str:
    """What a share of peak is a share of."""
    peak = _fastest(rows, "peak_flops")
    return f" In a loop of multiply-adds these cores reach {peak / 1e9:.0f} GFLOP/s." if peak else ""


def _fastest(rows: Sequence[Row], what: str) -> float | None:
    """The most that was measured of the machine: it does not get slower from one net to the next."""
    return max((row.facts[what] for row in rows if what in row.facts), default=None)


def _to(row: Row, name: str, of: Callable[[Sequence[float]], float]) -> float | None:
    """The ratio to one contender."""
    counted = row.counted
    return of(counted[name]) / of(counted[OWN]) if name in counted and OWN in counted else None


def _contenders(rows: Sequence[Row]) -> list[str]:
    ran = {name for row in rows for name in row.ms}
    return [name for name in LABELS if name in ran]


def _notes(rows: Sequence[Row]) -> list[str]:
    """Why a contender is missing or does not count, once for all nets with the same reason."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for name, why in row.skipped.items():
            found.setdefault(f"{LABELS[name]}: {why}", []).append(row.net)
    return [f"Does not count: {why} ({', '.join(nets)})." + "\n" for why, nets in found.items()]


def _differs(row: Row) -> str:
    far = max((row.differences[n] for n in row.differences if n not in row.skipped), default=None)
    return "**netspec is wrong**" if not row.agrees else "-" if far is None else f"{far:.0e}"


def _input(row: Row) -> str:
    return f"{' x '.join(map(str, row.shape))}, {row.batch}"


def _floats(dtype: str) -> str:
    return {"f32": "float32", "f64": "float64"}[dtype]


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def _grouped(records: Sequence[Record], key: Callable[[Row], Any]) -> list[tuple[Any, list[Row]]]:
    """Rows by key, in the order of the table of nets; more threads first."""
    order = list(CASES)
    rows = sorted((Row.from_dict(r) for r in records), key=lambda row: order.index(row.net))
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return sorted(groups.items(), key=lambda item: (item[0][0], -item[0][1]))


SECTIONS: dict[str, Callable[[Sequence[Record]], list[str]]] = {
    "train": train_section,
    "infer": infer_section,
    "start": start_section,
    "size": size_section,
    "sweep": sweep_section,
    "threads": threads_section,
}
