"""The examples in the documentation of layers: from the few words of a docstring to a spec that runs."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.spec.layer import Layer

INPUTS = {"x": "[3, 6, 6]", "y": "[3, 6, 6]", "rows": "[5]", "label": "[]"}
"""What an example may name as a bottom without saying what it is: the shape of an item."""

BATCH = 2

_SECTION = re.compile(r"^Example\n((?:[ \t]+.*\n|\n)+)", re.MULTILINE)
_BOTTOM = re.compile(r"\bbottom:\s*(\[[^]]*\]|\{[^}]*\}|[\w/]+)")
_NAME = re.compile(r"\bname:\s*([\w/]+)")
_TYPE = re.compile(r"\btype:\s*(\w+)")


def example_text(cls: type[Layer]) -> str | None:
    """Return the section ``Example`` of a class as it is written, None without one."""
    found = _SECTION.search(inspect.cleandoc(cls.__doc__ or "") + "\n")
    return textwrap.dedent(found[1]).strip() if found else None


def example_spec(cls: type[Layer]) -> str | None:
    """Return the example of a class as a spec, None without one.

    It is written as one entry ``{type: .., ..}``, a list of them, or a spec. An
    entry may go without a name; the first without a bottom reads ``x``; the
    blobs of `INPUTS` need no ``inputs``.
    """
    text = example_text(cls)
    if text is None:
        return None
    if not text.startswith(("{", "- ")):
        return text + "\n"
    entries = text if text.startswith("- ") else f"- {text}"
    if "name:" not in entries:
        entries = _TYPE.sub(lambda found: f"name: {_name(found[1])}, {found[0]}", entries, count=1)
    lines = ["layers:", textwrap.indent(entries, "  ")]
    used = _inputs(cls, entries)
    if used:
        lines.insert(0, f"inputs: {{{', '.join(f'{name}: {INPUTS[name]}' for name in used)}}}")
    return "\n".join(lines) + "\n"


def _inputs(cls: type[Layer], entries: str) -> list[str]:
    """Which of `INPUTS` the entries read and do not make."""
    read = {name for bottom in _BOTTOM.findall(entries) for name in re.findall(r"[\w/]+", bottom)}
    first = entries.partition("\n- ")[0]
    if "bottom:" not in first and (cls.bottoms[1] != 0 or not re.search(rf"\btype: {cls.type_name}\b", first)):
        read.add("x")
    return [name for name in INPUTS if name in read - set(_NAME.findall(entries))]


def _name(type_name: str) -> str:
    """A layer's name after its type: ``group_norm`` of GroupNorm, ``prelu`` of PReLU."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", type_name).lower()
