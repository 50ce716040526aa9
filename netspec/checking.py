"""``netspec.check``: every diagnostic of a spec, in both phases, without raising."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Environment
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.spec.diagnostics import Diagnostic, Diagnostics, SpecError
from netspec.spec.load import Spec, read_spec
from netspec.spec.marks import Source
from netspec.spec.overrides import Overrides
from netspec.spec.rules import PHASES


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    diagnostics
        Sorted by place.
    sources
        The texts of the files, by name, to show the lines.
    spec
        The spec, None if it could not be read.
    sound
        Whether there was no error before ``strict`` made errors of the warnings.
    """

    diagnostics: list[Diagnostic]
    sources: dict[str, Source]
    spec: Spec | None = None
    sound: bool = False

    def __repr__(self) -> str:
        return f"<CheckResult: {len(self.errors)} errors, {len(self.warnings)} warnings>"

    def __str__(self) -> str:
        """One line a diagnostic; ``ok`` without any."""
        return "\n".join(f"{d.mark}: {d.severity}[{d.code}]: {d.message}" for d in self.diagnostics) or "ok"

    @property
    def ok(self) -> bool:
        """Whether there is no error (with ``strict`` a warning is one)."""
        return not self.errors

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors alone."""
        return [d for d in self.diagnostics if d.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        """The warnings alone."""
        return [d for d in self.diagnostics if d.severity == "warning"]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec check``."""
        return {"diagnostics": [d.to_dict() for d in self.diagnostics]}


def check(
    spec: str | Path | Environment[str, object] | Spec,
    overrides: Overrides = (),
    stages: Iterable[str] = (),
    phase: str | None = None,
    batch: int | None = None,
    strict: bool = False,
) -> CheckResult:
    """Return every diagnostic of a spec.

    Parameters
    ----------
    spec : path, mapping or Spec
        A str is always a path.
    overrides : mapping or iterable of str
        As ``--set``.
    stages : iterable of str
        Stages that are set.
    phase : str, optional
        Only this one; default: both.
    batch : int, optional
        In place of the spec's batch size.
    strict : bool
        Warnings are errors.

    Raises
    ------
    UsageError
        The file is missing.
    """
    diagnostics = Diagnostics()
    loaded: Spec | None = None
    try:
        if isinstance(spec, Spec):
            loaded = spec
            diagnostics.sources, diagnostics.reached = spec.diagnostics.sources, spec.diagnostics.reached
            diagnostics.extend(spec.diagnostics.items)
        else:
            loaded = read_spec(spec, overrides, stages, diagnostics)
        if loaded is not None:
            asked = loaded.feeds if phase is None else tuple(p for p in PHASES if p == phase)
            for each in asked:
                loaded.look_through(each, diagnostics, batch)
    except SpecError as error:  # more diagnostics than anybody reads
        diagnostics = error.diagnostics
    sound = not diagnostics.has_errors
    found = diagnostics.strict() if strict else diagnostics
    return CheckResult(found.items, found.sources, loaded, sound)
