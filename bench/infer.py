"""Inference: the forward pass of a trained net, as each contender does it best."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.cases import Case
from bench.contenders import why_missing
from bench.export import export
from bench.process import Worker
from bench.race import Row, race, started
from bench.ratios import differences

OUTPUT_TOLERANCE = 1e-3
"""Of the scores, relative to the largest: Winograd's bound for a layer, whose errors average out over a net."""

BATCHES = (1, 16)


def infer(case: Case, names: Sequence[str], cores: list[int], batch: int, steps: int, rounds: int) -> Row:
    """One net and batch: scores compared, then forward passes timed; arguments as of ``bench.train.train``."""
    row = Row("infer", case.name, case.shape, batch, len(cores), goal=1.0)
    needs_file = [name for name in names if name.startswith(("onnx", "opencv")) and why_missing(name) is None]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        failed = export(case.name, batch, path) if needs_file else None
        if failed is not None:
            row.skipped |= dict.fromkeys(needs_file, failed)
        able = [name for name in names if name not in row.skipped]
        given = {"net": case.name, "batch": batch, "onnx": str(path)}
        with started(row, able, lambda name: Worker("infer", name, cores, **given)) as workers:
            scores = {worker.name: worker.ask("result") for worker in workers}
            row.values = {}
            row.differences = differences(scores, names)
            row.judge(OUTPUT_TOLERANCE)
            race(row, workers, steps, rounds)
    return row
