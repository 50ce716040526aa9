"""``netspec layers``: the reference of types and their fields."""

from __future__ import annotations

import textwrap

import click

import netspec.fillers
import netspec.layers
import netspec.solvers
import netspec.sources  # noqa: F401 (the folders fill the registries)
from netspec.cli.options import echo_json, format_option
from netspec.spec.conversion import range_text
from netspec.spec.describe import common_fields, default_text, entry_document, type_text
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.fields import Entry, FieldInfo
from netspec.spec.registry import FILLERS, LAYERS, SOLVERS, SOURCES
from netspec.spec.schema import first_line, own_fields
from runtime.errors import UsageError

_ENTRIES = "Any entry also takes `repeat` and `each`; one with `block` in place of `type` is an instance of that block."
_REGISTRIES = (LAYERS, FILLERS, SOLVERS, SOURCES)


@click.command("layers")
@click.argument("type_name", metavar="[TYPE]", required=False)
@format_option
def command(type_name: str | None, format: str) -> None:
    """List the layer types, or the fields of one.

    TYPE may also be a filler, a solver or a data source.
    """
    chosen = list(LAYERS) if type_name is None else [_found(type_name)]
    if format == "json":
        echo_json({"layers": [entry_document(cls) for cls in chosen]})
    elif type_name is None:
        _list()
    else:
        click.echo(_page(chosen[0]))


def _found(name: str) -> type[Entry]:
    for registry in _REGISTRIES:
        cls = registry.get(name)
        if cls is not None:
            return cls
    hint = did_you_mean(name, [known for registry in _REGISTRIES for known in registry.names()])
    raise UsageError(f"no type {name!r}; {hint or '`netspec layers` lists them'}")


def _list() -> None:
    width = max(len(cls.type_name) for registry in _REGISTRIES for cls in registry)
    for registry in _REGISTRIES:
        click.echo(f"{registry.kind}s:")
        for cls in registry:
            click.echo(f"  {cls.type_name:<{width}}  {first_line(cls)}")
        click.echo("")
    click.echo("`netspec layers TYPE` shows the fields of one.")


def _page(cls: type[Entry]) -> str:
    document = entry_document(cls)
    kind = cls.registry.kind if cls.registry is not None else "entry"
    lines = [f"{cls.type_name} ({kind})", "", document["doc"], "", "Fields"]
    own = own_fields(cls)
    lines += _rows(own) or ["  none of its own"]
    if common := common_fields(cls):
        lines += ["", "Fields of every layer", *_rows(common), "", _ENTRIES]
    return "\n".join(lines)


def _rows(fields: list[FieldInfo]) -> list[str]:
    rows = [(info.key, type_text(info.type, info.spec), default_text(info), _about(info)) for info in fields]
    widths = [min(34, max((len(row[n]) for row in rows), default=0)) for n in range(3)]
    lines = []
    for key, kind, default, doc in rows:
        head = f"  {key:<{widths[0]}}  {kind:<{widths[1]}}  {default:<{widths[2]}}  "
        lines += textwrap.wrap(doc, 120, initial_indent=head, subsequent_indent=" " * min(len(head), 60))
    return lines


def _about(info: FieldInfo) -> str:
    spec = info.spec
    extras = [range_text(spec), spec.unit, f"also `{'`, `'.join(spec.alias)}`" if spec.alias else None]
    shown = "; ".join(part for part in extras if part)
    return f"{spec.doc} ({shown})" if shown else spec.doc
