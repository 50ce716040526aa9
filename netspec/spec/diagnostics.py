"""Everything that is said about a spec: collected, sorted by place, never just the first."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from netspec.spec.codes import CODES
from netspec.spec.marks import Mark, Source
from netspec.spec.render import render
from runtime.errors import NetspecError

Severity = Literal["error", "warning", "note"]
_KEPT = 300  # characters of a message, on both sides of what is cut out
_CANDIDATES = 2000  # names that a near one is looked for among
_WAY = 4  # files that are named on the way to one that another names
LIMIT = 1000  # of diagnostics: a hostile file could hold a hundred thousand mistakes


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that a diagnostic speaks of, for instance a key's first writing."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what is wrong, where, why (``notes``) and what to do (``hint``).

    A note that starts with ``why: `` is printed under that word, any other as a note.
    """

    severity: Severity
    code: str
    message: str
    mark: Mark
    layer: str | None = None
    hint: str | None = None
    notes: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of ``netspec check``."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "file": self.mark.file,
            "line": self.mark.line,
            "column": self.mark.column,
            "layer": self.layer,
            "hint": self.hint,
            "notes": [*self.notes, *(f"{r.text} at {r.mark}" for r in self.related)],
        }


def _cut(text: str) -> str:
    """Keep the ends of a text that quotes something endless."""
    return text if len(text) <= 2 * _KEPT else f"{text[:_KEPT]} .. {text[-_KEPT:]}"


class SpecError(NetspecError):
    """A spec that cannot be used. ``diagnostics`` holds everything found, ``str()`` all of it in text."""

    exit_code = 1

    def __init__(self, diagnostics: Diagnostics) -> None:
        super().__init__()
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        return self.diagnostics.render()


