"""Curves as SVG: scales with round numbers, thinned points, gaps where a number is not finite.

Only numbers are worked out here; the markup is in ``templates/run.html``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Points = Sequence[tuple[int, float]]

WIDTH, HEIGHT = 480, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 10, 40
"""Margins of a chart in pixels; the numbers of the axes stand in them."""

MOST_POINTS = 1500
"""Of one curve: more than a screen has columns, few enough for a page with a dozen charts."""

DECADES = 2.0
"""What spans more is shown on a logarithmic scale where that is allowed."""

COLOURS = 6

LARGEST, SMALLEST = 1e300, 1e-300
"""Beyond these a difference or a quotient of two values may not be a float; what is larger is drawn as a gap."""

_MARKED = 60
"""A curve of at most so many points shows them."""


@dataclass(frozen=True)
class Series:
    """One curve: updates done and values, which need not be finite.

    ``faint`` curves are drawn thin, below the others.
    """

    name: str
    points: Points
    faint: bool = False


@dataclass(frozen=True)
class Tick:
    """A round number and its place in pixels."""

    at: float
    text: str


@dataclass(frozen=True)
class Scale:
    """From values to pixels; ``log`` takes values above 0 only."""

    low: float
    high: float
    first: float
    last: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Pixels from the left or from the top."""
        low, high, x = map(math.log10, (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        return round(self.first + (x - low) / (high - low) * (self.last - self.first), 1)


@dataclass(frozen=True)
class Line:
    """A curve as it is drawn; ``colour`` is ``c0`` to ``c5``, or ``cf`` of a faint one; ``dots`` are (x, y, text)."""

    name: str
    path: str
    faint: bool
    colour: str
    dots: tuple[tuple[float, float, str], ...]
    last: str


@dataclass(frozen=True)
class Chart:
    """A drawing: lines, ticks, and in words what is to be seen."""

    title: str
    description: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    log: bool


def drawable(value: float) -> bool:
    """Whether a value has a place on a scale."""
    return math.isfinite(value) and abs(value) <= LARGEST


def number(value: float) -> str:
    """A figure in a text: four digits, all those before the point where it is large."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def chart(title: str, series: Iterable[Series], may_be_log: bool = False) -> Chart | None:
    """Draw curves over the updates; None where there is no finite number.

    Parameters
    ----------
    title
        What the values are.
    may_be_log
        Take a logarithmic scale if all values are above 0 and span more than two decades.
    """
    kept = [each for each in series if any(drawable(y) for _, y in each.points)]
    if not kept:
        return None
    xs = [x for each in kept for x, _ in each.points]
    ys = [y for each in kept for _, y in each.points if drawable(y)]
    log = may_be_log and min(ys) > SMALLEST and math.log10(max(ys)) - math.log10(min(ys)) > DECADES
    x_scale = Scale(*_whole_range(min(xs), max(xs)), LEFT, WIDTH - RIGHT)
    low, high = _log_range(min(ys), max(ys)) if log else _linear_range(min(ys), max(ys))
    y_scale = Scale(low, high, HEIGHT - BOTTOM, TOP, log)
    ordered = [each for each in kept if each.faint] + [each for each in kept if not each.faint]
    faint = sum(each.faint for each in kept)
    lines = tuple(_line(each, x_scale, y_scale, f"c{(k - faint) % COLOURS}") for k, each in enumerate(ordered))
    y_values = log_ticks(low, high) if log else round_ticks(low, high, 5)
    x_values = [x for x in round_ticks(x_scale.low, x_scale.high, 5) if x == int(x)]
    return Chart(
        title=title,
        description=" ".join(_told(each) for each in kept),
        lines=lines,
        x_ticks=_ticks(x_scale, x_values),
        y_ticks=_ticks(y_scale, y_values),
        log=log,
    )


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most about ``most`` points with the same outline: of each stretch the lowest, the highest and a gap."""
    if len(points) <= most:
        return points
    size = math.ceil(len(points) / (most / 3))
    kept: set[int] = {0, len(points) - 1}
    for start in range(0, len(points), size):
        stretch = range(start, min(start + size, len(points)))
        finite = [k for k in stretch if drawable(points[k][1])]
        gap = next((k for k in stretch if not drawable(points[k][1])), None)
        kept |= {min(finite, key=lambda k: points[k][1]), max(finite, key=lambda k: points[k][1])} if finite else set()
        kept |= set() if gap is None else {gap}
    return [points[k] for k in sorted(kept)]


def round_ticks(low: float, high: float, wanted: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two numbers, about so many."""
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= raw * 0.75)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(k * step, digits) if digits < 300 else k * step for k in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, not every one where there are many."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, math.ceil((last - first) / 8))
    return [10.0**k for k in range(first, last + 1, every)]


def _whole_range(low: int, high: int) -> tuple[float, float]:
    return (low, high) if high > low else (low - 1, high + 1)


def _linear_range(low: float, high: float) -> tuple[float, float]:
    """A little more than the values take; from 0 where they come near it."""
    largest = max(abs(low), abs(high))
    if high - low <= max(1e-5 * largest, SMALLEST):  # a constant, up to what the numbers of an axis tell apart
        room = largest / 2 if largest > SMALLEST else 1.0
        return low - room, high + room
    room = (high - low) / 20
    return 0.0 if 0 <= low < 0.4 * high else low - room, high + room


def _log_range(low: float, high: float) -> tuple[float, float]:
    """Whole powers of ten around the values."""
    return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))


def _ticks(scale: Scale, values: Iterable[float]) -> tuple[Tick, ...]:
    return tuple(Tick(scale(value), _tick_text(value, scale.log)) for value in values)


def _tick_text(value: float, log: bool) -> str:
    """Short, and as it is written by hand: 0.001, 2,000, 50k, 1.5M."""
    size = abs(value)
    if size >= 1e12 or (log and size < 1e-4):
        return f"1e{round(math.log10(value))}" if log else f"{value:.4g}"
    for least, unit, sign in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= least:
            return f"{value / unit:.6g}{sign}"
    return f"{value:,.0f}" if size >= 1000 and value == int(value) else f"{value:.6g}"


def _line(series: Series, x_scale: Scale, y_scale: Scale, colour: str) -> Line:
    points = thinned(series.points)
    finite = [(x, y) for x, y in points if drawable(y)]
    few = not series.faint and len(finite) <= _MARKED
    dots = tuple((x_scale(x), y_scale(y), f"{series.name}, iteration {x}: {number(y)}") for x, y in finite)
    path, colour = _path(points, x_scale, y_scale), "cf" if series.faint else colour
    return Line(series.name, path, series.faint, colour, dots if few else (), number(series.points[-1][1]))


def _path(points: Points, x_scale: Scale, y_scale: Scale) -> str:
    """The ``d`` of an SVG path; a point between two gaps becomes a dot, by its round ends."""
    pieces: list[list[str]] = [[]]
    for x, y in points:
        if drawable(y):
            pieces[-1].append(f"{x_scale(x):g} {y_scale(y):g}")
        elif pieces[-1]:
            pieces.append([])
    return "".join("M" + "L".join(piece if len(piece) > 1 else [*piece, *piece]) for piece in pieces if piece)


def _told(series: Series) -> str:
    """A sentence for those who do not see the drawing."""
    finite = [(x, y) for x, y in series.points if drawable(y)]
    (first, y0), (last, y1) = finite[0], finite[-1]
    lowest, highest = min(finite, key=lambda p: p[1]), max(finite, key=lambda p: p[1])
    gaps = len(series.points) - len(finite)
    return (
        f"{series.name}: {number(y0)} at iteration {first}, {number(y1)} at iteration {last}, "
        f"lowest {number(lowest[1])} at {lowest[0]}, highest {number(highest[1])} at {highest[0]}"
        + (f", not finite {gaps} times." if gaps else ".")
    )
