"""The tree that expansion makes: layers and block instances with their full names, before phases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping

if TYPE_CHECKING:
    from netspec.spec.layer import Layer
    from netspec.spec.loops import Loop
    from netspec.spec.rules import Rules
    from netspec.spec.variables import Env

    LayerClass = type[Layer]

MAX_LAYERS = 50_000
NAME = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")

Named = tuple[str, Mark]
"""A name as written, and where."""

Calls = tuple[Named, ...]
"""The block instances something lies in, outermost first, each with the place of its call."""


def unnamed(type_name: str, taken: Collection[str], numbers: Counter[str]) -> str:
    """Return the name of a layer that has none: ``relu1``, ``relu2``, ..

    Parameters
    ----------
    taken : collection of str
        Names that the entries around it have.
    numbers : Counter
        The last number of each word; goes on counting.
    """
    word = type_name.lower() if NAME.fullmatch(type_name) else "layer"
    while True:
        numbers[word] += 1
        if f"{word}{numbers[word]}" not in taken:
            return f"{word}{numbers[word]}"


@dataclass(frozen=True, slots=True)
class Factors:
    """What the blocks around a layer multiply its own factors by."""

    lr_mult: float = 1.0
    decay_mult: float = 1.0
    loss_weight: float = 1.0

    def __mul__(self, other: Factors) -> Factors:
        return Factors(
            self.lr_mult * other.lr_mult, self.decay_mult * other.decay_mult, self.loss_weight * other.loss_weight
        )


@dataclass(slots=True)
class Item:
    """One entry of a ``layers`` list after expansion: a layer, a block instance, or the name of a last turn.

    A ``broken`` one could not be read: its mistake is reported, and whatever
    reads its blobs (or, without a name, any unknown blob) is left in peace.

    Attributes
    ----------
    name
        In full: ``res2/1/conv1``.
    node
        As written, with the keys that ``each`` sets.
    off
        ``if`` is false or ``repeat`` is 0: the entry is a wire.
    bottoms, tops
        As written; None where chaining or the name decides. ``bottom_names`` are
        the names of a mapping's keys (Expression).
    after
        The turn before, whose output is the first input of this one.
    target
        For a ``last``: the turn that the bare name stands for.
    open_ports
        Inputs at the end that nothing needed reads may be left out.
    prunes
        Only what ``outputs`` need is kept.
    share
        The full name of the layer or instance whose weights it uses.
    defaults
        Of the file it is written in; None: of the file that is read.
    loop
        Of a layer that runs a block over time (Recurrent): what it says of the block, whose layers are ``children``.
    """

    kind: Literal["layer", "block", "last", "broken"]
    name: str
    mark: Mark
    calls: Calls = ()
    node: Mapping | None = None
    env: Env | None = None
    factors: Factors = field(default_factory=Factors)
    off: bool = False
    rules: Rules | None = None
    bottoms: list[Named] | None = None
    bottom_names: tuple[str, ...] | None = None
    tops: list[Named] | None = None
    after: Item | None = None
    target: Item | None = None
    type: str = ""
    cls: LayerClass | None = None
    layer: Layer | None = None
    ports: tuple[str, ...] = ()
    open_ports: bool = False
    prunes: bool = False
    share: Named | None = None
    defaults: dict[str, Mapping] | None = None
    loop: Loop | None = None
    outputs: list[Named] | None = None
    children: list[Item] = field(default_factory=list)

    @property
    def stepped_over(self) -> bool:
        """Whether chaining goes on from the entry before this one."""
        if self.kind == "block":
            return self.outputs == []
        cls = self.cls
        if cls is None:
            return False
        weights = getattr(self.layer, "loss_weight", None) or ()
        return cls.is_loss or cls.is_metric or cls.tops[1] == 0 or any(weights)

    def layers(self) -> Iterator[Item]:
        """Yield the layers in and under this entry, in the order of the file."""
        stack = [self]
        while stack:
            item = stack.pop()
            if item.kind == "layer":
                yield item
            stack.extend(reversed(item.children))


def all_layers(items: list[Item]) -> Iterator[Item]:
    """Yield every layer of a tree in the order of the file."""
    for item in items:
        yield from item.layers()
