"""From the wiring of a phase to its net: nodes, order, fillers, shapes, kinds of inputs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from netspec.graph.advice import advise
from netspec.graph.dag import graph_of, ordered, report_dead
from netspec.graph.loops import LoopBody, inner_nodes, with_bodies
from netspec.graph.net import Fed, Input, Net, Node, ParamSpecEntry, Shape
from netspec.graph.params import check_params
from netspec.graph.sections import InputEntry
from netspec.graph.shapes import Placed, Shaper
from netspec.graph.shares import Shares
from netspec.graph.ties import check_ties
from netspec.sources.base import Source
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.entries import Item
from netspec.spec.loops import WiredBody
from netspec.spec.wiring import WiredLayer, Wiring

if TYPE_CHECKING:
    from netspec.spec.load import Spec


def before_relu(wirings: Iterable[Wiring]) -> dict[str, bool]:
    """Return for each layer whether its first top runs into a ReLU-like layer.

    Parameters
    ----------
    wirings : iterable of Wiring
        Of both phases, training first: it decides where they differ, so that
        both nets start from the same weights.
    """
    found: dict[str, bool] = {}
    for wiring in wirings:
        makers = {blob: wired for wired in wiring.layers for blob in wired.top_ids}
        stack = [wired for wired in wiring.layers if wired.item.cls is not None and wired.item.cls.relu_like]
        before: set[str] = set()
        while stack:
            for blob in stack.pop().bottom_ids:
                maker = makers.get(blob)
                if maker is None or maker.item.name in before:
                    continue
                before.add(maker.item.name)
                if maker.item.cls is not None and maker.item.cls.passes_on:
                    stack.append(maker)
        for wired in wiring.layers:
            found.setdefault(wired.item.name, wired.item.name in before)
    return found


def build_net(
    spec: Spec, wiring: Wiring, fed: Fed, batch: int, every: Sequence[Wiring], diagnostics: Diagnostics
) -> Net | None:
    """Return the net of a phase, None after reporting what is wrong with it.

    Parameters
    ----------
    wiring : Wiring
        The phase's layers; an incomplete one is looked through for further mistakes.
    fed : Fed
        Where its data come from.
    every : sequence of Wiring
        Of all phases, training first: what a layer starts from, and whose weights it uses, is one in all of them.
    """
    before = diagnostics.error_count
    relu, shares = before_relu(every), Shares.among(spec.shared, every)
    nodes, marks = [], {}
    for wired in wiring.layers:
        node = _node(wired, relu, diagnostics)
        if node is not None:
            nodes.append(node)
            marks[node.name] = wired.bottom_marks
    if len(marks) < len(nodes):
        return None  # two layers of one name: reported by the wiring, and no graph can be made
    dag = graph_of(nodes)
    order = ordered(dag, nodes, diagnostics)
    if order is None:
        return None
    shares.settle([*nodes, *inner_nodes(nodes)], diagnostics)
    outside = _outside(fed.source, spec.inputs, batch)
    shaper = Shaper(outside, diagnostics, fed.source is not None)
    shapes = shaper.run([Placed(node, marks[node.name]) for node in order])
    everywhere, sizes = with_bodies(order, shapes)
    check_params(everywhere, sizes, diagnostics)
    check_ties(everywhere, diagnostics)
    shares.check(everywhere, sizes, diagnostics)
    if not wiring.complete or diagnostics.error_count > before or len(nodes) < len(wiring.layers):
        return None
    if wiring.phase == "train":
        report_dead(dag, order, {blob for blob, shape in shapes.items() if not shape}, diagnostics)
    read = {blob for node in order for blob in node.bottom_ids}
    outputs = tuple(blob for node in order for blob in node.top_ids if blob not in read)
    by_hand = {top: node for node in order if node.layer.fed for top in node.top_ids}
    if by_hand and fed.source is not None:
        node = next(iter(by_hand.values()))
        message = f"`{node.name}` is fed by hand, the rest comes from `data`"
        diagnostics.error("E611", node.mark, message, "delete one of the two", node.name)
        return None
    given = {top: shapes[top] for top in by_hand}
    inputs = _inputs(outside | given, order, fed.source, spec.inputs, frozenset(given))
    net = Net(spec, spec.name, wiring.phase, batch, inputs, order, shapes, dag, outputs, fed)
    advise(net, fed.source, diagnostics)
    return net


def _node(wired: WiredLayer, relu: dict[str, bool], diagnostics: Diagnostics) -> Node | None:
    item = wired.item
    if item.layer is None:
        return None
    layer = copy.copy(item.layer)
    layer.top_names = wired.tops if item.tops is None else tuple(name for name, _ in item.tops)
    layer.bottom_names = item.bottom_names or tuple(_local(item, name) for name in _written(wired))
    layer = layer.with_defaults(relu.get(item.name, False))
    weights = _loss_weights(item, len(wired.tops), diagnostics)
    goes = layer.propagate_down or None
    if goes is not None and len(goes) != len(wired.bottoms):
        mark = layer.marks.get("propagate_down", item.mark)
        message = f"`{item.name}`: propagate_down has {len(goes)} values for {len(wired.bottoms)} bottoms"
        with diagnostics.inside(item.calls):
            diagnostics.error("E512", mark, message, "one value a bottom", item.name)
        return None
    if item.loop is not None:
        body = None if wired.body is None else _body(wired, wired.body, relu, diagnostics)
        if body is None:
            return None
        layer.body, layer.label_bottoms = body, body.label_bottoms  # type: ignore[attr-defined, misc]
    return Node(
        layer,
        item.name,
        item.type,
        wired.bottoms,
        wired.tops,
        wired.bottom_ids,
        wired.top_ids,
        item.mark,
        item.calls,
        tuple(ParamSpecEntry(p.name or "", p.lr_mult, p.decay_mult) for p in layer.params),
        layer.lr_mult * item.factors.lr_mult,
        layer.decay_mult * item.factors.decay_mult,
        weights,
        goes,
    )


def _body(wired: WiredLayer, body: WiredBody, relu: dict[str, bool], diagnostics: Diagnostics) -> LoopBody | None:
    """The inside of a layer over time, None after reporting what is wrong with it."""
    item = wired.item
    nodes = [_node(inner, relu, diagnostics) for inner in body.layers]
    made = [node for node in nodes if node is not None]
    order = ordered(graph_of(made), made, diagnostics) if len(made) == len(nodes) else None
    if order is None or item.loop is None:
        return None
    carry, reverse = (bool(getattr(item.layer, key)) for key in ("carry", "reverse"))
    return LoopBody(item.name, item.loop, order, body.ports, body.outputs, body.nexts, len(wired.tops), carry, reverse)


def _written(wired: WiredLayer) -> tuple[str, ...]:
    """The bottoms as the layer's own formula would name them."""
    if wired.item.bottoms is None or wired.item.after is not None:
        return wired.bottoms
    return tuple(name for name, _ in wired.item.bottoms)


