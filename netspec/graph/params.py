"""Checks of ``params`` against the parameters that the layers will have, before anything is lowered."""

from __future__ import annotations

from netspec.graph.net import Node, Shape
from netspec.layers.axes import times
from netspec.spec.diagnostics import Diagnostics, Related
from netspec.spec.marks import Mark


def check_params(nodes: list[Node], shapes: dict[str, Shape], diagnostics: Diagnostics) -> None:
    """Report ``params`` longer than the parameters, and parameters of one name and different shapes."""
    owners: dict[str, tuple[Node, Shape]] = {}
    for node in nodes:
        # a layer whose tops have no shapes was refused: its parameters would have none either
        if not node.params or any(blob not in shapes for blob in (*node.bottom_ids, *node.top_ids)):
            continue
        own = tuple(node.layer.param_shapes(*(shapes[blob] for blob in node.bottom_ids)).values())
        with diagnostics.inside(node.calls):
            if len(node.params) > len(own):
                has = f"{len(own)} {'parameter' if len(own) == 1 else 'parameters'}" if own else "no parameters"
                message = f"`{node.name}`: params has {len(node.params)} entries, the layer has {has}"
                diagnostics.error("E512", _mark(node), message, "weight before bias, one entry each", node.name)
            for entry, shape in zip(node.params, own, strict=False):
                if entry.name:
                    owner, first = owners.setdefault(entry.name, (node, shape))
                    if first != shape:
                        _differ(entry.name, node, shape, owner, first, diagnostics)


def _differ(name: str, node: Node, shape: Shape, owner: Node, first: Shape, diagnostics: Diagnostics) -> None:
    sizes = f"{times(shape)} and {times(first)}"
    message = f"`{node.name}` and `{owner.name}` share the parameter `{name}`, but it would be {sizes}"
    hint = "give one of them another name, or both the same sizes"
    related = [Related("named here too", _mark(owner))]
    diagnostics.error("E403", _mark(node), message, hint, node.name, related=related)


def _mark(node: Node) -> Mark:
    return node.layer.marks.get("params", node.mark)
