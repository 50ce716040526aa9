"""Reruns rows of docs/results.md: ``python -m bench.results NAME ..``; see ``--help``.

A row is a net of the zoo, trained from its spec alone. What came out is kept
below docs/results/: NAME.json (figure, seed, seconds, machine), NAME.jsonl (the
run's log) and NAME.svg (its curve); the page is made of all that is there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from bench import machine
from bench.results_rows import ROWS, Row, by_net
from netspec.reports.curves import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Chart, Series, chart

FOLDER = Path(__file__).parent.parent / "docs" / "results"
PAGE = FOLDER.with_suffix(".md")
COLOURS = ("#2f7ed8", "#d2691e", "#2e8b57", "#8a3fb5", "#a3126a", "#7a6a00")


class RunError(Exception):
    """A row could not be run: the command and what it said."""


def run(row: Row, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Run a row, keep what came out below ``folder``, and return the record.

    Raises
    ------
    RunError
        The command failed, or the net has no such figure.
    """
    with tempfile.TemporaryDirectory() as work:
        command = _command(row, Path(work), folder, seed)
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            raise RunError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.strip()[-2000:]}")
        if row.test:
            return _record(row, folder, seed, _tested(row, json.loads(done.stdout)), 0, seconds)
        return keep(row, Path(work), folder, seed, seconds)


