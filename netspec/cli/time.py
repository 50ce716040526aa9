"""``netspec time``: where the time of a step goes."""

from __future__ import annotations

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import device_options, echo_json, spec_options


@click.command("time")
@spec_options
@device_options
@click.option("--steps", type=click.IntRange(min=1), default=20, show_default=True, help="Whole steps timed.")
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
    steps: int,
) -> None:
    """Measure steps and layers, rates and share of peak.

    Inputs are random numbers. Steps are numbered as in `netspec plan`.
    Whole steps are timed on the fast path; then each step of the plan with a barrier
    behind it. A fused step's time is shared among its layers by FLOPs.
    """
    from netspec.reports.tables import terminal_width
    from netspec.reports.timing import time_spec
    from netspec.training.progress import Reporter
    from runtime.cache import watching

    found = loaded(spec, overrides, stages, strict)
    resolved(found, phase, batch, strict)
    with watching(Reporter().compiling):
        timing = time_spec(found, phase or "train", batch, device, threads, steps)
    if format == "json":
        echo_json(timing.to_dict())
    else:
        click.echo(timing.to_text(terminal_width()), nl=False)
