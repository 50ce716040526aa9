"""PyYAML's own errors in words for people, with the commonest causes named."""

from __future__ import annotations

import re
from typing import Any

import yaml

from netspec.spec.diagnostics import Diagnostics
from netspec.spec.marks import Mark, Source

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
    ("did not find expected node content", "a value is missing here", None),
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
    ("found duplicate anchor", "YAML anchors are not used in specs", "use `vars`, `defaults` or `blocks`"),
    ("found undefined tag handle", "YAML tags are refused", "delete the tag"),
)


def report(error: yaml.YAMLError, text: str, file: str, diagnostics: Diagnostics) -> None:
    """Turn an error of PyYAML's scanner or parser into a diagnostic with a place."""
    mark: Any = getattr(error, "problem_mark", None)
    context: Any = getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    source = Source(file, text)
    shown = source.line(line) or ""
    message, hint = _words(problem, shown, column)
    place = Mark(file, line, column, column + 1)
    notes: tuple[str, ...] = ()
    if context is not None and (context.line, context.column) != (line - 1, column - 1):
        notes = (f"it began at {file}:{context.line + 1}:{context.column + 1}",)
    diagnostics.error("E104", place, message, hint=hint, notes=(*notes, f"the YAML reader says: {problem}"))


def _words(problem: str, line: str, column: int) -> tuple[str, str | None]:
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        return "a tab indents this line; YAML takes spaces only", "replace the tab by spaces"
    for start, message, hint in _TEXTS:
        if start in problem:
            char = line[column - 1 : column] or "the end"
            return message.format(char=char), _better_hint(line) or hint
    return "this is not YAML", _better_hint(line)


def _better_hint(line: str) -> str | None:
    if re.search(r"[\w\"']:[^\s/\\:]", line) and not re.search(r"[\w\"']:(\s|$)", line):
        return "put a space after the colon: `key: value`"
    if line.count("[") > line.count("]"):
        return "a `[` on this line has no `]`"
    if line.count("{") > line.count("}"):
        return "a `{` on this line has no `}`"
    return None
