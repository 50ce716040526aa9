"""``netspec check``: every diagnostic of specs, without data, numba or a device."""

from __future__ import annotations

import sys

import click

from netspec import checking, sizes
from netspec.cli.main import wants_colour
from netspec.cli.options import echo_json, net_options, spec_path
from netspec.spec.diagnostics import Diagnostic, SpecError
from netspec.spec.load import load_spec
from netspec.spec.marks import Source
from netspec.spec.render import escaped, render, summary


@click.command("check")
@click.argument("specs", metavar="SPEC..", nargs=-1, required=True)
@net_options
@click.option("--sizes", "with_sizes", is_flag=True, help="Also tell which input heights and widths the net accepts.")
def command(specs: tuple[str, ...], overrides: dict[str, str], phase: str | None, stages: tuple[str, ...],
            batch: int | None, strict: bool, format: str, with_sizes: bool) -> int:
    """Report every mistake in specs, of both phases.

    Ends with 1 if there is an error (with --strict: or a warning).
    """
