"""``netspec devices``: what nets can run on."""

from __future__ import annotations

import click

from netspec.cli.options import echo_json, format_option


@click.command("devices")
@format_option
def command(format: str) -> None:
    """List the devices that nets can run on."""
    from netspec.reports.devices import devices, to_dict, to_text, why_no_gpu
    from netspec.reports.tables import terminal_width

    found = devices()
    if format == "json":
        echo_json(to_dict(found))
    else:
        click.echo(to_text(found, why_no_gpu(), terminal_width()), nl=False)
