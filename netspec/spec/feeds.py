"""What a net is fed from: the data of a phase, or of one of the further tests (``test_NAME``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.rules import PHASES
from runtime.errors import UsageError

if TYPE_CHECKING:
    from netspec.solvers.base import Solver

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Feed:
    """A net that a spec can be asked for.

    Attributes
    ----------
    name
        ``train``, ``test`` or ``test_NAME``: the key in ``data``.
    phase
        ``train`` or ``test``.
    stages
        Those that are set; the name of a further test is one.
    """

    name: str
    phase: str
    stages: frozenset[str]

    def of(self, data: Mapping[str, T]) -> dict[str, T]:
        """Return what is kept for each phase, for phase test that of this feed."""
        keys = {"train": "train", "test": self.name if self.phase == "test" else "test"}
        return {phase: data[key] for phase, key in keys.items() if key in data}


def further_tests(data: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the further test sources among the keys of the data."""
    return tuple(name for name in data if name not in PHASES)


def feed_of(name: str, stages: Iterable[str], data: Iterable[str]) -> Feed:
    """Return the feed of a phase or of a further test; a stage named like one turns phase test into it.

    Raises
    ------
    UsageError
        For a name that is neither.
    """
    others, stages = further_tests(data), frozenset(stages)
    if name == "test":
        name = next((other for other in others if other in stages), name)
    if name in PHASES:
        return Feed(name, name, stages)
    if name not in others:
        raise UsageError(f"no phase {name!r}: {', '.join(PHASES)}{''.join(f', {other}' for other in others)}")
    return Feed(name, "test", stages.difference(others) | {name})


def check_test_iter(solver: Solver | None, data: Iterable[str], diagnostics: Diagnostics) -> None:
    """Report keys of a solver's ``test_iter`` that are no test source."""
    given = solver.test_iter if solver is not None else None
    if solver is None or not isinstance(given, Mapping):
        return
    sources = [name for name in data if name != "train"]
    for name in given:
        if name not in sources:
            listed = f"the test sources are {', '.join(sources)}" if sources else "the spec has no test source"
            message = f"test_iter names `{name}`, which is no test source"
            mark = solver.marks.get("test_iter", solver.mark)
            assert mark is not None
            diagnostics.error("E623", mark, message, did_you_mean(name, sources) or listed)
