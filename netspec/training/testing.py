"""What ``netspec test`` does: weights into the test phase, the whole source through it."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from netspec.compiling import compile_spec
from netspec.spec.load import Spec
from netspec.spec.render import escaped
from netspec.training.evaluate import Evaluation, evaluate
from netspec.training.log import plain
from netspec.training.progress import Reporter
from netspec.training.weights import load_weights
from runtime.cache import watching
from runtime.errors import UsageError


@dataclass(frozen=True)
class EvaluationReport:
    """Losses and metrics of the test source, and of every ``test_NAME`` source."""

    main: Evaluation
    sources: dict[str, Evaluation]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        others = {name: found.to_dict() for name, found in self.sources.items()}
        result: dict[str, Any] = plain({**self.main.to_dict(), "sources": others})
        return result

    def to_text(self) -> str:
        """Return one figure a line."""
        lines = [f"{self.main.samples:,} samples"]
        lines += [f"{escaped(name)}  {value:.6g}" for name, value in self.main.outputs.items()]
        return "\n".join(lines) + "\n"


def evaluate_spec(
    spec: Spec,
    weights: str | Path | None,
    *,
    leave_out: Collection[str] = (),
    batch_size: int | None = None,
    device: str = "cpu",
    threads: int | None = None,
    quiet: bool = False,
    tune: bool = False,
) -> EvaluationReport:
    """Test a net with the weights of a file; the load table goes to stderr unless ``quiet``.

    Raises
    ------
    UsageError
        No weights, or no test source.
    StateError
        The weights do not fit.
    DataError
        The source cannot be read.
    """
    if weights is None:
        raise UsageError("test needs --weights F: without it the net is as its fillers left it")
    if spec.data.get("test") is None:
        raise UsageError(f"{spec.name}: no test source; give data: one with a phase test")
    if not os.path.exists(weights):
        raise UsageError(f"{weights}: no such file")
    with (
        watching(Reporter(quiet).compiling),
        closing(compile_spec(spec, "test", batch_size, device=device, threads=threads, tune=tune)) as net,
    ):
        table = load_weights(net, weights, leave_out)
        if not quiet:
            table.print(Console(stderr=True, highlight=False))
        found = evaluate(net)
    assert found is not None, "nothing stops a test here"
    return EvaluationReport(found, {})
