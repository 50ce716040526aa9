"""``netspec sample``: text out of a net for sequences."""

from __future__ import annotations

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import device_options, echo_json, spec_options, weights_options


@click.command("sample")
@spec_options
@device_options
@weights_options
@click.option("--length", type=click.IntRange(min=1), default=500, show_default=True, help="Letters or words to draw.")
@click.option(
    "--temperature", type=click.FloatRange(min=0), default=1.0, show_default=True,
    help="Below 1 likely ones become likelier; 0 takes the likeliest.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draws.")
@click.option("--prime", default="", metavar="TEXT", help="What the text begins with.")
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
    weights: str | None,
    leave_out: tuple[str, ...],
    quiet: bool,
    length: int,
    temperature: float,
    seed: int,
    prime: str,
) -> None:
    """Write text with a trained net of characters or words.

    The spec's `sample: {input: .., output: ..}` says which blob is fed with what is drawn from which; its data source,
    what the numbers stand for. The same seed writes the same text.
    """
    from netspec.prediction.sampling import Drawing, sample
    from netspec.training.opening import Run

    if phase == "train":
        raise click.UsageError("sample works in phase test")
    if batch not in (None, 1):
        raise click.UsageError("sample writes one text: --batch 1")
    found = loaded(spec, overrides, stages, strict, device)
    resolved(found, "test", 1, strict)
    run = Run(weights=weights, leave_out=leave_out, device=device, threads=threads, quiet=quiet)
    drawn = sample(found, run, Drawing(length=length, temperature=temperature, seed=seed, prime=prime))
    if format == "json":
        echo_json(drawn.to_dict())
    else:
        click.echo(drawn.text)
