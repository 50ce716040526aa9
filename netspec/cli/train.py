"""``netspec train``."""

from __future__ import annotations

import click

from netspec.cli.nets import loaded, resolved
from netspec.cli.options import device_options, echo_json, spec_options, tune_option


@click.command("train")
@spec_options
@device_options
@tune_option
@click.option("--output", metavar="DIR", help="Folder of the run; default: runs/<name>-<n>.")
@click.option("--weights", metavar="F", help="Begin with these weights, by name.")
@click.option(
    "--except", "leave_out", metavar="NAME", multiple=True, help="A layer or parameter that --weights leaves alone."
)
@click.option("--resume", metavar="F|DIR|auto", help="Go on from a snapshot, to the same bits.")
@click.option("--max-iter", type=click.IntRange(min=0), metavar="N", help="Stop after update N; rates do not change.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed, in place of solver.random_seed.")
@click.option("--quiet", is_flag=True, help="Only warnings and errors on stderr.")
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
    output: str | None,
    weights: str | None,
    leave_out: tuple[str, ...],
    resume: str | None,
    max_iter: int | None,
    seed: int | None,
    quiet: bool,
) -> int:
    """Train a net to the end of its solver.

    Snapshots, log.jsonl, report.html and the resolved spec go into the run's folder. Ctrl-C finishes the step,
    writes a snapshot and exits 130; a second one stops at once.
    """
    from netspec.training.trainer import Trainer

    if phase == "test":
        raise click.UsageError("train works in phase train; `netspec test` runs the test phase")
    found = loaded(spec, overrides, stages, strict, device)
    if "test" in found.phases:
        found.net("test")
    resolved(found, "train", batch, strict)
    trainer = Trainer(
        found,
        output,
        weights=weights,
        leave_out=leave_out,
        resume=resume,
        max_iter=max_iter,
        seed=seed,
        batch_size=batch,
        device=device,
        threads=threads,
        quiet=quiet,
        tune=tune,
    )
    result = trainer.run()
    if format == "json":
        echo_json(result.to_dict())
    return result.exit_code
