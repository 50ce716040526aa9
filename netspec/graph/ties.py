"""Tied parameters: what two layers say of the same one has to agree."""

from __future__ import annotations

from collections.abc import Iterable

from netspec.graph.net import Node
from netspec.spec.diagnostics import Diagnostics, Related
from netspec.spec.layer import ParamSpec
from netspec.spec.nodes import in_text

FACTORS = ("lr_mult", "decay_mult")


def check_ties(nodes: Iterable[Node], diagnostics: Diagnostics) -> None:
    """Report factors of one parameter that differ: which one counts would be an accident of the order (Caffe)."""
    first: dict[tuple[str, str], tuple[Node, ParamSpec]] = {}
    for node in nodes:
        for spec in node.layer.params:
            for factor in FACTORS if spec.name else ():
                if not spec.given(factor):
                    continue
                owner, said = first.setdefault((spec.name or "", factor), (node, spec))
                if getattr(said, factor) != getattr(spec, factor):
                    _report(node, spec, owner, said, factor, diagnostics)


def _report(node: Node, spec: ParamSpec, owner: Node, said: ParamSpec, factor: str, diagnostics: Diagnostics) -> None:
    here, there = (in_text(getattr(s, factor)) for s in (spec, said))
    message = f"`{node.name}` and `{owner.name}` share the parameter `{spec.name}`, with {factor} {here} and {there}"
    related = [Related("the other is here", said.marks[factor])]
    with diagnostics.inside(node.calls):
        diagnostics.error("E404", spec.marks[factor], message, f"say {factor} once, or the same twice", node.name,
                          related=related)  # fmt: skip
