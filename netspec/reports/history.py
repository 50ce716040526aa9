"""What a run's log tells, over all its resumes: curves, last figures, how each part ended.

A log may have been cut by a crash or edited by hand: what does not look like a
line of ours is passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Curve = dict[int, float]
"""Values by updates done."""


@dataclass
class Part:
    """A stretch of a run between its start, or a resume, and its end; ``reason`` is None where it has none (yet)."""

    first: int
    last: int
    seconds: float = 0.0
    reason: str | None = None
    exit_code: int | None = None


@dataclass
class Figures:
    """The tests of one source: curves of its scalars, the last lists and tables as rows."""

    samples: int | None = None
    iteration: int = 0
    curves: dict[str, Curve] = field(default_factory=dict)
    lists: dict[str, list[float]] = field(default_factory=dict)
    tables: dict[str, list[list[float]]] = field(default_factory=dict)


@dataclass
class History:
    """A run, in the order of its updates: what a resume has done again counts once, as it was done last."""

    parts: list[Part] = field(default_factory=list)
    rates: Curve = field(default_factory=dict)
    losses: Curve = field(default_factory=dict)
    smoothed: Curve = field(default_factory=dict)
    speeds: Curve = field(default_factory=dict)
    outputs: dict[str, Curve] = field(default_factory=dict)
    tests: dict[str, Figures] = field(default_factory=dict)
    snapshot: str | None = None

    @property
    def iteration(self) -> int:
        """Updates done."""
        return self.parts[-1].last if self.parts else 0

    @property
    def seconds(self) -> float:
        """Of all parts together."""
        return sum(part.seconds for part in self.parts)

    def curves(self) -> Iterable[Curve]:
        """Every curve."""
        yield from (self.rates, self.losses, self.smoothed, self.speeds)
        yield from self.outputs.values()
        for test in self.tests.values():
            yield from test.curves.values()


def history(events: Iterable[object]) -> History:
    """Read the parsed lines of a log, oldest first."""
    found = History()
    for event in events:
        add(found, event)
    return found


def add(found: History, event: object) -> None:
    """Read one more parsed line."""
    if not isinstance(event, Mapping) or _whole(event.get("iter")) is None:
        return
    if event.get("event") == "start" or not found.parts:
        _start(found, event["iter"])
    part = found.parts[-1]
    part.last = max(part.last, event["iter"])
    part.seconds = max(part.seconds, _finite(event.get("time")))
    reader = _READERS.get(str(event.get("event")))
    if reader is not None:
        reader(found, event)


def _start(found: History, iteration: int) -> None:
    """A resume from a snapshot does again what came behind it."""
    found.parts.append(Part(iteration, iteration))
    for curve in found.curves():
        for later in [x for x in curve if x > iteration]:
            del curve[later]


def _display(found: History, event: Mapping[str, Any]) -> None:
    iteration = event["iter"]
    keys = {"lr": found.rates, "loss": found.losses, "smoothed_loss": found.smoothed, "images_per_s": found.speeds}
    for key, curve in keys.items():
        if (value := _number(event.get(key))) is not None:
            curve[iteration] = value
    for name, output in _outputs(event):
        if (value := _number(output)) is not None:
            found.outputs.setdefault(name, {})[iteration] = value


def _test(found: History, event: Mapping[str, Any]) -> None:
    test = found.tests.setdefault(str(event.get("source", "test")), Figures())
    test.samples, test.iteration = _whole(event.get("samples")), event["iter"]
    for name, output in _outputs(event):
        if (value := _number(output)) is not None:
            test.curves.setdefault(name, {})[event["iter"]] = value
        elif (cells := _cells(output)) is not None:
            test.lists[name] = cells
        elif isinstance(output, list):
            rows = [row for each in output if (row := _cells(each)) is not None]
            if rows and len(rows) == len(output) and len({len(row) for row in rows}) == 1:
                test.tables[name] = rows


def _snapshot(found: History, event: Mapping[str, Any]) -> None:
    if isinstance(event.get("path"), str):
        found.snapshot = event["path"]


def _end(found: History, event: Mapping[str, Any]) -> None:
    found.parts[-1].reason = str(event.get("reason"))
    found.parts[-1].exit_code = _whole(event.get("exit_code"))


_READERS = {"display": _display, "test": _test, "snapshot": _snapshot, "end": _end}


def _outputs(event: Mapping[str, Any]) -> list[tuple[str, object]]:
    outputs = event.get("outputs")
    return list(outputs.items()) if isinstance(outputs, dict) else []


def _cells(value: object) -> list[float] | None:
    if not isinstance(value, list) or not value:
        return None
    numbers = [number for each in value if (number := _number(each)) is not None]
    return numbers if len(numbers) == len(value) else None


def _number(value: object) -> float | None:
    """A number of the log, with its words for those that are not finite."""
    if isinstance(value, str):
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number with hundreds of digits
        return None


def _finite(value: object) -> float:
    number = _number(value)
    return number if number is not None and math.isfinite(number) else 0.0


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else None
