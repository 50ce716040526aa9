"""``netspec check``: every diagnostic of specs, without data, numba or a device."""

from __future__ import annotations

import sys
from typing import Any

import click

from netspec.checking import CheckResult, check
from netspec.cli.options import echo_json, net_options, spec_path
from netspec.sizes import accepted_sizes, sizes_text
from netspec.spec.diagnostics import Diagnostic
from netspec.spec.render import escaped, render, summary, wants_colour
from runtime.errors import UsageError


@click.command("check")
@click.argument("specs", metavar="SPEC..", nargs=-1, required=True)
@net_options
@click.option("--sizes", is_flag=True, help="Also tell which input heights and widths the net accepts.")
def command(
    specs: tuple[str, ...],
    overrides: dict[str, str],
    phase: str | None,
    stages: tuple[str, ...],
    batch: int | None,
    strict: bool,
    format: str,
    sizes: bool,
) -> int:
    """Report every mistake in specs, of both phases.

    Needs neither the data nor a device. Ends with 1 if there is an error (with --strict: or a warning), with 2 if one
    of the specs is missing, after checking the others.
    """
    paths, results, missing = [], [], []
    for spec in specs:
        try:
            path = spec_path(spec)
            results.append(check(path, overrides, stages, phase, batch, strict))
            paths.append(path)
        except UsageError as error:  # the others are checked all the same
            missing.append(str(error))
    if missing and not results:
        raise UsageError("\n".join(missing))
    if format == "json":
        document: dict[str, Any] = {"diagnostics": [d.to_dict() for d in _merged(results)]}
        if sizes:
            document["sizes"] = {str(path): _sizes(result) for path, result in zip(paths, results, strict=True)}
        echo_json(document)
    else:
        for path, result in zip(paths, results, strict=True):
            _print(str(path), result, sizes)
    if missing:
        raise UsageError("\n".join(missing))
    return 0 if all(result.ok for result in results) else 1


def _merged(results: list[CheckResult]) -> list[Diagnostic]:
    return sorted((d for result in results for d in result.diagnostics), key=lambda d: d.mark)


def _sizes(result: CheckResult) -> dict[str, Any] | None:
    """Return which sizes a net accepts, None if it is no net."""
    spec = result.spec
    return None if spec is None or not result.sound else accepted_sizes([spec.net(p) for p in spec.phases]).to_dict()


def _print(path: str, result: CheckResult, sizes: bool) -> None:
    if result.diagnostics:
        click.echo(render(result.diagnostics, result.sources, wants_colour(sys.stdout)))
        click.echo("")
    counted = summary(result.diagnostics)
    verdict = "ok" if result.ok else "not ok under --strict" if result.sound else "not usable"
    click.echo(f"{escaped(path)}: {verdict}" + (f" ({counted})" if counted else ""))
    if sizes and result.spec is not None and result.sound:
        click.echo(sizes_text(result.spec))
