"""``python -m bench --device cuda``: netspec against PyTorch with cuDNN on one GPU.

Training steps of whole nets in turns, as on the CPU; each distinct convolution
of these nets against cuDNN; the bandwidth of maps against that of a copy.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

from bench import machine, records
from bench.gpu_cases import BANDWIDTH_GOAL, BEST_GOAL, CASES, EAGER_GOAL, LOSS_TOLERANCE, Product
from bench.process import ContenderError, Worker
from bench.race import Row, race, started
from bench.ratios import OWN, differences
from bench.tables import ms, number, table, times
from bench.train import CHECK_STEPS
from compiler.compile import compile_graph
from netspec.lowering import build_graph
from netspec.reports.plan import step_case
from netspec.spec.load import load_spec
from netspec.targets import target_of

EAGER = ("torch-nchw", "torch-channels_last")
CONTENDERS = (OWN, *EAGER, "torch-graph", "torch-compiled")
FOLDER = Path("bench/results-gpu")


def train(name: str, math: str, steps: int, rounds: int) -> Row:
    """One net: the first losses compared, then steps timed."""
    case, cores = CASES[name], machine.cores()
    row = Row("gpu", name, case.shape, case.batch, len(cores), math, BEST_GOAL[math].get(name))

    def start(dropout: bool) -> Callable[[str], Worker]:
        return lambda contender: Worker("gpu-train", contender, cores, net=name, math=math, dropout=dropout)

    with started(row, CONTENDERS, start(dropout=False)) as workers:
        for worker in workers:
            row.values[worker.name] += worker.steps(CHECK_STEPS - 1)["values"]
        if not case.dropouts:
            race(row, workers, steps, rounds)
    row.differences = differences(row.values, CONTENDERS)
    row.judge(LOSS_TOLERANCE[math])
    if case.dropouts:  # masks differ between the two: what is timed cannot be what is compared
        losses = dict(row.values)
        with started(row, [name for name in CONTENDERS if name in losses], start(dropout=True)) as workers:
            race(row, workers, steps, rounds)
        row.values = losses
    return row


def products_of(names: Sequence[str]) -> list[Product]:
    """The distinct convolutions and gradients in training steps of these nets."""
    found: dict[Product, None] = {}
    for name in names:
        case = CASES[name]
        net = load_spec(f"specs/{name}.yaml", case.spec_overrides(True)).net("train", batch=case.batch)
        plan = compile_graph(build_graph(net, "f32", solver=net.spec.solver), target_of("cuda", "f32"))
        cases = (step_case(plan, step) for step in plan.steps)
        found.update(dict.fromkeys(Product.of(c) for c in cases if c is not None and len(c.x) == 4))
    return list(found)


def convolutions(names: Sequence[str], math: str) -> list[dict[str, Any]]:
    """Times of each convolution in ms, netspec's and cuDNN's."""
    cores = machine.cores()
    workers = [Worker("gpu-products", name, cores, math=math) for name in (OWN, "torch")]
    rows = []
    try:
        for given in products_of(names):
            own, other = (worker.ask("load", case=given.to_json()) for worker in workers)
            rows.append({"product": given.to_json(), "netspec_ms": own, "cudnn_ms": other})
    finally:
        for worker in workers:
            worker.close()
    return rows


def report(rows: Sequence[Row], products: Sequence[dict[str, Any]], rates: dict[str, float] | None) -> str:
    """The tables in Markdown."""
    lines = ["# netspec and PyTorch on a GPU", ""]
    if rows:
        lines += ["## Training step, ms: shortest (median)", ""]
        columns = ["net", "batch", "math", *CONTENDERS, "to eager", "goal", "to the best", "goal"]
        lines += table(columns, [_train_line(row) for row in rows], left=3)
        lines += [f"- {row.net}, {row.dtype}: {n} left out: {why}" for row in rows for n, why in row.skipped.items()]
    if products:
        lines += ["", "## Convolutions against cuDNN, ms", ""]
        lines += table(
            ["product", "kind", "netspec", "cuDNN", "ratio", "TFLOP/s"], map(_product_line, products), left=2
        )
    if rates is not None:
        share = rates["map"] / rates["copy"]
        lines += ["", f"Maps: {rates['map'] / 1e9:.0f} GB/s, {share:.2f} of a copy's {rates['copy'] / 1e9:.0f} GB/s "]
        lines[-1] += f"(goal {BANDWIDTH_GOAL})."
    return "\n".join(lines) + "\n"


def _train_line(row: Row) -> list[str]:
    own = row.counted.get(OWN)
    eager = [median(row.counted[name]) for name in EAGER if name in row.counted]
    to_eager = min(eager) / median(own) if own and eager else None
    goal = EAGER_GOAL.get(row.net) if row.dtype == "fast" else None
    cells = [ms(row.counted.get(name)) for name in CONTENDERS]
    return [row.net, str(row.batch), row.dtype, *cells, times(to_eager), times(goal), times(row.ratio), times(row.goal)]


def _product_line(row: dict[str, Any]) -> list[str]:
    given = Product.from_json(row["product"])
    rate = 2 * prod(given.y) * prod(given.w[1:]) / (row["netspec_ms"] * 1e9)
    ratio = row["cudnn_ms"] / row["netspec_ms"]
    return [given.label, given.kind, number(row["netspec_ms"]), number(row["cudnn_ms"]), times(ratio), number(rate)]


def main(wanted: argparse.Namespace) -> int:
    """Measures what is asked for; 1 if netspec failed or computes something else than PyTorch."""
    folder = wanted.output if wanted.output != records.FOLDER else FOLDER
    names = list(wanted.nets or CASES)
    rows, right = [], True
    for math in wanted.math:
        for name in names:
            try:
                row = train(name, math, wanted.steps, wanted.rounds)
            except ContenderError as error:
                print(f"gpu-{name}-{math} failed: {error}", file=sys.stderr)
                right = False
                continue
            records.save(folder, f"gpu-{name}-{math}", row.to_dict() | {"machine": machine.describe()})
            rows.append(row)
            right = right and row.agrees
    products = [row for math in wanted.math for row in convolutions(names, math)]
    with_rates = Worker("gpu-rates", OWN, machine.cores())
    rates = with_rates.ask("facts")
    with_rates.close()
    records.save(folder, "gpu-products", {"part": "gpu-products", "rows": products, "rates": rates})
    text = report(rows, products, rates)
    (folder / "bench-gpu.md").write_text(text)
    print(text)
    return 0 if right else 1
