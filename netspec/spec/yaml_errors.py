"""PyYAML's own errors in words for people, with the commonest causes named."""

from __future__ import annotations

import re
from typing import Any

import yaml

from netspec.spec.diagnostics import Diagnostics
from netspec.spec.marks import Mark, Source

_NEVER_CLOSED = (
    "did not find expected ',' or",
    "found unexpected end of stream",
    "found unexpected document indicator",
)
_TEXTS: tuple[tuple[str, str, str | None], ...] = (
    ("found character that cannot start any token", "`{char}` cannot start a value", "put the value into quotes"),
    (
        "mapping values are not allowed",
        "a `key: value` cannot stand here",
        "check the indentation of this line and the one above; a text with `: ` in it needs quotes",
    ),
    ("could not find expected ':'", "this line is no `key: value`", "write `key: value`, with a space after the colon"),
    (
        "did not find expected ',' or ']'",
        "this list is never closed, or lacks a comma",
        "check its brackets and commas",
    ),
    (
        "did not find expected ',' or '}'",
        "this mapping is never closed, or lacks a comma",
        "check its braces and commas",
    ),
    (
        "did not find expected '-' indicator",
        "this line does not belong to the list above",
        "indent the items of a list alike",
    ),
    (
        "did not find expected key",
        "this line does not belong to the mapping above",
        "indent the keys of a mapping alike",
    ),
    ("found unexpected end of stream", "a quoted text is never closed", "put the missing quote"),
    ("found unexpected document indicator", "a quoted text is never closed", "put the missing quote"),
    ("did not find expected node content", "a value is missing here", "write a value, or delete the comma or colon"),
    (
        "block sequence entries are not allowed",
        "a list item cannot stand here",
        "start the list on a line of its own, or write it in brackets",
    ),
    (
        "found unknown escape character",
        "this escape sequence is not known",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    ("found undefined tag handle", "YAML tags are refused", "delete the tag"),
    (
        "did not find expected <document start>",
        "a second value stands after the end of the spec",
        "a spec is one mapping",
    ),
)
_GLUED = re.compile(r"""^\s*(?:-\s+)?["']?[\w-]+["']?(:)[^\s/\\:]""")


def report(error: yaml.YAMLError, text: str, file: str, diagnostics: Diagnostics) -> None:
    """Turn an error of PyYAML's scanner or parser into a diagnostic with a place."""
    mark: Any = getattr(error, "problem_mark", None)
    context: Any = getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    source = Source(file, text)
    place = Mark.start(file) if mark is None else _inside(source, _mark(file, mark))
    message, hint = _words(problem, source.line(place.line) or "", place.column)
    notes: tuple[str, ...] = ()
    lost_key = "mapping values are not allowed" in problem or "could not find expected ':'" in problem
    if lost_key and (glued := _glued_colon(source, place)):
        place, message, hint = glued, "there is no space after this colon", "write `key: value`"
    elif lost_key and (above := _line_without_colon(source, place)):
        place, message, hint = above, "this line is no `key: value`", "write `key: value`, with a colon and a space"
    elif context is not None and problem.startswith(_NEVER_CLOSED) and context.line + 1 != place.line:
        notes = (f"the end was still missing at {place}",)
        place = _mark(file, context)
        hint = _open_bracket(source.line(place.line) or "") or hint
    diagnostics.error("E104", place, message, hint=hint, notes=(*notes, f"the YAML reader says: {problem}"))


def _mark(file: str, mark: Any) -> Mark:
    return Mark(file, mark.line + 1, mark.column + 1, mark.column + 2)


def _inside(source: Source, place: Mark) -> Mark:
    """Return the end of the text for a place behind it: an error at the end is said to be on a line that is none."""
    if source.line(place.line) is not None:
        return place
    last = len(source.lines)
    end = len(source.lines[-1]) + 1
    return Mark(place.file, last, end, end)


def _glued_colon(source: Source, place: Mark) -> Mark | None:
    """Return the colon without a space on the line of an error or just above, which is what YAML stumbled over."""
    for number in (place.line, place.line - 1):
        if found := _GLUED.match(source.line(number) or ""):
            return Mark(place.file, number, found.start(1) + 1, found.start(1) + 2)
    return None


def _line_without_colon(source: Source, place: Mark) -> Mark | None:
    """Return the line above an error if it holds a plain text where a ``key: value`` is due."""
    line = source.line(place.line - 1) or ""
    found = re.match(r"\s*([^\s#:\-][^:#]*?)\s*$", line)
    if found is None or found.start(1) != len(line) - len(line.lstrip()):
        return None
    return Mark(place.file, place.line - 1, found.start(1) + 1, found.end(1) + 1)


def _words(problem: str, line: str, column: int) -> tuple[str, str | None]:
    indent = line[: len(line) - len(line.lstrip())]
    char = line[column - 1 : column]
    if "\t" in indent or char == "\t":
        return "a tab indents this line; YAML takes spaces only", "replace the tab by spaces"
    for start, message, hint in _TEXTS:
        if start in problem:
            return message.format(char=char or "the end of the line"), _open_bracket(line) or hint
    return "this is not YAML", _open_bracket(line) or "put texts with special characters into quotes"


def _open_bracket(line: str) -> str | None:
    """Return a hint for a bracket that this line opens and does not close."""
    code = re.sub(r"\"[^\"]*\"|'[^']*'|#.*", "", line)
    for opening, closing in ("[]", "{}"):
        if code.count(opening) > code.count(closing):
            return f"a `{opening}` on this line has no `{closing}`"
    return None
