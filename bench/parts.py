"""What there is to measure: one job a row."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.cases import CASES
from bench.infer import infer
from bench.size import size
from bench.start_up import start_up
from bench.sweep import sweep
from bench.threads import NETS, threads
from bench.train import train


@dataclass(frozen=True)
class Job:
    """One row: the name of its record, and what measures it."""

    name: str
    run: Callable[[], dict[str, Any]]


def jobs(wanted: argparse.Namespace, available: list[int]) -> list[Job]:
    """The rows of the parts asked for, in the order of the report."""
    parts = list(PARTS) if wanted.part == "all" else [wanted.part] if wanted.part in PARTS else []
    groups = [available[:count] for count in wanted.threads or (len(available),)]
    return [job for part in parts for cores in groups for job in PARTS[part](wanted, cores)]


def _train(wanted: argparse.Namespace, cores: list[int]) -> list[Job]:
    def one(net: str) -> Job:
        def run() -> dict[str, Any]:
            return train(CASES[net], wanted.train, cores, wanted.dtype, wanted.steps, wanted.rounds).to_dict()

        return Job(f"train-{net}-{wanted.dtype}-{len(cores)}", run)

    return [one(net) for net in wanted.nets or CASES]


def _infer(wanted: argparse.Namespace, cores: list[int]) -> list[Job]:
    def one(net: str, batch: int) -> Job:
        def run() -> dict[str, Any]:
            return infer(CASES[net], wanted.infer, cores, batch, wanted.steps, wanted.rounds).to_dict()

        return Job(f"infer-{net}-{batch}-{len(cores)}", run)

    # a net that carries its state is deployed one step at a time: no such row yet
    nets = [net for net in wanted.nets or CASES if CASES[net].batch_axis == 0]
    return [one(net, batch) for net in nets for batch in wanted.batch]


def _start(wanted: argparse.Namespace, cores: list[int]) -> list[Job]:
    def one(net: str) -> Job:
        return Job(f"start-{net}-{len(cores)}", lambda: start_up(net, cores))

    return [one(net) for net in wanted.nets or CASES]


def _size(wanted: argparse.Namespace, cores: list[int]) -> list[Job]:
    return [Job("size", size)]


def _sweep(wanted: argparse.Namespace, cores: list[int]) -> list[Job]:
    return [Job(f"sweep-{len(cores)}", lambda: sweep(cores, wanted.cases, wanted.seed))]


def _threads(wanted: argparse.Namespace, cores: list[int]) -> list[Job]:
    def one(net: str) -> Job:
        return Job(f"threads-{net}-{len(cores)}", lambda: threads(CASES[net], cores, wanted.steps, wanted.rounds))

    return [one(net) for net in wanted.nets or NETS]


PARTS: dict[str, Callable[[argparse.Namespace, list[int]], list[Job]]] = {
    "train": _train,
    "infer": _infer,
    "start": _start,
    "size": _size,
    "sweep": _sweep,
    "threads": _threads,
}
