"""From a resolved net to a graph: layers, loss, gradients, solver.

Everything a training step does is in the one graph: the forward steps, the
guard on the loss, the backward steps that automatic differentiation adds, the
accumulation over ``iter_size`` micro-steps, clipping and the update rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING

from compiler.autodiff import gradients
from compiler.builder import Builder, ParamSpec
from compiler.ir import Graph, Value
from netspec.graph import Net
from netspec.graph.net import blob_name
from netspec.updating import lower_update
from runtime.errors import ResourceError, UsageError
from runtime.expr import arg
from runtime.ops import Guard
from runtime.plan import Origin

if TYPE_CHECKING:
    from netspec.solvers.base import Solver


LARGEST_USE = 64
"""Bytes for each number of a blob or parameter: values, gradients, solver state, scratch, in float64."""


def build_graph(
    net: Net,
    dtype: str = "f32",
    keep: Collection[str] = (),
    solver: Solver | None = None,
    backward: bool = True,
    by_id: bool = False,
    open_files: bool = True,
) -> Graph:
    """The graph of a net in its phase.

    Parameters
    ----------
    net
        The resolved net.
    dtype
        ``f32`` or ``f64``.
    keep
        Blob names whose values (and gradients, in the train phase) stay readable.
    solver
        Update rule; without one the graph ends at the gradients.
    backward
        Whether to differentiate (only in the train phase).
    by_id
        Blobs go by their ids: one that is remade in place is there as often as it is made.
    open_files
        Whether fillers read their files; what a net costs can be said without them.

    Raises
    ------
    ResourceError
        More memory than 64 bits can address.
    UsageError
        A parameter needs a gradient through something that has none.
    """
    b = forward_builder(net, dtype, keep, by_id, open_files)
    if backward and net.phase == "train" and b.graph.loss is not None:
        _train(b, net, keep, solver)
    return b.graph


def forward_builder(
    net: Net, dtype: str = "f32", keep: Collection[str] = (), by_id: bool = False, open_files: bool = True
) -> Builder:
    """A builder whose graph holds the forward steps of a net and its loss; see ``build_graph``."""
    _countable(net)
    b = Builder(net.phase, dtype, net.batch)
    b.opens_files = open_files
    # what a test reads is what the solver makes of the parameters
    b.averaged = net.phase == "test" and net.spec.solver is not None and net.spec.solver.average_weights > 0
    values = _forward(b, net)
    graph = b.graph
    graph.outputs = {blob_name(i): values[i] for i in net.outputs} | graph.outputs  # statistics of metrics behind
    ids = (*net.inputs, *(top for node in net.nodes for top in node.top_ids))
    graph.blobs = {i if by_id else blob_name(i): values[i] for i in ids}
    graph.keep = [v for name, v in graph.blobs.items() if name in keep]
    graph.loss = _loss(b, net, values)
    return b


def _countable(net: Net) -> None:
    """Raise ResourceError for a net whose memory has no addresses: the planner computes with 64 bits."""
    numbers = sum(prod(shape) for shape in net.shapes.values())
    for node in net.nodes:
        shapes = node.layer.param_shapes(*(net.shapes[i] for i in node.bottom_ids))
        numbers += sum(prod(shape) for shape in shapes.values())
    if numbers * LARGEST_USE >= 2**63:
        raise ResourceError(
            f"the net needs about {8 * numbers:.3g} bytes of memory: a smaller --batch or num_output helps"
        )


def _forward(b: Builder, net: Net) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, given in net.inputs.items():
        values[name] = b.input(name, given.shape, "i32" if given.kind == "label" else None)
    for node in (n for n in net.nodes if not n.layer.fed):
        specs = [ParamSpec(p.name, p.lr_mult, p.decay_mult) for p in node.params]
        with b.scope(node.name, "forward", specs, node.lr_mult, node.decay_mult, node.owner):
            made = node.layer.lower(b, *node.read(b, values))
            tops = made if isinstance(made, tuple) else (made,)
            for top, value in zip(node.top_ids, tops, strict=True):
                values[top] = _named(b, value, top)
    return values


def _named(b: Builder, value: Value, name: str) -> Value:
    """The value under a blob's name; one that has a name already (a wire, an input) is copied."""
    if value.op is None or value.name:
        value = b.map(arg(0, value.kind), value.shape, value)
    value.name = name
    return value


def _loss(b: Builder, net: Net, values: dict[str, Value]) -> Value | None:
    """The weighted sum of the losses, shape ()."""
    terms = []
    for node in net.nodes:
        with b.scope(node.name):
            for top, weight in zip(node.top_ids, node.loss_weights, strict=True):
                if weight:
                    total = values[top]
                    if prod(total.shape) > 1:
                        total = b.sum(total)
                    total = b.as_scalar(total)
                    terms.append(total if weight == 1 else total * weight)
    if not terms:
        return None
    with b.scope(next(n.name for n in reversed(net.nodes) if n.is_loss)):
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        if total is values.get(total.name):
            total = b.map(arg(0), (), total)
    return total


def _train(b: Builder, net: Net, keep: Collection[str], solver: Solver | None) -> None:
    graph = b.graph
    assert graph.loss is not None
    with b.segment("guard"), b.scope("loss") as scope:
        scope.extra_origins = tuple(Origin(n.name, "forward") for n in net.nodes if n.is_loss)
        b.emit(Guard(), graph.loss)
    learned = [s for s in graph.states.values() if s.role == "param" and s.lr_mult > 0]
    kept = [n for n, v in graph.blobs.items() if n in keep and v.dtype == b.dtype]
    wrt = [*(s.read for s in learned), *(graph.blobs[n] for n in kept)]
    with differentiable():
        found = gradients(b, graph.loss, wrt)
    with b.segment("backward"):
        for state, gradient in zip(learned, found, strict=False):
            graph.grads[state.name] = _settled(b, state.read, gradient, state.name.rpartition(".")[0])
            if state.name in keep or "all" in keep:
                graph.kept_grads.add(state.name)
        for name, gradient in zip(kept, found[len(learned) :], strict=True):
            graph.blob_grads[name] = _settled(b, graph.blobs[name], gradient, name)
    if solver is not None:
        lower_update(b, solver, learned)


@contextmanager
def differentiable() -> Iterator[None]:
    """Says a missing gradient as a mistake of the spec."""
    try:
        yield
    except NotImplementedError as error:
        raise UsageError(f"{error}; propagate_down: false on that layer's bottom lets no gradient through") from None


def _settled(b: Builder, x: Value, gradient: Value | None, layer: str) -> Value:
    """A gradient that exists (zero where the loss does not depend on x) and is nobody else's."""
    with b.scope(layer, "backward"):
        if gradient is None:
            return b.full(x.shape, 0.0)
        taken = [*b.graph.grads.values(), *b.graph.blob_grads.values(), *b.graph.inputs.values()]
        if any(gradient is v for v in taken) or gradient.op is None or gradient.op.segment != "backward":
            return b.map(arg(0), gradient.shape, gradient)
    return gradient
