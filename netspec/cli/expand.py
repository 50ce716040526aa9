"""``netspec expand``: the flat net, itself a spec."""

from __future__ import annotations

import click

from netspec.cli.nets import loaded, tell_warnings
from netspec.cli.options import echo_json, spec_options
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.nodes import in_text, to_value
from netspec.spec.read import read_text


@click.command("expand")
@spec_options
def command(
    spec: str,
    overrides: dict[str, str],
    phase: str | None,
    stages: tuple[str, ...],
    batch: int | None,
    strict: bool,
    format: str,
) -> None:
    """Print the flat net after blocks, variables and defaults.

    The answer is a spec itself, with both phases: the same net, layer by layer.
    """
    found = loaded(spec, overrides, stages, strict)
    if phase is not None or batch is not None:
        found.net(phase or "train", batch=batch)  # the answer holds both phases; these are checked all the same
    text = found.resolved()
    tell_warnings(found, strict)
    if format == "json":
        root = read_text(text, "expanded", Diagnostics())
        assert root is not None, "what expand prints is a spec"
        echo_json(_with_text_keys(to_value(root)))
    else:
        click.echo(text, nl=False)


def _with_text_keys(value: object) -> object:
    """Return plain data with every key a text, as JSON wants it."""
    if isinstance(value, dict):
        return {in_text(key): _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, list) else value
