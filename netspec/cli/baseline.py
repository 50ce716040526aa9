"""``netspec baseline``: what simple methods reach on the same data."""

from __future__ import annotations

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import data_options, echo_json


@click.command("baseline")
@data_options
@click.option("--train", type=click.IntRange(min=0), default=5000, show_default=True, help="Training samples; 0: all.")
@click.option("--test", type=click.IntRange(min=0), default=1000, show_default=True, help="Test samples; 0: all.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the samples drawn.")
def command(
    spec: str,
    overrides: dict[str, str],
    stages: tuple[str, ...],
    strict: bool,
    format: str,
    train: int,
    test: int,
    seed: int,
) -> None:
    """Report what simple methods reach on a net's data.

    The majority class, linear least squares in closed form, and k nearest neighbours by the sum of differences
    (L1) and of squares (L2), k chosen on a part of the training samples: what the net must beat.
    """
    from netspec.reports.baseline import baseline
    from netspec.reports.tables import terminal_width

    found = loaded(spec, overrides, stages, strict)
    resolved(found, "train", None, strict)
    report = baseline(found, train, test, seed)
    if format == "json":
        echo_json(report.to_dict())
    else:
        click.echo(report.to_text(terminal_width()), nl=False)
