"""``netspec gradcheck``: whether the compiled gradient is right."""

from __future__ import annotations

from typing import Literal

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import device_options, echo_json, training_options
from runtime.errors import NumericError, UsageError


@click.command("gradcheck")
@training_options
@device_options
@click.option("--samples", type=click.IntRange(min=1), default=64, show_default=True, help="Elements a tensor.")
@click.option(
    "--mode",
    type=click.Choice(("reverse", "forward")),
    default="reverse",
    show_default=True,
    help="The backward steps, or directional derivatives.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of weights and inputs.")
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
    samples: int,
    mode: Literal["reverse", "forward"],
    seed: int,
) -> None:
    """Compare the compiled gradient with centred differences in float64.

    Inputs are random numbers; the batch is at most 4 unless --batch says otherwise. Elements next to a kink are
    skipped and counted. Ends with exit code 5 if a gradient is wrong.
    """
    from netspec.reports.gradcheck import gradcheck
    from netspec.training.progress import Reporter
    from runtime.cache import watching

    if phase == "test":
        raise UsageError("gradcheck needs phase train: phase test has no gradients")
    found = loaded(spec, overrides, stages, strict, device)
    resolved(found, "train", batch, strict)
    with watching(Reporter().compiling):
        result = gradcheck(found, batch, samples, device, threads, seed, mode=mode)
    if format == "json":
        echo_json(result.to_dict())
    else:
        click.echo(result.to_text(), nl=False)
    if not result.passed:
        verdicts = {check.name: check.verdict(result.tolerance) for check in result.checks}
        wrong = ", ".join(name for name, verdict in verdicts.items() if verdict == "wrong")
        unknown = ", ".join(name for name, verdict in verdicts.items() if verdict == "kinks")
        parts = [f"wrong gradients: {wrong}"] if wrong else []
        parts += [f"too many kinks to tell: {unknown}; a smaller --batch has fewer"] if unknown else []
        raise NumericError("; ".join(parts) or "gradcheck failed")
