"""What a net is and costs: shapes, parameters, arithmetic, memory, receptive fields.

Nothing is run and no data file is opened; the figures come from the graph
before fusion and from the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from compiler.compile import compile_graph
from compiler.ir import Graph, State, Value
from compiler.passes.simplify import drop_dead, simplify
from compiler.primitives import rule
from compiler.target import Target
from netspec.graph import Net, Node
from netspec.graph.loops import rows_of
from netspec.layers.locally_connected import LocallyConnected
from netspec.layers.resizing import Resizing
from netspec.layers.sliding import Sliding
from netspec.layers.windows import Reach
from netspec.lowering import build_graph
from netspec.reading import SpecLike, load_spec
from netspec.reports import tables
from netspec.reports.receptive import Field, Seen, receptive_fields
from netspec.targets import SMALL
from runtime.plan import ITEM_BYTES, Plan

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Blob:
    """A named array."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class Param:
    """A learnable array as one layer uses it; ``shared_with`` names the owner's where that is another layer."""

    name: str
    shape: Shape
    shared_with: str | None = None

    @property
    def count(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class LayerCost:
    """One row: a layer with its blobs, parameters and arithmetic (whole batch, one step)."""

    name: str
    type: str
    bottoms: tuple[Blob, ...]
    tops: tuple[Blob, ...]
    params: tuple[Param, ...]
    activation_count: int
    flops_forward: int
    flops_backward: int
    receptive_field: tuple[int, ...] | None

    @property
    def param_count(self) -> int:
        """Elements of the parameters it owns."""
        return sum(p.count for p in self.params if p.shared_with is None)

    def to_dict(self) -> dict[str, Any]:
        """Return the layer's object of the JSON document."""
        return {
            "name": self.name,
            "type": self.type,
            "bottoms": [{"name": b.name, "shape": list(b.shape)} for b in self.bottoms],
            "tops": [{"name": b.name, "shape": list(b.shape)} for b in self.tops],
            "params": [
                {"name": p.name, "shape": list(p.shape), "count": p.count, "shared_with": p.shared_with}
                for p in self.params
            ],
            "param_count": self.param_count,
            "activation_count": self.activation_count,
            "flops_forward": self.flops_forward,
            "flops_backward": self.flops_backward,
            "receptive_field": None if self.receptive_field is None else list(self.receptive_field),
        }


@dataclass(frozen=True)
class Inspection:
    """What ``netspec inspect`` tells.

    Attributes
    ----------
    learnable_params
        Elements of the parameters whose lr_mult is above 0.
    state
        Elements of running statistics.
    memory
        Bytes: ``params``, ``gradients``, ``solver``, ``activations_unplanned``
        (every value in memory of its own), ``arena`` (as planned).
    """

    name: str
    phase: str
    batch: int
    layers: tuple[LayerCost, ...]
    learnable_params: int
    state: int
    memory: dict[str, int] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, Any]:
        """The sums over all layers, and the memory."""
        return {
            "params": sum(row.param_count for row in self.layers),
            "learnable_params": self.learnable_params,
            "state": self.state,
            "activations": sum(row.activation_count for row in self.layers),
            "flops_forward": sum(row.flops_forward for row in self.layers),
            "flops_backward": sum(row.flops_backward for row in self.layers),
            "memory": dict(self.memory),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec inspect``."""
        return {
            "name": self.name,
            "phase": self.phase,
            "batch": self.batch,
            "layers": [row.to_dict() for row in self.layers],
            "totals": self.totals,
        }

    def to_text(self, width: int | None = None) -> str:
        """Return the table that the command prints."""
        totals = self.totals
        learnable = (
            "" if totals["params"] == totals["learnable_params"] else f", {totals['learnable_params']:,} learnable"
        )
        memory = ", ".join(f"{key.replace('_', ' ')} {tables.size(n)}" for key, n in self.memory.items())
        return tables.text(
            f"{self.name}, phase {self.phase}, batch {self.batch}",
            "",
            self._table(width),
            "",
            f"parameters    {totals['params']:,}{learnable}"
            + (f"; running state {self.state:,}" if self.state else ""),
            f"activations   {totals['activations']:,}",
            f"a step        {tables.scaled(totals['flops_forward'], 'FLOP')} forward, "
            f"{tables.scaled(totals['flops_backward'], 'FLOP')} backward",
            f"memory        {memory}",
            width=width,
        )

    def _table(self, width: int | None) -> tables.Table:
        """The table of layers: with short figures and without activations where there is no room."""
        columns = ("layer", "type", "output", "parameters", "activations", "flops", "backward", "sees")
        full = tables.table(columns, [_cells(row) for row in self.layers], right=(3, 4, 5, 6, 7))
        if width is None or full.natural() <= width:
            return full
        short = ("layer", "type", "output", "params", "flops", "backward", "sees")
        rows = [_short_cells(row) for row in self.layers]
        return tables.table(short, rows, right=(3, 4, 5, 6), drop=(6, 5), least={2: 18})


def _cells(row: LayerCost) -> tuple[str, ...]:
    sees = "" if row.receptive_field is None else tables.shape(row.receptive_field)
    return (
        row.name,
        row.type,
        ", ".join(tables.shape(b.shape) for b in row.tops),
        tables.count(row.param_count) if row.param_count else "",
        tables.count(row.activation_count) if row.activation_count else "",
        tables.scaled(row.flops_forward) if row.flops_forward else "",
        tables.scaled(row.flops_backward) if row.flops_backward else "",
        sees,
    )


def _short_cells(row: LayerCost) -> tuple[str, ...]:
    name, kind, output, _, _, flops, backward, sees = _cells(row)
    params = tables.scaled(row.param_count) if row.param_count else ""
    return (name, kind, output.replace(" x ", "x"), params, flops, backward, sees.replace(" x ", "x"))


def inspect(
    spec: SpecLike,
    phase: str = "train",
    batch: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    stages: Iterable[str] = (),
) -> Inspection:
    """What the net of a spec is and costs in one phase.

    Parameters
    ----------
    spec
        A path, a dict, or what ``load_spec`` returns.
    phase
        ``train`` or ``test``.
    batch
        Items a step; the phase's own if None.

    Raises
    ------
    SpecError
        With all diagnostics, if the spec has errors.
    """
    return inspect_net(load_spec(spec, overrides).net(phase, batch, stages))


def inspect_net(net: Net) -> Inspection:
    """What a resolved net is and costs."""
    solver = net.spec.solver if net.phase == "train" else None
    graph = build_graph(net, solver=solver, open_files=False)
    drop_dead(graph)
    seen = receptive_fields(graph, *_reaches(net))
    values = {v.name: v for op in graph.ops for v in op.outputs if v.name}
    params = _params(net, graph)
    forward = _flops(graph, "forward", rows_of(net.nodes))
    simplify(graph)
    backward = _flops(graph, "backward", rows_of(net.nodes))
    states = list(graph.states.values())
    plan = compile_graph(graph, Target(small=net.spec.memory == SMALL))
    rows = tuple(
        LayerCost(
            node.name,
            node.type,
            tuple(Blob(name, net.shapes[i]) for name, i in zip(node.bottoms, node.bottom_ids, strict=True)),
            tuple(Blob(name, net.shapes[i]) for name, i in zip(node.tops, node.top_ids, strict=True)),
            params[node.name],
            _activations(net, node),
            forward[node.name],
            backward[node.name],
            _receptive_field(node, seen, values),
        )
        for node in net.nodes
    )
    learnable = sum(prod(s.read.shape) for s in states if s.role == "param" and s.lr_mult > 0)
    state = sum(prod(s.read.shape) for s in states if s.role == "running")
    return Inspection(net.name, net.phase, net.batch, rows, learnable, state, _memory(plan, states))


def _params(net: Net, graph: Graph) -> dict[str, tuple[Param, ...]]:
    """Parameters by layer: those it owns, then those it shares, which its operations read.

    Of parameters whose owner is in another phase alone, the first layer that reads them counts as the owner.
    """
    owners = {s.read: s for s in graph.states.values() if s.role == "param"}
    found: dict[str, dict[str, Param]] = {node.name: {} for node in net.nodes}
    rows = rows_of(net.nodes)
    for state in owners.values():
        layer = rows.get(state.name.rpartition(".")[0])
        if layer is not None:
            found[layer][state.name] = Param(state.name, state.read.shape)
    for op in graph.ops:
        if op.segment != "forward":
            continue
        for state in (owners[v] for v in op.inputs if v in owners):
            owner, _, suffix = state.name.rpartition(".")
            for layer in {o.layer for o in op.origin if rows[o.layer] != rows.get(owner, owner)}:
                name = f"{layer}.{suffix}"
                known = found.setdefault(rows.get(owner, owner), {})
                there = known.setdefault(state.name, Param(name, state.read.shape))
                mine = there if there.name == name else Param(name, state.read.shape, state.name)
                found[rows[layer]][name] = mine
    return {name: tuple(params.values()) for name, params in found.items()}


def _flops(graph: Graph, direction: str, rows: dict[str, str]) -> Counter[str]:
    """Arithmetic operations of each row in ``forward`` or ``backward``."""
    total: Counter[str] = Counter()
    for op in graph.ops:
        layers = [o.layer for o in op.origin if o.direction == direction]
        if layers and op.segment == direction:
            total[rows.get(layers[0], layers[0])] += rule(op.prim).flops(op)
    return total


def _activations(net: Net, node: Node) -> int:
    """Elements of the tops, those remade in place not counted again."""
    fresh = [i for name, i in zip(node.tops, node.top_ids, strict=True) if name not in node.bottoms]
    return sum(prod(net.shapes[i]) for i in fresh)


def _reaches(net: Net) -> tuple[list[str], dict[str, Reach]]:
    """Layers that see everything, and what those see of their bottom whose primitives do not show it."""
    whole: list[str] = []
    reaches: dict[str, Reach] = {}
    for node in net.nodes:
        bottoms = [net.shapes[i] for i in node.bottom_ids]
        if getattr(node.layer, "global_pooling", False):
            whole.append(node.name)
        elif isinstance(node.layer, Resizing):
            reaches[node.name] = node.layer.sees(*bottoms)
        elif isinstance(node.layer, Sliding) and (len(bottoms[0]) != 4 or _gathers_windows(node.layer)):
            reaches[node.name] = node.layer.sees(bottoms[0])
    return whole, reaches


def _gathers_windows(layer: Sliding) -> bool:
    """Whether the windows of a map become the rows of a product."""
    return isinstance(layer, LocallyConnected) or getattr(layer, "pool", None) == "STOCHASTIC"


def _receptive_field(node: Node, seen: dict[Value, Seen], values: dict[str, Value]) -> tuple[int, ...] | None:
    if not node.top_ids or node.top_ids[0] not in values:
        return None
    field_of = seen.get(values[node.top_ids[0]])
    return tuple(map(int, field_of.size)) if isinstance(field_of, Field) else None


def _memory(plan: Plan, states: list[State]) -> dict[str, int]:
    bytes_of = Counter[str]()
    for s in states:
        bytes_of[s.role] += prod(s.read.shape) * ITEM_BYTES[s.read.dtype]
    gradients = sum(v.count * v.item_bytes for v in plan.param_grads.values())
    return {
        "params": bytes_of["param"],
        "gradients": gradients,
        "solver": bytes_of["solver"] + bytes_of["average"],
        "activations_unplanned": plan.unplanned_bytes,
        "arena": plan.memory.get("arena", 0),
    }


__all__ = ["Blob", "Inspection", "LayerCost", "Param", "inspect", "inspect_net"]
