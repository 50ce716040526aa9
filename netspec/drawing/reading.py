"""From the resolved net of a phase to what a drawing of it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from math import prod

from netspec.drawing.picture import Arrow, Box, Kind, Picture, Vertex
from netspec.graph import Net, Node, Shape, blob_name
from netspec.graph.loops import LoopBody
from netspec.spec.entries import Item
from netspec.spec.fields import Entry, fields_of
from netspec.spec.nodes import Scalar
from netspec.spec.render import escaped

_WIRING = frozenset("name bottom top include exclude if share params loss_weight block state cont static".split())
_LONGEST_DETAIL = 160


def picture_of(net: Net) -> Picture:
    """Return what a drawing of a net shows: every layer, those of its blocks in boxes."""
    reader = _Reader(_block_names(net.spec.items))
    for name, entry in net.inputs.items():
        source = net.fed.source.owner(name) if entry.from_data and net.fed.source is not None else None
        reader.outside(name, "input" if source is None else source.type_name, entry.shape)
    reader.layers(net.nodes, net.shapes)
    root = _without_cycles(reader.tree(), reader.arrows)
    return Picture(name=escaped(net.name), phase=net.phase, batch=net.batch, root=root, arrows=tuple(reader.arrows))


def _block_names(items: Iterable[Item]) -> dict[str, str]:
    """The block of each instance by its name."""
    found: dict[str, str] = {}
    stack = list(items)
    while stack:
        item = stack.pop()
        block = item.node.get("block") if item.kind == "block" and item.node is not None else None
        if isinstance(block, Scalar):
            found[item.name] = escaped(block.text)
        stack += item.children
    return found


@dataclass
class _Open:
    """A box while it is filled."""

    name: str
    label: str
    type: str
    children: list[Vertex | _Open] = field(default_factory=list)

    def closed(self) -> Box:
        children = tuple(c.closed() if isinstance(c, _Open) else c for c in self.children)
        return Box(name=self.name, label=self.label, type=self.type, children=children)


class _Reader:
    """Collects vertices in their boxes, and arrows."""

    def __init__(self, blocks: Mapping[str, str]) -> None:
        self.arrows: list[Arrow] = []
        self._blocks = blocks
        self._open = {"": _Open("", "", "")}
        self._makers: dict[str, list[str]] = {}
        self._tied: dict[str, str] = {}

    def tree(self) -> Box:
        """Return the outermost box."""
        return self._open[""].closed()

    def outside(self, name: str, type_name: str, shape: Shape, box: str = "", label: str = "") -> None:
        """Add a blob that no layer around it makes."""
        vertex = Vertex(name=name, label=label or name, type=type_name, kind="data", shapes=(shape,))
        self._open[box].children.append(vertex)
        self._makers[name] = [name]

    def layers(self, nodes: Iterable[Node], shapes: Mapping[str, Shape]) -> None:
        """Add layers in an order that can be run."""
        for node in nodes:
            box = self._box(node)
            body = getattr(node.layer, "body", None)
            if isinstance(body, LoopBody):
                self._over_time(node, body, box, shapes)
                continue
            self._open[box].children.append(self._vertex(node, box, shapes))
            for blob in dict.fromkeys(node.bottom_ids):
                self._connect(blob, node.name)
            self._makers.update((blob, [node.name]) for blob in node.top_ids)

    def _connect(self, blob: str, target: str) -> None:
        self.arrows += [Arrow(source, target, blob_name(blob)) for source in self._makers.get(blob, ())]

    def _box(self, node: Node) -> str:
        """The name of the innermost box around a layer; boxes are made when first needed."""
        inner = ""
        for name, _ in node.calls:
            if name not in self._open:
                self._add_box(name, inner, self._blocks.get(name, "block"))
            inner = name
        return inner

    def _add_box(self, name: str, around: str, type_name: str) -> None:
        self._open[name] = _Open(name, _local(name, around), type_name)
        self._open[around].children.append(self._open[name])

    def _vertex(self, node: Node, box: str, shapes: Mapping[str, Shape]) -> Vertex:
        own = node.layer.param_shapes(*(shapes[blob] for blob in node.bottom_ids))
        count, owner = self._own_count(node, own)
        return Vertex(
            name=node.name,
            label=_local(node.name, box),
            type=node.type,
            kind=_kind(node, bool(own)),
            shapes=tuple(shapes[blob] for blob in node.top_ids),
            params=count,
            shared=owner,
            shares=node.owner == node.name,
            frozen=bool(own) and _is_frozen(node, len(own)),
            detail=_detail(node.layer),
        )

    def _own_count(self, node: Node, own: Mapping[str, Shape]) -> tuple[int, str]:
        """Elements of the parameters that a layer is the first to have, and whose the others are."""
        if node.owner not in ("", node.name):
            return 0, node.owner
        count, owner = 0, ""
        ties = [entry.name for entry in node.params] + [""] * len(own)
        for shape, tie in zip(own.values(), ties, strict=False):
            first = self._tied.setdefault(tie, node.name) if tie else node.name
            count += prod(shape) if first == node.name else 0
            owner = owner if first == node.name else first
        return count, owner

    def _over_time(self, node: Node, body: LoopBody, around: str, shapes: Mapping[str, Shape]) -> None:
        """Add a layer over time as a box: ports and states as blobs, its block's layers, arrows to the next step."""
        self._add_box(node.name, around, f"{node.type}, each step")
        loop = body.loop
        inside = body.inside(*(shapes[blob] for blob in node.bottom_ids))
        states = {f"{node.name}/{state.name}": state for state in loop.states}
        ports = [port for port in body.ports if port not in states]
        for port in body.ports:
            what = (
                "state" if port in states else "of each step" if ports.index(port) < _sliced(body) else "of all steps"
            )
            self.outside(port, what, inside[port], node.name, _local(port, node.name))
        for blob, port in zip(node.bottom_ids, ports, strict=False):
            self._connect(blob, port)
        beside = list(node.bottom_ids[len(ports) :])
        for what in ("cont",) * (loop.cont is not None) + ("lengths",) * (loop.lengths is not None):
            blob = beside.pop(0)
            self.outside(f"{node.name}/{what}", "of the sequences", shapes[blob], node.name, what)
            self._connect(blob, f"{node.name}/{what}")
        for port in [port for port, state in states.items() if isinstance(state.start, tuple)]:
            self._connect(beside.pop(0), port)
        self.layers(body.nodes, inside)
        for port, after in zip(states, body.nexts, strict=True):
            self.arrows += [Arrow(maker, port, blob_name(after), True) for maker in self._makers[after]
                            if maker not in body.ports]  # fmt: skip
        for top, blob in zip(node.top_ids, body.outputs, strict=False):
            self._makers[top] = self._makers[blob]