def _local(item: Item, name: str) -> str:
    prefix = item.calls[-1][0] + "/" if item.calls else ""
    return name.removeprefix(prefix)


def _loss_weights(item: Item, tops: int, diagnostics: Diagnostics) -> tuple[float, ...]:
    assert item.layer is not None
    given = item.layer.loss_weight
    if given is None:
        given = (1.0,) if item.layer.is_loss else ()
    elif len(given) > tops:
        mark = item.layer.marks.get("loss_weight", item.mark)
        message = f"`{item.name}`: loss_weight has {len(given)} values for {tops} {'top' if tops == 1 else 'tops'}"
        with diagnostics.inside(item.calls):
            diagnostics.error("E512", mark, message, "one value a top", item.name)
    factor = item.factors.loss_weight
    return tuple([w * factor for w in given[:tops]] + [0.0] * (tops - len(given)))


def _outside(source: Source | None, inputs: dict[str, InputEntry], batch: int) -> dict[str, Shape]:
    if source is not None:
        return source.shapes(batch)
    return {name: entry.shape(batch) for name, entry in inputs.items()}


def _inputs(
    outside: dict[str, Shape],
    nodes: list[Node],
    source: Source | None,
    entries: dict[str, InputEntry],
    whole: frozenset[str],
) -> dict[str, Input]:
    """A label is what a layer reads as one, moved or not, and what the source calls one if nobody reads it.

    The shapes of ``whole`` say their batch themselves.
    """
    labels: set[str] = set()
    read: set[str] = set()
    for node in nodes:
        read.update(node.bottom_ids)
        labels.update(node.bottom_ids[n] for n in node.layer.label_bottoms if n < len(node.bottom_ids))
    for node in reversed(nodes):
        if node.layer.moves_only and not labels.isdisjoint(node.top_ids):
            labels.update(node.bottom_ids)
        elif node.layer.moves_each:
            pairs = zip(node.top_ids, node.bottom_ids, strict=False)
            labels.update(bottom for top, bottom in pairs if top in labels)
    declared = source.label_tops() if source is not None else frozenset()
    axes = source.axes() if source is not None else {name: entry.axis for name, entry in entries.items()}
    made = {}
    for name, shape in outside.items():
        is_label = name in labels or (name in declared and name not in read)
        axis = axes.get(name, 0) if shape and name not in whole else None
        made[name] = Input(shape, "label" if is_label else "float", source is not None, axis)
    return made