def keep(row: Row, work: Path, folder: Path, seed: int, seconds: float | None = None) -> dict[str, Any]:
    """Keep log, curve, weights and figure of a run's folder; the seconds are the log's unless given.

    Raises
    ------
    RunError
        The run did not end, or the net has no such figure.
    """
    log = [json.loads(line) for line in (work / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    if log[-1]["event"] != "end" or log[-1]["reason"] != "done":
        raise RunError(f"{work}: the run did not end")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{row.net}.jsonl").write_text("".join(f"{json.dumps(_bare(e))}\n" for e in log), encoding="utf-8")
    drawn = curve(row, log)
    if drawn:
        (folder / f"{row.net}.svg").write_text(drawn, encoding="utf-8")
    snapshots = sorted(work.glob("snapshot_*.safetensors"))
    if snapshots:  # for rows that start from it; git ignores it
        (folder / f"{row.net}.safetensors").write_bytes(snapshots[-1].read_bytes())
    return _record(row, folder, seed, _last(row, log), log[-1]["iter"], seconds or spent(log))


def spent(log: list[dict[str, Any]]) -> float:
    """Seconds of a run, each of its parts where it was resumed: their clocks start anew."""
    times = [float(event["time"]) for event in log]
    return times[-1] + sum(now for now, later in pairwise(times) if later < now)


def _bare(event: dict[str, Any]) -> dict[str, Any]:
    """An event without the folders of the machine it ran on."""
    return {**event, "path": Path(event["path"]).name} if "path" in event else event


def _record(row: Row, folder: Path, seed: int, value: float, iterations: int, seconds: float) -> dict[str, Any]:
    record = {
        "net": row.net,
        "command": _shown(row, seed),
        "seed": seed,
        "iterations": iterations,
        "figure": row.figure,
        "value": value,
        "seconds": round(seconds, 1),
        "machine": machine.describe(),
        "commit": machine.commit(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{row.net}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record


def _command(row: Row, work: Path, folder: Path, seed: int) -> list[str]:
    start = [sys.executable, "-m", "netspec.cli.main"]
    options = _options(row, str(folder / f"{row.after}.safetensors"))
    if row.test:
        return [*start, "test", row.net, "--format", "json", *options]
    return [*start, "train", row.net, "--quiet", "--seed", str(seed), "--output", str(work), *options]


def _options(row: Row, weights: str) -> list[str]:
    first = [] if not row.after else ["--set", f"weights.net={weights}"] if row.test else ["--weights", weights]
    return [*first, *(word for each in row.sets for word in ("--set", each))]


def _shown(row: Row, seed: int) -> str:
    """The command as a reader would type it."""
    command = ["test", row.net] if row.test else ["train", row.net, "--seed", str(seed)]
    return " ".join(["netspec", *command, *_options(row, f"runs/{row.after}")])


def _last(row: Row, log: list[dict[str, Any]]) -> float:
    values = [e["outputs"][row.figure] for e in log if e["event"] == "test" and row.figure in e["outputs"]]
    if not values:
        raise RunError(f"{row.net} has no test figure {row.figure!r}")
    return float(values[-1])


def _tested(row: Row, document: dict[str, Any]) -> float:
    outputs = document["outputs"]
    if row.figure not in outputs:
        raise RunError(f"{row.net} has no test figure {row.figure!r}; it has {', '.join(outputs)}")
    return float(outputs[row.figure])


def curve(row: Row, log: list[dict[str, Any]]) -> str:
    """The loss of training and the test figure over the updates as one SVG; empty where nothing was logged."""
    loss = [(e["iter"], e["smoothed_loss"]) for e in log if e["event"] == "display"]
    tests = [(e["iter"], e["outputs"][row.figure]) for e in log if e["event"] == "test" and row.figure in e["outputs"]]
    drawings = [
        chart("training loss", [Series("training loss", loss)], may_be_log=True),
        chart(f"test {row.figure}", [Series(f"test {row.figure}", tests)]),
    ]
    kept = [drawing for drawing in drawings if drawing is not None]
    if not kept:
        return ""
    width = WIDTH * len(kept)
    parts = [_drawing(drawing, k * WIDTH) for k, drawing in enumerate(kept)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 20}" width="{width}" role="img"'
    told = escape(" ".join(drawing.description for drawing in kept))
    style = 'font-family="sans-serif" font-size="12" fill="#777"'
    return f"{head} {style}>\n<title>{escape(row.net)}</title><desc>{told}</desc>\n{''.join(parts)}</svg>\n"


def _drawing(drawing: Chart, left: int) -> str:
    foot = HEIGHT - BOTTOM
    lines = [f'<g transform="translate({left} 20)">', f'<text x="{LEFT}" y="-4">{escape(drawing.title)}</text>']
    grid = 'fill="none" stroke="#888" stroke-opacity=".4"'
    for tick in drawing.y_ticks:
        lines.append(f'<path {grid} d="M{LEFT} {tick.at}H{WIDTH - RIGHT}"/>')
        lines.append(f'<text x="{LEFT - 7}" y="{tick.at + 4}" text-anchor="end">{tick.text}</text>')
    for tick in drawing.x_ticks:
        lines.append(f'<path {grid} d="M{tick.at} {foot}v5"/>')
        lines.append(f'<text x="{tick.at}" y="{foot + 18}" text-anchor="middle">{tick.text}</text>')
    for line, colour in zip(drawing.lines, COLOURS, strict=False):
        lines.append(f'<path fill="none" stroke="{colour}" stroke-width="2" d="{line.path}"/>')
    return "\n".join([*lines, "</g>\n"])


def page(folder: Path) -> str:
    """The Markdown of all records in a folder."""
    records = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in folder.glob("*.json")}
    text = ["# Results", "", _INTRODUCTION, ""]
    for group in dict.fromkeys(row.group for row in ROWS):
        rows = [row for row in ROWS if row.group == group and row.net in records]
        if not rows:
            continue
        text += [f"## {group}", "", "| net | figure | goal | reached | iterations | seed | seconds | curve |"]
        text += ["| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"]
        text += [_line(row, records[row.net], folder) for row in rows]
        text += ["", *(f"- {row.net}: `{records[row.net]['command']}`" for row in rows), ""]
    machines = sorted({f"{r['machine']['cpu']}, {r['machine']['cores']} cores" for r in records.values()})
    return "\n".join([*text, f"Machines: {'; '.join(machines)}.", ""])


_INTRODUCTION = """\
Runs from the specs alone, made by `python -m bench.results NAME`, which keeps the log and the curve beside the figure
in `docs/results/`. A run has the same bits for any number of threads; the machine decides the seconds alone, and others
used it meanwhile."""


def _line(row: Row, record: dict[str, Any], folder: Path) -> str:
    value, unit = record["value"] * row.times, " %" if row.times == 100 else ""
    goal = "" if row.goal is None else f"{'at most' if row.low else 'at least'} {row.goal * row.times:.4g}{unit}"
    missed = " (missed)" if row.met(record["value"]) is False else ""
    drawn = f"[curve](results/{row.net}.svg)" if (folder / f"{row.net}.svg").exists() else ""
    cells = [f"`{row.net}`", row.figure, goal, f"{value:.4g}{unit}{missed}", f"{record['iterations']:,}"]
    return f"| {' | '.join([*cells, str(record['seed']), format(record['seconds'], '.0f'), drawn])} |"


def main(given: list[str] | None = None) -> int:
    """Run the rows that are named and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.results", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"rows: {' '.join(by_net())}; none: the page alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the records (default docs/results)")
    parser.add_argument("--ran", type=Path, metavar="RUN", help="take this run's folder in place of running")
    wanted = parser.parse_args(given)
    rows = by_net()
    for name in wanted.names:
        if name not in rows:
            parser.error(f"no row {name!r}; there are {', '.join(rows)}")
        try:
            row = rows[name]
            kept = keep(row, wanted.ran, wanted.output, wanted.seed) if wanted.ran else None
            record = kept or run(row, wanted.output, wanted.seed)
        except RunError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{name}: {record['figure']} {record['value']:.5g} in {record['seconds']} s")
    wanted.output.with_suffix(".md").write_text(page(wanted.output), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
