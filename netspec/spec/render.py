"""Diagnostics as text for people: the source line, a caret under the exact value, why, and what to do.

::

    error[E501]: unknown key `nun_output` in Convolution
     --> net.yaml:4:7
      |
    4 |       nun_output: 20
      |       ^^^^^^^^^^
      = help: did you mean `num_output`?
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspec.spec.diagnostics import Diagnostic
    from netspec.spec.marks import Mark, Source

WIDTH = 120  # columns of a source line that are shown; the rest is cut
TAB = 4
SHOWN = 50  # diagnostics in full; the count tells of the rest
_COLOURS = {"error": "1;31", "warning": "1;33", "note": "1;36", "place": "1;34", "bold": "1"}


def _painter(colour: bool) -> dict[str, str]:
    return {name: f"\x1b[{code}m" for name, code in _COLOURS.items()} if colour else {}


def _paint(text: str, name: str, colour: bool) -> str:
    start = _painter(colour).get(name)
    return f"{start}{text}\x1b[0m" if start else text


def escaped(text: str) -> str:
    """Return text with control and direction characters made visible, so that it cannot drive a terminal."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    if char in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _columns(char: str, at: int) -> tuple[str, int]:
    """Return how a character is shown and how many columns it takes at column ``at``."""
    if char == "\t":
        width = TAB - at % TAB
        return " " * width, width
    shown = _visible(char)
    if len(shown) > 1:
        return shown, len(shown)
    if unicodedata.combining(char):
        return char, 0
    return char, 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _line_and_caret(line: str, first: int, last: int) -> tuple[str, int, int]:
    """Return what is shown of a line, the column of the caret (from 0) and its width.

    ``first .. last - 1`` are the marked characters, from 0. A long line is cut
    on both sides to `WIDTH` characters around the mark.
    """
    start = 0
    if len(line) > WIDTH:
        start = max(0, min(first - WIDTH // 3, len(line) - WIDTH))
    stop = min(len(line), start + WIDTH)
    shown, at, caret, end = "… " if start else "", 2 if start else 0, None, None
    for index in range(start, stop):
        if index == first:
            caret = at
        if index == last:
            end = at
        text, width = _columns(line[index], at)
        shown, at = shown + text, at + width
    caret = at if caret is None else caret
    end = at if end is None else end
    return shown + (" …" if stop < len(line) else ""), caret, max(1, end - caret)


def _snippet(mark: Mark, sources: Mapping[str, Source], sign: str, gutter: int, label: str = "") -> list[str]:
    source = sources.get(mark.file)
    line = source.line(mark.line) if source is not None else None
    if line is None:
        return []
    shown, caret, width = _line_and_caret(line, mark.column - 1, mark.end_column - 1)
    margin = " " * gutter
    pointer = " " * caret + sign * width + (f" {label}" if label else "")
    return [f"{margin} |", f"{mark.line:>{gutter}} | {shown}".rstrip(), f"{margin} | {pointer}"]


def render_one(item: Diagnostic, sources: Mapping[str, Source], colour: bool = False) -> str:
    """Return one diagnostic as lines of text."""
    gutter = len(str(max(item.mark.line, *(r.mark.line for r in item.related), 1)))
    margin = " " * gutter
    head = _paint(f"{item.severity}[{item.code}]", item.severity, colour)
    lines = [f"{head}{_paint(': ' + escaped(item.message), 'bold', colour)}"]
    lines.append(f"{margin}{_paint('-->', 'place', colour)} {escaped(str(item.mark))}")
    lines += _snippet(item.mark, sources, "^", gutter)
    for related in item.related:
        lines.append(f"{margin}{_paint(':::', 'place', colour)} {escaped(str(related.mark))}")
        lines += _snippet(related.mark, sources, "-", gutter, escaped(related.text))
    for note in item.notes:
        word, text = ("why", note[5:]) if note.startswith("why: ") else ("note", note)
        lines.append(f"{margin} {_paint(f'= {word}:', 'place', colour)} {escaped(text)}")
    if item.hint:
        lines.append(f"{margin} {_paint('= help:', 'place', colour)} {escaped(item.hint)}")
    return "\n".join(lines)


def render(items: Iterable[Diagnostic], sources: Mapping[str, Source], colour: bool = False) -> str:
    """Return diagnostics as text, in the order given, an empty line between two."""
    every = list(items)
    blocks = [render_one(item, sources, colour) for item in every[:SHOWN]]
    if len(every) > SHOWN:
        blocks.append(f"and {len(every) - SHOWN} more (`--format json` has all)")
    return "\n\n".join(blocks)


def summary(items: Iterable[Diagnostic]) -> str:
    """Return ``2 errors, 1 warning``; empty without any."""
    every = list(items)
    counts = [(sum(d.severity == severity for d in every), severity) for severity in ("error", "warning", "note")]
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)


def wants_colour(stream: Any) -> bool:
    """Whether a stream is a terminal and ``NO_COLOR`` is not set."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")
