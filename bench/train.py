"""A training step (forward, backward, SGD with momentum and weight decay) of each contender."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.cases import Case
from bench.process import Worker
from bench.race import Row, race, started
from bench.ratios import differences

CHECK_STEPS = 5
LOSS_TOLERANCE = 1e-3
"""Relative; both sides sum in float32 in different orders, and five updates amplify that."""


def train(case: Case, names: Sequence[str], cores: list[int], dtype: str, steps: int, rounds: int) -> Row:
    """One net: the first losses compared, then steps timed.

    Parameters
    ----------
    cores
        CPUs that every contender is pinned to, with as many threads.
    dtype
        ``f32`` or ``f64``.
    steps
        At least so many timed steps a contender.
    rounds
        Turns they are divided into.
    """
    row = Row("train", case.name, case.shape, case.batch, len(cores), dtype, case.goal if dtype == "f32" else None)

    def start(dropout: bool) -> Callable[[str], Worker]:
        return lambda name: Worker("train", name, cores, net=case.name, dtype=dtype, dropout=dropout)

    with started(row, names, start(dropout=False)) as workers:
        for worker in workers:
            row.values[worker.name] += worker.steps(CHECK_STEPS - 1)["values"]
        if not case.dropouts:
            race(row, workers, steps, rounds)
    row.differences = differences(row.values, names)
    row.judge(LOSS_TOLERANCE)
    if case.dropouts:  # masks differ between the two: what is timed cannot be what is compared
        losses = dict(row.values)
        with started(row, [name for name in names if name in losses], start(dropout=True)) as workers:
            race(row, workers, steps, rounds)
        row.values = losses
    return row
