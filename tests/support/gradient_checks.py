"""Gradients against centred differences, in float64 through the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from primitive_cases import Case

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.interpret import Array, run_graph
from compiler.ir import Value
from compiler.verify import verify

STEP = 1e-5
"""With f of order 1: truncation STEP^2 = 1e-10, rounding 1e-16 / STEP = 1e-11."""

DTYPES = {"float64": "f64", "int32": "i32", "uint8": "u8", "bool": "b1"}


def scalar_of(b: Builder, results: Sequence[Value], seed: int) -> Value:
    """The sum of all floating results weighted by random numbers (inputs ``weight0`` ...), as a loss."""
    terms = []
    for k, value in enumerate(results):
        if value.dtype == "f64":
            terms.append(b.sum(value * b.input(f"weight{k}", value.shape)))
    total = b.reshape(terms[0], ())
    for term in terms[1:]:
        total = total + b.reshape(term, ())
    b.graph.loss = total
    return total


def weights_of(b: Builder, seed: int) -> dict[str, Array]:
    """The arrays of ``scalar_of``'s inputs."""
    rng = np.random.default_rng(seed)
    return {n: rng.normal(size=v.shape) for n, v in b.graph.inputs.items() if n.startswith("weight")}


def check_graph(
    b: Builder,
    loss: Value,
    feeds: Mapping[str, Array],
    names: Sequence[str],
    numbers: Mapping[str, float],
    tolerance: float,
) -> None:
    """d(loss)/d(input) along a random direction, for each named input, against centred differences.

    ``tolerance`` is relative to the sum of the absolute terms of the directional derivative.
    """
    inputs = [b.graph.inputs[name] for name in names]
    found = gradients(b, loss, inputs)
    verify(b.graph)
    results = run_graph(b.graph, feeds, scalars=numbers)
    rng = np.random.default_rng(5)
    for name, grad in zip(names, found, strict=True):
        direction = rng.normal(size=feeds[name].shape)
        at = [
            run_graph(b.graph, {**feeds, name: feeds[name] + s * direction}, None, numbers, segments=["forward"]).loss
            for s in (-STEP, STEP)
        ]
        expected = (at[1] - at[0]) / (2 * STEP)
        terms = np.zeros(1) if grad is None else results[grad] * direction
        scale = np.abs(terms).sum() + abs(results.loss) + 1.0
        assert abs(expected - terms.sum()) <= tolerance * scale, (name, expected, terms.sum())


def check_case(case: Case, tolerance: float = 1e-7) -> None:
    """The gradient for each floating operand of a case."""
    b = Builder(dtype="f64")
    feeds = {f"x{k}": a for k, a in enumerate(case.operands)}
    inputs = [b.input(name, a.shape, DTYPES[str(a.dtype)]) for name, a in feeds.items()]
    loss = scalar_of(b, b.emit(case.prim, *inputs), 1)
    names = [name for name, a in feeds.items() if a.dtype == np.float64]
    check_graph(b, loss, {**feeds, **weights_of(b, 1)}, names, case.numbers, tolerance)