class Diagnostics:
    """The collector that one reading of a spec hands on from step to step."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self.reached: dict[str, tuple[str, Mark]] = {}
        """How the reading came to a file that another one names: ``extended`` at a place."""
        self._items: dict[tuple[str, Mark, str], Diagnostic] = {}
        self._calls: list[tuple[str, Mark]] = []
        self._errors = 0
        self._batch: int | None = None

    def add_source(self, source: Source) -> None:
        """Keep a file's text, so that its lines can be shown."""
        self.sources[source.file] = source

    def error(
        self,
        code: str,
        mark: Mark,
        message: str,
        hint: str | None = None,
        layer: str | None = None,
        notes: Iterable[str] = (),
        related: Iterable[Related] = (),
    ) -> None:
        """Report a mistake; the same one at the same place is kept once (blocks are expanded many times)."""
        self.add(Diagnostic("error", code, message, mark, layer, hint, tuple(notes), tuple(related)))

    def without(self, code: str) -> None:
        """Take back what was reported with a code: it turned out not to hold."""
        for key in [key for key in self._items if key[0] == code]:
            del self._items[key]

    def warning(
        self,
        code: str,
        mark: Mark,
        message: str,
        hint: str | None = None,
        layer: str | None = None,
        notes: Iterable[str] = (),
        related: Iterable[Related] = (),
    ) -> None:
        """Report something that is allowed but probably not meant."""
        self.add(Diagnostic("warning", code, message, mark, layer, hint, tuple(notes), tuple(related)))

    def note(
        self,
        code: str,
        mark: Mark,
        message: str,
        hint: str | None = None,
        layer: str | None = None,
        notes: Iterable[str] = (),
        related: Iterable[Related] = (),
    ) -> None:
        """Report something worth knowing."""
        self.add(Diagnostic("note", code, message, mark, layer, hint, tuple(notes), tuple(related)))

    def add(self, item: Diagnostic) -> None:
        """Take a finished diagnostic, adding where the block it lies in was called.

        Raises
        ------
        SpecError
            When there are more than `LIMIT`: no reader wants them, and each costs time.
        """
        assert item.code in CODES, f"code {item.code} is in no table of netspec.spec.codes"
        item = replace(item, message=_cut(item.message), hint=_cut(item.hint) if item.hint else None)
        if self._calls:  # a name inside the block is shown as written there, so every turn says the same
            inside = re.compile(rf"(?<![\w/-]){re.escape(self._calls[-1][0])}/")
            hint = inside.sub("", item.hint) if item.hint else None
            item = replace(item, message=inside.sub("", item.message), hint=hint)
        self._errors += item.severity == "error"  # a repeated one too: the step that makes it has failed again
        key = (item.code, item.mark, self._without_batch(item))
        if key in self._items:
            return
        notes = (*self._called(item.mark.file), *self._way_to(item.mark.file))
        if more := tuple(note for note in notes if note not in item.notes):  # another collector may have added them
            item = replace(item, notes=item.notes + more)
        self._items[key] = item
        if len(self._items) >= LIMIT:
            raise SpecError(self)

    def _called(self, file: str) -> Iterator[str]:
        """The block instances that a finding in ``file`` lies in, innermost first."""
        for name, mark in reversed(self._calls):
            place = f"line {mark.line}" if mark.file == file else str(mark)
            yield f"in {name}, called at {place}"
            file = mark.file

    def _way_to(self, file: str) -> Iterator[str]:
        """How the reading came to ``file``, through one file after the other."""
        shown = 0
        while file in self.reached and shown < _WAY:
            how, mark = self.reached[file]
            yield f"{file} is {how} at {mark}"
            file, shown = mark.file, shown + 1

    def _without_batch(self, item: Diagnostic) -> str:
        """The message with N for the batch: the same mistake in both phases is one, whatever their batch sizes."""
        if self._batch is None or not item.code.startswith("E4"):
            return item.message
        return re.sub(rf"(?<![\w.])(?<! x ){self._batch}(?![\w.])", "N", item.message)

    @contextmanager
    def of_batch(self, batch: int) -> Iterator[None]:
        """Say that the shapes in what follows have this batch."""
        saved, self._batch = self._batch, batch
        try:
            yield
        finally:
            self._batch = saved

    def extend(self, items: Iterable[Diagnostic]) -> None:
        """Take the diagnostics of another collector."""
        for item in items:
            self.add(item)

    @contextmanager
    def inside(self, calls: Iterable[tuple[str, Mark]]) -> Iterator[None]:
        """Say that what follows lies in these block instances (outermost first) and in no others."""
        saved, self._calls = self._calls, list(calls)
        try:
            yield
        finally:
            self._calls = saved

    @property
    def items(self) -> list[Diagnostic]:
        """All diagnostics, sorted by file, line and column."""
        return sorted(self._items.values(), key=lambda d: (d.mark, d.code, d.message))

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors alone, sorted."""
        return [d for d in self.items if d.severity == "error"]

    @property
    def has_errors(self) -> bool:
        """Whether there is at least one error."""
        return self._errors > 0

    @property
    def error_count(self) -> int:
        """How many errors were reported, repeated ones too: compared before and after a step, it tells a failure."""
        return self._errors

    def strict(self) -> Diagnostics:
        """Return the same with every warning an error."""
        made = Diagnostics()
        made.sources = self.sources
        made.extend(replace(d, severity="error") if d.severity == "warning" else d for d in self.items)
        return made

    def raise_if_errors(self) -> None:
        """Raise `SpecError` if there is an error."""
        if self.has_errors:
            raise SpecError(self)

    def render(self, colour: bool = False) -> str:
        """Return everything as text for people (netspec.spec.render)."""
        return render(self.items, self.sources, colour)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec check``."""
        return {"diagnostics": [item.to_dict() for item in self.items]}


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name most like ``word``, None if none is near; case alone never keeps two apart."""
    by_lower = {name.lower(): name for name in names}
    if word.lower() in by_lower:
        return by_lower[word.lower()]
    found = difflib.get_close_matches(word.lower()[:80], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, names: Iterable[str]) -> str | None:
    """Return "did you mean `x`?" for the nearest name, None if none is near."""
    near = nearest(word, names)
    return None if near is None else f"did you mean `{near}`?"


class Suggester:
    """Near names for the first mistakes of a kind alone: searching is slow, and a hostile file has a thousand.

    Parameters
    ----------
    names : callable
        Gives the names that were possible.
    """

    def __init__(self, names: Callable[[], Iterable[str]], count: int = 20) -> None:
        self._names, self._left = names, count

    def hint(self, word: str) -> str | None:
        """Return "did you mean `x`?", None if no name is near, or enough have been looked for."""
        self._left -= 1
        return did_you_mean(word, list(self._names())[:_CANDIDATES]) if self._left >= 0 else None
