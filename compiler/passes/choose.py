"""choose: the way of every convolution and of its gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

from compiler.accuracy import BOUND, predicted
from compiler.costs import Case, case_of, rates_of, seconds
from compiler.ir import Graph, Op
from compiler.target import Target
from runtime.ways import DIRECT, MATMUL, WAYS, possible

PLAIN = (DIRECT, MATMUL)
"""Ways that every device has and ``math: exact`` allows."""

NO_KERNEL = "there is no kernel for it"
"""Why a way is refused that the device does not have for this operation."""

Measure = Callable[[Case, tuple[str, ...]], Mapping[str, float]]
"""Seconds of each of these ways of a case, measured; a way that it leaves out was not."""


@dataclass(frozen=True)
class Offer:
    """What is known of the ways of a case before one is taken.

    Parameters
    ----------
    seconds
        Ways that may be taken, with the estimate for one core, the plainest first.
    refused
        The other possible ones, each with the reason.
    """

    seconds: Mapping[str, float]
    refused: Mapping[str, str]

    @property
    def best(self) -> str:
        """The way with the smallest estimate; of equal ones the plainest."""
        return min(self.seconds, key=self.seconds.__getitem__)


def offer(case: Case, target: Target) -> Offer:
    """The ways of a case on a target: which are allowed, what they would take, and why others are not."""
    rates = rates_of(target.vector_bytes)
    allowed: dict[str, float] = {}
    refused: dict[str, str] = {}
    for way in possible(case.op, case.x, case.kernel):
        why = _why_not(case, way, target)
        if why:
            refused[way] = why
        else:
            allowed[way] = seconds(case, way, rates)
    return Offer(allowed, refused)


def has_kernel(case: Case, way: str, target: Target) -> bool:
    """Whether the target's device can compute a case this way, allowed or not."""
    return way in PLAIN or way in target.algorithms.get(type(case.op).__name__, ())


def _why_not(case: Case, way: str, target: Target) -> str:
    if way in PLAIN:
        return ""
    if target.exact:
        return "math: exact"
    if not has_kernel(case, way, target):
        return NO_KERNEL
    error, bound = predicted(case, way), BOUND[case.dtype]
    return f"its error of about {error:.0e} is beyond {bound:.0e}" if error > bound else ""


def choose(
    graph: Graph, target: Target, stored: Mapping[str, str] | None = None, measure: Measure | None = None
) -> Graph:
    """Sets the ``algorithm`` of each convolution and of its gradients, and notes it in ``graph.choices``.

    A stored choice is taken if it is still there; else the fastest of the
    allowed ways where they are measured; else the one with the least estimate.
    Estimates are for float32 even in float64, so that a gradient check runs the
    same ways; the bound on the error is the dtype's own.

    Parameters
    ----------
    stored
        Ways by key as an earlier ``graph.choices`` had them, so that a run that is resumed keeps its bits.
    measure
        Asked where more than one way is allowed.
    """
    for key, op, case in convolutions(graph):
        found = offer(case, target)
        way = (stored or {}).get(key, "")
        if way not in found.seconds:
            measured = measure(case, tuple(found.seconds)) if measure and len(found.seconds) > 1 else {}
            way = min(measured, key=lambda w: (measured[w], WAYS.index(w))) if measured else found.best
        op.algorithm = graph.choices[key] = way
    return graph


def convolutions(graph: Graph) -> Iterator[tuple[str, Op, Case]]:
    """Every operation with a choice, in order: a key that names it in each plan of the net, and its case."""
    met: Counter[str] = Counter()
    fixed = not any(op.segment in ("update", "commit") for op in graph.ops)
    for op in graph.ops:
        shapes = tuple(v.shape for v in op.inputs)
        case = case_of(op.prim, shapes, op.outputs[0].shape, graph.dtype) if op.outputs else None
        if case is None or not prod(case.y):
            continue
        layers = "+".join(dict.fromkeys(o.layer for o in op.origin))
        key = f"{graph.phase} {op.prim.kind} {layers}"
        met[key] += 1
        yield key if met[key] == 1 else f"{key} {met[key]}", op, replace(case, fixed=fixed)
