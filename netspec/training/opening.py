"""A net of phase test with weights in it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from netspec.compiling import compile_spec
from netspec.graph.weights import locate
from netspec.net import Net
from netspec.spec.load import Spec
from netspec.training.progress import Reporter
from netspec.training.weights import load_section, load_weights
from runtime.cache import watching
from runtime.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Run:
    """With what, and where, a net is run.

    Attributes
    ----------
    weights
        A file of weights; None: those that the spec names.
    leave_out
        Layers and parameters that keep what their fillers gave.
    quiet
        Only warnings and errors on stderr.
    tune
        Whether the ways of convolutions are timed.
    """

    weights: str | Path | None = None
    leave_out: Collection[str] = ()
    device: str = "cpu"
    threads: int | None = None
    quiet: bool = False
    tune: bool = False


def check_weights(spec: Spec, run: Run, command: str) -> None:
    """Look for the files of weights, before anything is compiled.

    Raises
    ------
    UsageError
        None are named, or one is not there.
    """
    check_named(spec, run, command)
    check_there(spec, run)


def check_named(spec: Spec, run: Run, command: str) -> None:
    """Raise UsageError if neither the command line nor the spec names weights."""
    if run.weights is None and not spec.weights:
        raise UsageError(f"{command} needs --weights F, or a spec with `weights`: the net is as its fillers left it")


def check_there(spec: Spec, run: Run) -> None:
    """Raise UsageError if a file of weights is not there."""
    if run.weights is not None and not os.path.exists(run.weights):
        raise UsageError(f"{run.weights}: no such file")
    for entry in spec.weights if run.weights is None else ():
        locate(spec, entry)


@contextmanager
def opened(spec: Spec, run: Run, batch_size: int | None, keep: Collection[str] = ()) -> Iterator[Net]:
    """Compile a net for phase test and load its weights; a table of what was loaded goes to stderr unless quiet.

    Raises
    ------
    SpecError
        The spec has mistakes.
    UsageError, StateError
        As `load_weights`.
    """
    with (
        watching(Reporter(run.quiet).compiling),
        closing(
            compile_spec(spec, "test", batch_size, run.device, threads=run.threads, keep=keep, tune=run.tune)
        ) as net,
    ):
        if run.weights is None:
            tables = load_section(net, spec, run.leave_out)
        else:
            tables = [load_weights(net, run.weights, run.leave_out)]
        for table in tables if not run.quiet else ():
            table.print(Console(stderr=True, highlight=False))
        yield net
