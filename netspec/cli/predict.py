"""``netspec predict``: what a trained net says of a user's own files."""

from __future__ import annotations

from pathlib import Path

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import device_options, echo_json, spec_options, weights_options
from runtime.errors import UsageError


def _others(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise click.BadParameter(f"{text!r} is no NAME=FILE, for instance rois=rois.npy", ctx, parameter)
        found[name] = path
    return found


@click.command("predict")
@spec_options
@click.argument("inputs", metavar="INPUT..", nargs=-1)
@device_options
@weights_options
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True, help="Classes to tell.")
@click.option("--names", metavar="FILE", help="Class names, one a line; default: those of the data source.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Least score of a box.")
@click.option("--blob", "blobs", multiple=True, metavar="NAME", help="Give this blob as it is instead (repeatable).")
@click.option("--input", "others", multiple=True, metavar="NAME=FILE", callback=_others, help="A further input.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write masks, boxes, or blobs as .npy here."
)
@click.option("--resize", is_flag=True, help="Scale pictures to the size that the net takes.")
@click.option("--as-is", is_flag=True, help="Arrays are what the net sees: no mean, scale, crop.")
def command(
    spec: str,
    inputs: tuple[str, ...],
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
    top_k: int,
    names: str | None,
    threshold: float,
    blobs: tuple[str, ...],
    others: dict[str, str],
    output: Path | None,
    resize: bool,
    as_is: bool,
) -> None:
    """Tell what a trained net predicts for files.

    An INPUT is an .npy file (one sample or several), a picture (extra `images`), a folder, or a pattern. Samples are
    prepared as the spec prepares its test data. Told are the best classes, a mask, boxes, a caption, or the numbers of
    whatever the net predicts; --blob gives any blob, -o writes files.
    """
    from netspec.prediction.predicting import Asked, predict
    from netspec.training.opening import Run

    if phase == "train":
        raise click.UsageError("predict works in phase test")
    if not inputs:
        raise UsageError("predict needs an INPUT: an .npy file, a picture, a folder or a pattern")
    found = loaded(spec, overrides, stages, strict, device)
    resolved(found, "test", batch, strict)
    run = Run(weights=weights, leave_out=leave_out, device=device, threads=threads, quiet=quiet)
    asked = Asked(
        inputs=inputs,
        others=others,
        blobs=blobs,
        output=output,
        top_k=top_k,
        threshold=threshold,
        names=names,
        batch=batch,
        as_is=as_is,
        fit=resize,
    )
    report = predict(found, run, asked)
    if format == "json":
        echo_json(report.to_dict())
    else:
        click.echo(report.to_text(), nl=False)
