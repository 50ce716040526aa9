"""``netspec time``: where the time of a step goes."""

from __future__ import annotations

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import device_options, echo_json, spec_options, tune_option


@click.command("time")
@spec_options
@device_options
@tune_option
@click.option("--steps", type=click.IntRange(min=1), default=20, show_default=True, help="Whole steps timed.")
@click.option("--algorithms", "layer", metavar="LAYER", help="Compare the ways of one layer's convolutions instead.")
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
    steps: int,
    layer: str | None,
) -> None:
    """Measure steps and layers, rates and share of peak.

    Inputs are random numbers. Steps are numbered as in `netspec plan`.
    Whole steps are timed on the fast path; then each step of the plan with a barrier
    behind it. A fused step's time is shared among its layers by FLOPs.
    With --algorithms every way of a layer's convolution and of its gradients is timed alone: ms, effective
    GFLOP/s, the error against float64, and which one a plan takes.
    """
    from netspec.reports.tables import terminal_width
    from netspec.reports.timing import Timing, time_spec
    from netspec.reports.ways import WaysReport, compare_ways
    from netspec.training.progress import Reporter
    from runtime.cache import watching
    from runtime.cpu.cores import thread_count

    found = loaded(spec, overrides, stages, strict, device)
    net = resolved(found, phase, batch, strict)
    report: Timing | WaysReport
    with watching(Reporter().compiling):
        if layer is None:
            report = time_spec(found, phase or "train", batch, device, threads, steps, tune)
        else:
            report = compare_ways(net, layer, device=device, threads=thread_count(threads), tune=tune)
    if format == "json":
        echo_json(report.to_dict())
    else:
        click.echo(report.to_text(terminal_width()), nl=False)
