"""``netspec inspect``: shapes, parameters, cost and memory."""

from __future__ import annotations

from typing import Any

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import echo_json, spec_options


@click.command("inspect")
@spec_options
def command(
    spec: str,
    overrides: dict[str, str],
    phase: str | None,
    stages: tuple[str, ...],
    batch: int | None,
    strict: bool,
    format: str,
    **_: Any,
) -> None:
    """Show shapes, parameters, cost and memory of a net.

    One phase at a time, train unless --phase says test.
    Figures are for the whole batch. FLOPs: 2 for a multiply-add, 1 for any other operation; the column `backward` is
    what the plan really computes; `sees` is the receptive field in pixels of the input.
    """
    from netspec.reports.inspect import inspect_net
    from netspec.reports.tables import terminal_width

    found = inspect_net(resolved(loaded(spec, overrides, stages, strict), phase, batch, strict))
    if format == "json":
        echo_json(found.to_dict())
    else:
        click.echo(found.to_text(terminal_width()), nl=False)
        if phase is None:
            click.echo("phases        this is train; --phase test shows the other")
