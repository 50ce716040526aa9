"""``report.html``: a run as one page that needs nothing else.

``run_report`` makes the page of parsed log lines and of what is known of the
net; jinja2 escapes every text that goes into it.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from netspec.reports import tables
from netspec.reports.curves import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH, Chart, Series, chart, number
from netspec.reports.history import Curve, Figures, History, history
from netspec.reports.inspect import Inspection
from netspec.spec.render import escaped

LARGEST_TABLE = 48
"""Classes of a confusion matrix that is shown whole; of a larger one, the pairs confused most."""

MOST_PAIRS = 40

_ENDINGS = {
    "done": "done",
    "signal": "stopped by a signal",
    "nan": "stopped: a value was not finite",
    "error": "stopped by an error",
}
_UNDER_WAY = "no end in the log: under way when this page was written, or killed"


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What the log does not say.

    Attributes
    ----------
    name : str
        The net's.
    facts : sequence of (str, str)
        What else is to be told of the run, with its headings: spec, seed, device, ..
    resume, test : str
        Commands; the second is to be followed by the path of a snapshot.
    inspection : Inspection or None
        Of phase train.
    losses : collection of str
        Tops that are losses: they may be shown on a logarithmic scale.
    class_names : mapping of str to sequence of str
        By test source.
    spec : str
        The resolved spec.
    """

    name: str
    facts: Sequence[tuple[str, str]] = ()
    resume: str = ""
    test: str = ""
    inspection: Inspection | None = None
    losses: frozenset[str] = frozenset()
    class_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    spec: str = ""


@dataclass(frozen=True)
class Cell:
    """A number in a table; ``shade`` is its share of the largest possible, 0 to 1."""

    text: str
    shade: float = 0.0


@dataclass(frozen=True)
class Grid:
    """A table: heads of columns, rows with a head each."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def run_report(events: Iterable[object], facts: RunFacts) -> str:
    """Return the page of a run.

    Parameters
    ----------
    events
        Parsed lines of ``log.jsonl``, those before a resume included.
    facts
        What is known of the run besides.
    """
    return page(history(events), facts)


def page(found: History, facts: RunFacts) -> str:
    """Return the page of a log that is read already."""
    return _TEMPLATES.get_template("run.html").render(
        name=facts.name,
        facts=[*facts.facts, *_parts(found)],
        summary=_summary(found),
        ended=found.parts[-1].reason if found.parts and found.parts[-1].reason in _ENDINGS else "",
        charts=_charts(found, facts.losses),
        figures=_figures(found),
        grids=list(_grids(found, facts.class_names)),
        layers=_layers(facts.inspection),
        totals=_totals(facts.inspection),
        resume=facts.resume,
        test=f"{facts.test} {shlex.quote(found.snapshot)}" if facts.test and found.snapshot else "",
        spec="\n".join(escaped(line) for line in facts.spec.split("\n")),
        box={"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "foot": HEIGHT - BOTTOM},
    )


def _summary(found: History) -> str:
    """One line: how it ended, after how much, with which figures (of the first test source, else the loss)."""
    if not found.parts:
        return "nothing in the log yet"
    part = found.parts[-1]
    ending = _UNDER_WAY if part.reason is None else _ENDINGS.get(part.reason, part.reason)
    if part.exit_code:
        ending += f" (exit code {part.exit_code})"
    words = [ending, f"{found.iteration:,} iterations", _duration(found.seconds)]
    curves = next((test.curves for test in found.tests.values()), {"loss": found.losses})
    words += [f"{escaped(name)} {number(curve[max(curve)])}" for name, curve in curves.items() if curve]
    return ", ".join(words)


def _duration(seconds: float) -> str:
    """Seconds as a person says them: ``4.1 s``, ``2 min 5 s``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def _parts(found: History) -> list[tuple[str, str]]:
    """The parts of a run that was resumed."""
    if len(found.parts) < 2:
        return []
    texts = [
        f"{part.first:,} to {part.last:,} in {_duration(part.seconds)}, {_ENDINGS.get(part.reason or '', 'no end')}"
        for part in found.parts
    ]
    return [("parts", "; ".join(texts))]


# -- curves ----------------------------------------------------------------------------


def _charts(found: History, losses: frozenset[str]) -> list[Chart]:
    """Loss, rate, then every scalar of the tests with that of training beside it, then what only training has."""
    smoothed, single = _series("smoothed", found.smoothed), _series("loss", found.losses, faint=True)
    made = [
        chart("training loss", [single, smoothed], may_be_log=True),
        chart("learning rate", [_series("rate", found.rates)], may_be_log=_lasts_below(found.rates)),
    ]
    for name in dict.fromkeys(name for test in found.tests.values() for name in test.curves):
        lines = [_series(source, t.curves[name]) for source, t in found.tests.items() if name in t.curves]
        training = found.outputs.get(name)
        beside = [_series("training", training, faint=True)] if training else []
        made.append(chart(escaped(name), [*lines, *beside], may_be_log=name in losses))
    tested = {name for test in found.tests.values() for name in test.curves}
    alone = {name: curve for name, curve in found.outputs.items() if name not in tested and curve != found.losses}
    made += [chart(escaped(name), [_series("training", c)], name in losses) for name, c in alone.items()]
    made.append(chart("speed, samples a second", [_series("training", found.speeds)]))
    return [each for each in made if each is not None]


def _series(name: str, curve: Curve, faint: bool = False) -> Series:
    return Series(escaped(name), sorted(curve.items()), faint)


