"""``netspec doctor``: a self-test."""

from __future__ import annotations

import sys

import click

from netspec.cli.options import echo_json, format_option


@click.command("doctor")
@format_option
def command(format: str) -> None:
    """Check this installation.

    Looks at Python, packages, processor, threads, cache and data, trains a small net and compares it with the
    reference, for one thread and for two. Ends with exit code 1 if a check fails.
    """
    from netspec.reports.doctor import diagnose
    from netspec.reports.tables import terminal_width

    found = diagnose()
    if format == "json":
        echo_json(found.to_dict())
    else:
        click.echo(found.to_text(terminal_width()), nl=False)
    if not found.passed:
        sys.exit(1)
