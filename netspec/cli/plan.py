"""``netspec plan``: the fused plan."""

from __future__ import annotations

from pathlib import Path

import click

from compiler.compile import PASSES
from netspec.cli.nets import loaded, resolved
from netspec.cli.options import echo_json, plan_device_options, spec_options, tune_option


@click.command("plan")
@spec_options
@plan_device_options
@tune_option
@click.option("--all", "every", is_flag=True, help="Show each step of the init segment, not their sum.")
@click.option("--source", is_flag=True, help="Print the source of every kernel.")
@click.option("--dump-passes", type=click.Path(path_type=Path), metavar="DIR", help="Write the graph after each pass.")
@click.option(
    "--disable-pass", "disabled", type=click.Choice(PASSES), multiple=True, help="Leave a pass out (repeatable)."
)
@click.option("--verify", is_flag=True, help="Verify the graph between the passes and the plan at the end.")
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
    every: bool,
    source: bool,
    dump_passes: Path | None,
    disabled: tuple[str, ...],
    verify: bool,
) -> None:
    """Show the fused plan: steps, algorithms, memory, and what was not fused.

    Steps are numbered as in `netspec time`; the first values of all parameters (segment init) are one line unless
    --all. Nothing is compiled or run unless --tune; `about` is an estimate: by the way of a convolution, else by
    arithmetic or memory traffic, whichever takes longer.
    """
    from netspec.reports.plan import plan_net
    from netspec.reports.tables import terminal_width
    from runtime.cpu.cores import thread_count

    net = resolved(loaded(spec, overrides, stages, strict, device), phase, batch, strict)
    report = plan_net(
        net,
        device=device,
        threads=thread_count(threads),
        disabled=disabled,
        verify=verify,
        dump=dump_passes,
        tune=tune,
    )
    if format == "json":
        echo_json(report.to_dict())
    else:
        click.echo(report.source_text() if source else report.to_text(terminal_width(), every), nl=source)
