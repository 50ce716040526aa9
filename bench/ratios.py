"""The benchmark's arithmetic: ratios, the reference, agreement, means."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from statistics import median

OWN = "netspec"


def best(ms: Mapping[str, Sequence[float]], of: Callable[[Sequence[float]], float]) -> str | None:
    """The other contender with the lowest ``of`` (min or median) of its times."""
    others = [name for name, times in ms.items() if name != OWN and times]
    return min(others, key=lambda name: of(ms[name]), default=None)


def ratio(ms: Mapping[str, Sequence[float]], of: Callable[[Sequence[float]], float] = median) -> float | None:
    """The best other contender's time over ours: above 1, netspec is faster; None if one of the two is absent."""
    other = best(ms, of)
    if other is None or not ms.get(OWN):
        return None
    return of(ms[other]) / of(ms[OWN])


def difference(own: Sequence[float], other: Sequence[float]) -> float:
    """Largest difference of two series, relative to the largest of the second; infinite where one is not finite."""
    if len(own) != len(other) or not all(map(math.isfinite, [*own, *other])):
        return math.inf
    scale = max((abs(b) for b in other), default=0.0) or 1e-30
    return max((abs(a - b) for a, b in zip(own, other, strict=True)), default=0.0) / scale


def differences(values: Mapping[str, Sequence[float]], names: Sequence[str]) -> dict[str, float]:
    """Of each contender to the first of ``names`` that is not netspec and has values."""
    base = next((name for name in names if name != OWN and name in values), None)
    if base is None:
        return {}
    return {name: difference(found, values[base]) for name, found in values.items() if name != base}


def geometric_mean(numbers: Iterable[float]) -> float:
    """Exponential of the mean logarithm; NaN of none."""
    logs = [math.log(x) for x in numbers]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def met(goal: float | None, found: Collection[float | None]) -> str:
    """``yes`` if all the ratios found reach the goal, ``partly`` if one does, else ``no``; empty without a goal."""
    known = [x for x in found if x is not None]
    if goal is None or not known:
        return ""
    reached = [x >= goal for x in known]
    return "yes" if all(reached) else "partly" if any(reached) else "no"
