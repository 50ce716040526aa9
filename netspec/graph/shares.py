"""Layers that use the weights of others: who owns them, and whether they fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from netspec.graph.net import Node, ParamSpecEntry, Shape
from netspec.layers.axes import times
from netspec.spec.diagnostics import Diagnostics, Related
from netspec.spec.entries import Item
from netspec.spec.layer import Layer
from netspec.spec.nodes import in_text
from netspec.spec.shares import Shared
from netspec.spec.wiring import Wiring

FACTORS = ("lr_mult", "decay_mult")


@dataclass(frozen=True)
class Shares:
    """What the sharing of one spec is: by layer, and every layer that some phase has.

    Attributes
    ----------
    of
        Layer name -> whose weights it uses.
    present
        The layers of all phases by name, those of training first.
    """

    of: dict[str, Shared] = field(default_factory=dict)
    present: dict[str, Item] = field(default_factory=dict)

    @classmethod
    def among(cls, shared: dict[str, Shared], wirings: Iterable[Wiring]) -> Shares:
        """Return the sharing of a spec whose phases are wired like this."""
        present: dict[str, Item] = {}
        for wiring in wirings if shared else ():
            for wired in wiring.everywhere():
                present.setdefault(wired.item.name, wired.item)
        return cls(shared, present)

    def settle(self, nodes: list[Node], diagnostics: Diagnostics) -> None:
        """Let the layers that share take the factors of the owners, after a look at what they say themselves."""
        by_name = {node.name: node for node in nodes}
        for node in nodes if self.of else ():
            if type(node.layer).param_shapes is Layer.param_shapes:
                continue  # of a type that learns nothing
            shared = self.of.get(node.name)
            item = self.present.get(shared.owner) if shared is not None else None
            if shared is None or item is None or item.layer is None:
                continue
            params = tuple(ParamSpecEntry(p.name or "", p.lr_mult, p.decay_mult) for p in item.layer.params)
            factors = item.layer.lr_mult * item.factors.lr_mult, item.layer.decay_mult * item.factors.decay_mult
            self._check_factors(node, shared, dict(zip(FACTORS, factors, strict=True)), params, diagnostics)
            node.owner, node.params, (node.lr_mult, node.decay_mult) = shared.owner, params, factors
            if (owner := by_name.get(shared.owner)) is not None:
                owner.owner = owner.name

    def _check_factors(
        self, node: Node, shared: Shared, factors: dict[str, float], params: tuple[ParamSpecEntry, ...],
        diagnostics: Diagnostics,
    ) -> None:  # fmt: skip
        """Report factors that are written beside ``share`` and are not the owner's."""
        entry = shared.by.node
        assert entry is not None
        for name, value in factors.items():
            if name in entry and getattr(node, name) != value:
                here = in_text(getattr(node, name))
                self._factor(node, shared, name, f"{name} is {here} here and {in_text(value)} there", diagnostics)
        if "params" in entry and node.params != params:
            self._factor(node, shared, "params", "their `params` differ", diagnostics)

    def _factor(self, node: Node, shared: Shared, key: str, what: str, diagnostics: Diagnostics) -> None:
        assert shared.by.node is not None
        written = shared.by.node.get(key)
        mark = written.mark if written is not None else node.mark
        message = f"`{node.name}` uses the weights of `{shared.owner}`: {what}"
        with diagnostics.inside(shared.by.calls):
            diagnostics.error("E254", mark, message, f"write `{key}` at the owner alone", node.name)

    def check(self, nodes: list[Node], shapes: dict[str, Shape], diagnostics: Diagnostics) -> None:
        """Report owners that are not there, of another type, or with weights of other sizes."""
        known: dict[str, tuple[Node, dict[str, Shape]]] = {}
        for node in sorted(nodes, key=lambda node: node.name in self.of) if self.of else ():
            shared = self.of.get(node.name)
            if any(blob not in shapes for blob in (*node.bottom_ids, *node.top_ids)):
                continue
            own = node.layer.param_shapes(*(shapes[blob] for blob in node.bottom_ids))
            if shared is None:
                known[node.name] = node, own
            # of an instance only what has weights shares; a layer that says so itself must be able to
            elif (own or shared.by.name == node.name) and self._fits(node, shared, diagnostics):
                owner, there = known.setdefault(shared.owner, (node, own))
                if own != there:
                    _report_sizes(node, shared, own, owner, there, diagnostics)

    def _fits(self, node: Node, shared: Shared, diagnostics: Diagnostics) -> bool:
        owner = self.present.get(shared.owner)
        if owner is not None and owner.type == node.type:
            return True
        hint = "share with an instance of the same block, or with a layer of the same type"
        if owner is None:
            message = f"`{node.name}` would use the weights of `{shared.owner}`, which is no layer of the net"
            if shared.of.prunes:
                inner = node.name[len(shared.by.name) + 1 :]
                hint = f"`{shared.of.name}` leaves it out: add what `{inner}` makes to the `outputs` there"
        else:
            message = f"`{node.name}` ({node.type}) would use the weights of `{shared.owner}` ({owner.type})"
        assert shared.by.share is not None
        with diagnostics.inside(shared.by.calls):
            diagnostics.error("E252", shared.by.share[1], message, hint, node.name)
        return False


def _report_sizes(
    node: Node, shared: Shared, own: dict[str, Shape], owner: Node, there: dict[str, Shape], diagnostics: Diagnostics
) -> None:
    name = next((n for n in own if own[n] != there.get(n)), next(iter(there)))
    sizes = [times(side[name]) if name in side else "not there" for side in (own, there)]
    message = f"`{node.name}` uses the weights of `{shared.owner}`: {name} would be {sizes[0]} and {sizes[1]}"
    hint = "give both the same sizes, or let each have its own weights"
    assert shared.by.share is not None
    with diagnostics.inside(shared.by.calls):
        diagnostics.error("E253", shared.by.share[1], message, hint, node.name,
                          related=[Related("the other is here", owner.mark)])  # fmt: skip
