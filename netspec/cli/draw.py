"""``netspec draw``: the layers of a net as a picture."""

from __future__ import annotations

from pathlib import Path

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import echo_json, spec_options


@click.command("draw")
@spec_options
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Ends in .svg, .dot or .mmd.")
@click.option(
    "--as", "form", type=click.Choice(["svg", "dot", "mmd"]), default="mmd", show_default=True,
    help="What goes to stdout without -o.",
)  # fmt: skip
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="Draw blocks inside N others as one node each.")
@click.option("--unfold", is_flag=True, help="Draw every turn of a repeated block.")
def command(
    spec: str,
    overrides: dict[str, str],
    phase: str | None,
    stages: tuple[str, ...],
    batch: int | None,
    strict: bool,
    format: str,
    output: Path | None,
    form: str,
    depth: int | None,
    unfold: bool,
) -> None:
    """Draw the layers of a net, its blocks as boxes.

    One phase, train (test, where that is the only one) unless --phase says so. Each node shows name, type, output
    shape and parameters; turns of a repeated block that are alike are drawn once. The file's ending says what it
    becomes: an SVG drawing, DOT for Graphviz, or Mermaid text; without -o that goes to stdout.
    """
    from netspec.drawing.files import FORMS, draw, form_of, write

    form = form if output is None else form_of(output)
    found = loaded(spec, overrides, stages, strict)
    first = next(iter(found.phases), "train")  # a spec may have data for phase test alone
    picture = draw(resolved(found, phase or first, batch, strict), depth, unfold)
    if output is not None:
        write(output, FORMS[form](picture))
    if format == "json":
        echo_json({**picture.to_dict(), "output": None if output is None else str(output)})
    elif output is None:
        click.echo(FORMS[form](picture), nl=False)