def _lasts_below(rates: Curve) -> bool:
    """Whether the small rates are more than the end of a straight line down to 0."""
    values = sorted(y for y in rates.values() if math.isfinite(y))
    return bool(values) and values[len(values) // 20] * 100 < values[-1]


def _figures(found: History) -> list[tuple[str, ...]]:
    """Every scalar of each test: source, name, last, lowest and highest with their iterations."""
    rows = []
    for source, test in found.tests.items():
        for name, curve in test.curves.items():
            finite = {x: y for x, y in curve.items() if math.isfinite(y)}
            low, high = (min(finite, key=finite.__getitem__), max(finite, key=finite.__getitem__)) if finite else (0, 0)
            ends = [f"{number(finite[x])} at {x:,}" if finite else "" for x in (low, high)]
            heading = source if test.samples is None else f"{source} ({test.samples:,} samples)"
            rows.append((escaped(heading), escaped(name), number(curve[max(curve)]) if curve else "", *ends))
    return rows


# -- classes ----------------------------------------------------------------------------


def _grids(found: History, class_names: Mapping[str, Sequence[str]]) -> Iterable[Grid]:
    """Figures of each class side by side, and matrices."""
    for source, test in found.tests.items():
        names = [escaped(name) for name in class_names.get(source, ())]
        when = f"{escaped(source)}, after {test.iteration:,} iterations"
        for length in dict.fromkeys(map(len, test.lists.values())):
            yield _columns(test, length, _heads(names, length), when)
        for name, rows in test.tables.items():
            square = len(rows) == len(rows[0])
            heads = _heads(names, len(rows))
            if max(len(rows), len(rows[0])) > LARGEST_TABLE:
                yield _pairs(escaped(name), rows, heads, when)
            else:
                columns = heads if square else [str(k) for k in range(len(rows[0]))]
                yield _matrix(escaped(name), rows, heads, columns, when)


def _heads(names: Sequence[str], classes: int) -> list[str]:
    """The names of classes, if there are as many; else their numbers."""
    return [f"{k} {name}" if name != str(k) else name for k, name in enumerate(names)] if len(names) == classes else [
        str(k) for k in range(classes)
    ]  # fmt: skip


def _columns(test: Figures, length: int, heads: Sequence[str], when: str) -> Grid:
    chosen = {name: cells for name, cells in test.lists.items() if len(cells) == length}
    tops = {name: max([abs(x) for x in cells if math.isfinite(x)], default=0.0) for name, cells in chosen.items()}
    rows = [
        (head, tuple(_cell(cells[k], tops[name] if tops[name] > 1 else 1.0) for name, cells in chosen.items()))
        for k, head in enumerate(heads)
    ]
    return Grid("by class", when, tuple(map(escaped, chosen)), tuple(rows))


def _matrix(
    name: str, rows: Sequence[Sequence[float]], heads: Sequence[str], columns: Sequence[str], when: str
) -> Grid:
    """Cells shaded by their share of the row."""
    sums = [sum(abs(x) for x in row if math.isfinite(x)) for row in rows]
    made = [(head, tuple(_cell(x, total) for x in row)) for head, row, total in zip(heads, rows, sums, strict=True)]
    return Grid(name, f"{when}; a row for each label, a column for each prediction", tuple(columns), tuple(made))


def _pairs(name: str, rows: Sequence[Sequence[float]], heads: Sequence[str], when: str) -> Grid:
    """The largest cells off the diagonal."""
    cells = [(x, i, j) for i, row in enumerate(rows) for j, x in enumerate(row) if i != j and math.isfinite(x) and x]
    cells = sorted(cells, key=lambda cell: (-cell[0], cell[1], cell[2]))[:MOST_PAIRS]
    columns = heads if len(heads) == len(rows[0]) else [str(k) for k in range(len(rows[0]))]
    made = [(f"{heads[i]} taken for {columns[j]}", (_cell(x, cells[0][0]),)) for x, i, j in cells]
    return Grid(
        name, f"{when}; {len(rows)} x {len(rows[0])}, the {len(made)} pairs confused most", ("count",), tuple(made)
    )


def _cell(value: float, whole: float) -> Cell:
    if math.isnan(value):
        return Cell("-")
    share = abs(value) / whole if whole > 0 and math.isfinite(value) else 0.0
    return Cell(number(value), round(min(share, 1.0), 3))


# -- layers -----------------------------------------------------------------------------


def _layers(inspection: Inspection | None) -> list[dict[str, Any]]:
    """Rows of the table of layers."""
    if inspection is None:
        return []
    every = sum(row.flops_forward + row.flops_backward for row in inspection.layers)
    return [
        {
            "name": escaped(row.name),
            "type": row.type,
            "output": ", ".join(tables.shape(blob.shape) for blob in row.tops),
            "params": tables.count(row.param_count) if row.param_count else "",
            "share": Cell(f"{100 * share:.1f} %", round(share, 3)) if share else Cell(""),
        }
        for row in inspection.layers
        for share in [(row.flops_forward + row.flops_backward) / every if every else 0.0]
    ]


def _totals(inspection: Inspection | None) -> str:
    if inspection is None:
        return ""
    totals = inspection.totals
    memory = ", ".join(f"{key.replace('_', ' ')} {tables.size(n)}" for key, n in inspection.memory.items())
    return (
        f"{len(inspection.layers)} layers, {totals['params']:,} parameters; a step of batch {inspection.batch}: "
        f"{tables.scaled(totals['flops_forward'], 'FLOP')} forward, "
        f"{tables.scaled(totals['flops_backward'], 'FLOP')} backward; memory: {memory}"
    )


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
