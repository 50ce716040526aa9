"""``netspec test``."""

from __future__ import annotations

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import device_options, echo_json, spec_options, tune_option, weights_options


@click.command("test")
@spec_options
@device_options
@tune_option
@weights_options
def command(
    spec: str,
    overrides: dict[str, str],
    phase: str | None,
    stages: tuple[str, ...],
    batch: int | None,
    strict: bool,
    format: str,
    device: str,
    threads: int | None,
    tune: bool,
    weights: str | None,
    leave_out: tuple[str, ...],
    quiet: bool,
) -> None:
    """Report losses and metrics over the whole test source.

    The last, partial batch runs at its own size, every sample weighs the same.
    """
    from netspec.training.testing import evaluate_spec

    if phase == "train":
        raise click.UsageError("test works in phase test; `netspec train` trains")
    found = loaded(spec, overrides, stages, strict, device)
    resolved(found, "test", batch, strict)
    report = evaluate_spec(
        found, weights, leave_out=leave_out, batch_size=batch, device=device, threads=threads, quiet=quiet, tune=tune
    )
    if format == "json":
        echo_json(report.to_dict())
    else:
        click.echo(report.to_text(), nl=False)