def _sliced(body: LoopBody) -> int:
    """How many ports of a body take one step of a blob."""
    return len(body.ports) - len(body.loop.states) - len(body.loop.static)


def _local(name: str, box: str) -> str:
    return name.removeprefix(f"{box}/") if box else name


def _kind(node: Node, learns: bool) -> Kind:
    if node.is_loss or node.layer.is_loss:
        return "loss"
    if node.layer.is_metric:
        return "metric"
    if node.layer.fed or not node.bottom_ids:
        return "data"
    return "weights" if learns else "plain"


def _is_frozen(node: Node, count: int) -> bool:
    """Whether no parameter of a layer learns."""
    factors = [entry.lr_mult for entry in node.params] + [1.0] * count
    return not node.lr_mult or not any(factors[:count])


def _detail(layer: Entry) -> str:
    """The fields that the spec gives a layer, apart from its wiring."""
    given = {
        i.key: getattr(layer, i.name) for i in fields_of(type(layer)) if i.key not in _WIRING and layer.given(i.name)
    }
    text = ", ".join(f"{key} {escaped(_value(value))}" for key, value in given.items())
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 2] + ".."


def _value(value: object) -> str:
    if isinstance(value, Entry):
        return value.type_name
    if isinstance(value, tuple):
        return " x ".join(map(_value, value))
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _without_cycles(box: Box, arrows: Iterable[Arrow]) -> Box:
    """The boxes, without those that something between their layers lies outside of: they would need each other."""
    ahead = [arrow for arrow in arrows if not arrow.back]
    while True:
        homes = {v.name: c.name for c in box.children for v in (c.vertices() if isinstance(c, Box) else (c,))}
        order: TopologicalSorter[str] = TopologicalSorter({name: () for name in homes.values()})
        for arrow in ahead:
            here, there = homes.get(arrow.source), homes.get(arrow.target)
            if here is not None and there is not None and here != there:
                order.add(there, here)
        try:
            order.prepare()
        except CycleError as error:
            open_one = next(c for c in box.children if isinstance(c, Box) and c.name in error.args[1])
            children = [c for child in box.children for c in (_opened(child) if child is open_one else (child,))]
            box = replace(box, children=tuple(children))
            continue
        children = [_without_cycles(c, arrows) if isinstance(c, Box) else c for c in box.children]
        return replace(box, children=tuple(children))


def _opened(box: Vertex | Box) -> tuple[Vertex | Box, ...]:
    """What is in a box, with its name before the labels."""
    assert isinstance(box, Box)
    return tuple(replace(child, label=f"{box.label}/{child.label}") for child in box.children)
