"""What the resolved net of one phase looks like: the data that reports and the compiler read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import networkx

from netspec.spec.marks import Mark

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.sources.base import Source
    from netspec.spec.layer import Layer
    from netspec.spec.load import Spec

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ParamSpecEntry:
    """One entry of a layer's ``params``, Caffe's ParamSpec.

    ``name`` ties parameters: every one of that name is the same array. The
    multipliers are the entry's own; those of the layer multiply them.
    """

    name: str = ""
    lr_mult: float = 1.0
    decay_mult: float = 1.0


@dataclass(frozen=True, slots=True)
class Input:
    """A blob that comes from outside: a top of the data source or an entry of ``inputs``.

    Attributes
    ----------
    shape
        With the batch, N C H W.
    kind
        ``label`` (integers, i32 inside the net) or ``float``.
    from_data
        Whether the phase's data source gives it.
    axis
        Along which the items of a batch lie: 0, 1 where time comes first, None for an input without a batch.
    """

    shape: Shape
    kind: Literal["float", "label"] = "float"
    from_data: bool = False
    axis: int | None = 0


@dataclass(frozen=True, slots=True)
class Fed:
    """Where the data of a net come from: ``train``, ``test`` or ``test_NAME``, and its source, None for inputs."""

    name: str
    source: Source | None = None


@dataclass(slots=True)
class Node:
    """One layer in one phase.

    Attributes
    ----------
    layer
        The typed entry, its default fillers filled in.
    bottoms, tops
        Names of the blobs, in full (``res2/1/conv1``).
    bottom_ids, top_ids
        The same made unique: a blob remade in place is ``conv1#2`` from then on.
    mark
        Where the layer's name (or its first key) is written.
    calls
        The block instances it lies in, outermost first, each with the place of its call.
    lr_mult, decay_mult
        Of the layer times those of the blocks around it; multiply those of ``params``.
    loss_weights
        One a top, blocks' weights multiplied in; not 0 makes it part of the loss.
    propagate_down
        One a bottom, or None: let the compiler find out.
    owner
        The layer whose parameters and running statistics it uses; its own name if others use its own; else empty.
    """

    layer: Layer
    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    bottom_ids: tuple[str, ...]
    top_ids: tuple[str, ...]
    mark: Mark
    calls: tuple[tuple[str, Mark], ...] = ()
    params: tuple[ParamSpecEntry, ...] = ()
    lr_mult: float = 1.0
    decay_mult: float = 1.0
    loss_weights: tuple[float, ...] = ()
    propagate_down: tuple[bool, ...] | None = None
    owner: str = ""

    @property
    def is_loss(self) -> bool:
        """Whether one of its tops is part of the loss."""
        return any(self.loss_weights)

    def read(self, b: Builder, values: Mapping[str, Value]) -> list[Value]:
        """Return the bottoms as the layer takes them; one with ``propagate_down: false`` lets no gradient through."""
        bottoms = self.layer.as_read(b, [values[i] for i in self.bottom_ids])
        if self.propagate_down is None:
            return bottoms
        return [v if goes else b.stop_gradient(v) for v, goes in zip(bottoms, self.propagate_down, strict=True)]


@dataclass
class Net:
    """The layers of one phase in an order that can be run, with all shapes.

    Attributes
    ----------
    spec
        The spec it was made from.
    inputs
        Blob name -> what comes from outside, in the order of the data's tops.
    nodes
        Topological order, the file's order among equals.
    shapes
        Shape of every blob, by its id, the batch included.
    dag
        Layer names as nodes (attribute ``node``), an edge from the maker of a
        blob to its readers (attribute ``blobs``: the ids).
    outputs
        Ids of the tops that nothing reads, in net order, data tops excluded.
    fed
        Where its data come from.
    """

    spec: Spec
    name: str
    phase: str
    batch: int
    inputs: dict[str, Input]
    nodes: list[Node]
    shapes: dict[str, Shape]
    dag: networkx.DiGraph[str] = field(repr=False)
    outputs: tuple[str, ...] = ()
    fed: Fed = Fed("train")

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes by layer name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def makers(self) -> dict[str, Node]:
        """The node that makes each blob, by id; inputs are absent."""
        return {top: node for node in self.nodes for top in node.top_ids}

    def losses(self) -> Iterator[tuple[str, float]]:
        """Yield (blob id, weight) of every top that is part of the loss."""
        for node in self.nodes:
            yield from ((top, w) for top, w in zip(node.top_ids, node.loss_weights, strict=True) if w)


def blob_name(blob_id: str) -> str:
    """Return the name of the blob behind an id: ``conv1#2`` is ``conv1``."""
    return blob_id.partition("#")[0]
