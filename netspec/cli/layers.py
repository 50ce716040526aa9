"""``netspec layers``: the reference of types and their fields."""

from __future__ import annotations

import inspect
import itertools
import textwrap

import click

import netspec.fillers
import netspec.layers
import netspec.solvers
import netspec.sources  # noqa: F401 (the folders fill the registries)
from netspec import policies
from netspec.cli.options import echo_json, format_option
from netspec.reports.tables import plain_prose, terminal_width
from netspec.spec.conversion import range_text
from netspec.spec.describe import common_fields, default_text, entry_document, field_document, type_text
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.fields import Entry, FieldInfo, fields_of
from netspec.spec.registry import FILLERS, LAYERS, POLICIES, SOLVERS, SOURCES, Registry
from netspec.spec.schema import first_line, own_fields
from runtime.errors import UsageError

_ENTRIES = "Any entry also takes `repeat` and `each`; one with `block` in place of `type` is an instance of that block."
_REGISTRIES = (LAYERS, FILLERS, SOLVERS, SOURCES)
_SECTIONS = {"solver": SOLVERS, "data": SOURCES}
"""Sections of a spec that are typed entries: the name of one stands for the list of its types."""


@click.command("layers")
@click.argument("type_name", metavar="[TYPE]", required=False)
@format_option
def command(type_name: str | None, format: str) -> None:
    """List the layer types, or the fields of one.

    TYPE may also be a filler, a solver, a data source, a policy, or one of the words solver and data.
    """
    typed = any(registry.get(type_name or "") for registry in _REGISTRIES)
    rate = None if type_name is None or typed else policies.find(type_name)
    if rate is not None:
        _policy(rate, format)
        return
    section = _SECTIONS.get(type_name or "")
    chosen = list(LAYERS if section is None else section) if type_name is None or section else [_found(type_name)]
    if format == "json":
        echo_json({"layers": [entry_document(cls) for cls in chosen]})
    elif type_name is None or section is not None:
        _list(_REGISTRIES if section is None else (section,))
    else:
        click.echo(_page(chosen[0]))


def _found(name: str) -> type[Entry]:
    for registry in _REGISTRIES:
        cls = registry.get(name)
        if cls is not None:
            return cls
    names = [known for registry in (*_REGISTRIES, POLICIES) for known in registry.names()]
    hint = did_you_mean(name, names)
    raise UsageError(f"no type {name!r}; {hint or '`netspec layers` lists them'}")


def _policy(cls: type[policies.Policy], format: str) -> None:
    """Print a learning-rate policy: its fields are those of the solver."""
    doc = inspect.cleandoc(cls.__doc__ or "")
    solver = {info.key: info for registered in SOLVERS for info in fields_of(registered)}
    fields = [solver[name] for name in ("base_lr", *cls.needs())]
    if format == "json":
        document = {"type": cls.type_name, "fields": [field_document(info) for info in fields], "doc": doc}
        echo_json({"layers": [document]})
        return
    room = terminal_width()
    rows = _rows(fields, room)
    head = f"{cls.type_name} ({POLICIES.kind})"
    lines = [head, "", plain_prose(doc), "", "Fields of the solver that it reads", *rows]
    click.echo("\n".join(lines))


def _list(registries: tuple[Registry, ...]) -> None:
    width = max(len(cls.type_name) for registry in registries for cls in registry)
    for registry in registries:
        click.echo(f"{registry.kind}s:")
        for cls in registry:
            head, room = f"  {cls.type_name:<{width}}  ", terminal_width()
            click.echo(_hanging(head, plain_prose(first_line(cls)), room))
        click.echo("")
    click.echo("`netspec layers TYPE` shows the fields of one.")


def _page(cls: type[Entry]) -> str:
    room = terminal_width()
    kind = cls.registry.kind if cls.registry is not None else "entry"
    others = LAYERS.spellings(cls.type_name)[1:] if cls.registry is LAYERS else []
    also = f", also {', '.join(others)}" if others else ""
    lines = [f"{cls.type_name} ({kind}{also})", "", _prose(cls, room), "", "Fields"]
    own = own_fields(cls)
    lines += _rows(own, room) or ["  none of its own"]
    if common := common_fields(cls):
        lines += ["", "Fields of every layer", *_rows(common, room), "", _hanging("", _ENTRIES, room)]
    return "\n".join(lines)


def _prose(cls: type[Entry], room: int) -> str:
    """The class's documentation; paragraphs with a line too long for the terminal are set anew."""
    made: list[str] = []
    lines = plain_prose(inspect.cleandoc(cls.__doc__ or "")).splitlines()
    for (_, indent), group in itertools.groupby(lines, key=_block):
        paragraph = list(group)
        if any(len(line) > room for line in paragraph):
            paragraph = _hanging(indent, " ".join(line.strip() for line in paragraph), room).splitlines()
        made += paragraph
    return "\n".join(made)


def _block(line: str) -> tuple[bool, str]:
    """What lines of one paragraph have in common: none is empty, and their indentation."""
    return bool(line), line[: len(line) - len(line.lstrip())]


def _hanging(head: str, text: str, room: int) -> str:
    indent = " " * min(len(head), room // 2)
    return textwrap.fill(text, room, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False)


def _rows(fields: list[FieldInfo], room: int) -> list[str]:
    """The fields side by side where they fit, else each with its documentation below."""
    rows = [
        (info.key, type_text(info.type, info.spec), default_text(info), plain_prose(_about(info))) for info in fields
    ]
    widths = [min(34, max((len(row[n]) for row in rows), default=0)) for n in range(3)]
    beside = sum(widths) + 8 + 30 <= room
    lines = []
    for key, kind, default, doc in rows:
        if beside and len(kind) <= widths[1]:
            head = f"  {key:<{widths[0]}}  {kind:<{widths[1]}}  {default:<{widths[2]}}  "
            lines += _hanging(head, doc, room).splitlines()
        else:
            head = f"  {key}: {kind}" + (
                f", {default}" if default == "required" else f" = {default}" if default else ""
            )
            lines += [*_hanging(head[:2], head[2:], room).splitlines(), *_hanging(" " * 6, doc, room).splitlines()]
    return lines


def _about(info: FieldInfo) -> str:
    spec = info.spec
    extras = [range_text(spec), spec.unit, f"also `{'`, `'.join(spec.alias)}`" if spec.alias else None]
    shown = "; ".join(part for part in extras if part)
    return f"{spec.doc} ({shown})" if shown else spec.doc
