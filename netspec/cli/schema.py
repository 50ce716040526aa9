"""``netspec schema``: the JSON schema of specs."""

from __future__ import annotations

import click

import netspec.fillers
import netspec.layers
import netspec.solvers
import netspec.sources  # noqa: F401 (the folders fill the registries)
from netspec.cli.options import echo_json, format_option
from netspec.spec.schema import spec_schema


@click.command("schema")
@format_option
def command(format: str) -> None:
    """Print the JSON schema of specs, for editors.

    Draft-07. Write it to a file and start a spec with
    `# yaml-language-server: $schema=FILE`.
    """
    echo_json(spec_schema())
