"""``netspec explain``: what a diagnostic code means, what provokes it, what to do."""

from __future__ import annotations

import click

from netspec.cli.options import echo_json, format_option
from netspec.spec.codes import CODES, Code
from netspec.spec.diagnostics import did_you_mean
from runtime.errors import UsageError


@click.command("explain")
@click.argument("code", metavar="[CODE]", required=False)
@format_option
def command(code: str | None, format: str) -> None:
    """Explain a diagnostic code.

    Without CODE, list them all.
    """
    if code is None:
        _list(format)
        return
    entry = _found(code)
    if format == "json":
        echo_json({"code": entry.code, "title": entry.title, "text": entry.text})
    else:
        click.echo(f"{entry.code}: {entry.title}\n\n{entry.text}")


def _found(code: str) -> Code:
    entry = CODES.get(code.strip().upper())
    if entry is None:
        hint = did_you_mean(code, CODES) or "`netspec explain` lists them"
        raise UsageError(f"no diagnostic code {code!r}; {hint}")
    return entry


def _list(format: str) -> None:
    entries = [CODES[code] for code in sorted(CODES)]
    if format == "json":
        echo_json({"codes": [{"code": e.code, "title": e.title, "text": e.text} for e in entries]})
        return
    for entry in entries:
        click.echo(f"{entry.code}  {entry.title}")
