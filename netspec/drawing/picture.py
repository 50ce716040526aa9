"""What a drawing shows: layers, boxes around them, arrows between them. Data without places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from netspec.graph import Shape
from netspec.reports import tables

Kind = Literal["data", "weights", "plain", "loss", "metric", "block"]
"""What a vertex is drawn as: a blob from outside, a layer with and without weights of its own, a folded block, .."""


@dataclass(frozen=True, kw_only=True)
class Vertex:
    """A layer, a blob that comes from outside, or a block drawn as one.

    Attributes
    ----------
    name
        In full: ``res2/1/conv1``.
    label
        What is left of it inside its box: ``conv1``.
    shapes
        Of its tops, with the batch, N C H W.
    params
        Elements of the parameters that it owns.
    shared
        The layer whose weights it uses; empty if it has its own, or none.
    shares
        Whether others use its weights.
    frozen
        Whether its parameters stay as they are (``lr_mult: 0``).
    detail
        The fields that its entry gives: ``kernel_size 5, num_output 20``.
    """

    name: str
    label: str
    type: str
    kind: Kind
    shapes: tuple[Shape, ...] = ()
    params: int = 0
    shared: str = ""
    shares: bool = False
    frozen: bool = False
    detail: str = ""

    @property
    def output(self) -> str:
        """The shapes of the tops as text."""
        shown = [tables.shape(shape) for shape in self.shapes[:2]]
        return ", ".join(shown) + (", .." if len(self.shapes) > 2 else "")

    @property
    def cost(self) -> str:
        """How many parameters, whether they learn, whose they are: ``500 params, frozen``; empty without any."""
        own = f"{tables.count(self.params)} params" if self.params else ""
        found = [own, "frozen" if self.params and self.frozen else "", f"weights of {self.shared}" * bool(self.shared)]
        return ", ".join(part for part in found if part)


@dataclass(frozen=True, kw_only=True)
class Box:
    """A block instance around its layers, or a layer that runs a block over time.

    Attributes
    ----------
    type
        The block's name.
    times
        How many instances, one behind the other, it stands for; ``last`` is the name of the last.
    """

    name: str
    label: str
    type: str
    children: tuple[Vertex | Box, ...]
    times: int = 1
    last: str = ""

    @property
    def title(self) -> str:
        """What stands in its corner: ``res2/2 .. 8: unit, 7 times``."""
        turns = f" .. {self.last.rpartition('/')[2]}" if self.times > 1 else ""
        return f"{self.label}{turns}: {self.type}" + (f", {self.times} times" if self.times > 1 else "")

    def vertices(self) -> Iterator[Vertex]:
        """Yield the vertices in it and in the boxes inside, in the order of the net."""
        for child in self.children:
            if isinstance(child, Box):
                yield from child.vertices()
            else:
                yield child

    def boxes(self) -> Iterator[Box]:
        """Yield the boxes inside, each before those in it."""
        for child in self.children:
            if isinstance(child, Box):
                yield child
                yield from child.boxes()


@dataclass(frozen=True)
class Arrow:
    """A blob on its way between two vertices, by their names; ``back``: to the next step of time."""

    source: str
    target: str
    blob: str
    back: bool = False


@dataclass(frozen=True, kw_only=True)
class Picture:
    """All that is drawn of the net of one phase; the outermost box has no name."""

    name: str
    phase: str
    batch: int
    root: Box
    arrows: tuple[Arrow, ...]

    @property
    def title(self) -> str:
        """The line above the drawing."""
        return f"{self.name}, phase {self.phase}, batch {self.batch}"

    @property
    def params(self) -> int:
        """Elements of all parameters, folded turns included, a shared one once."""
        return _params(self.root)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec draw``."""
        return {
            "name": self.name,
            "phase": self.phase,
            "batch": self.batch,
            "nodes": [_vertex_document(vertex, box) for box, vertex in _inside(self.root)],
            "boxes": [_box_document(box, parent) for parent, box in _boxes_inside(self.root)],
            "edges": [{"from": a.source, "to": a.target, "blob": a.blob, "back": a.back} for a in self.arrows],
        }


def _params(box: Box) -> int:
    return sum(c.times * _params(c) if isinstance(c, Box) else c.params for c in box.children)


def _inside(box: Box) -> Iterator[tuple[Box, Vertex]]:
    for child in box.children:
        if isinstance(child, Box):
            yield from _inside(child)
        else:
            yield box, child


def _boxes_inside(box: Box) -> Iterator[tuple[Box, Box]]:
    for child in box.children:
        if isinstance(child, Box):
            yield box, child
            yield from _boxes_inside(child)


def _vertex_document(vertex: Vertex, box: Box) -> dict[str, Any]:
    return {
        "name": vertex.name,
        "type": vertex.type,
        "kind": vertex.kind,
        "box": box.name or None,
        "shapes": [list(shape) for shape in vertex.shapes],
        "param_count": vertex.params,
        "shared_with": vertex.shared or None,
        "frozen": vertex.frozen,
    }


def _box_document(box: Box, parent: Box) -> dict[str, Any]:
    return {
        "name": box.name,
        "block": box.type,
        "box": parent.name or None,
        "times": box.times,
        "last": box.last or None,
    }
