"""What wiring works with and gives: scopes, makings of names, the blobs from outside, wired layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netspec.spec.entries import Calls, Item, Named
from netspec.spec.marks import Mark

if TYPE_CHECKING:
    from netspec.spec.loops import WiredBody

Ref = tuple["Scope", str]


@dataclass(slots=True, eq=False)
class Scope:
    """Where names are looked up: the file, or the inside of one block instance."""

    prefix: str
    calls: Calls = ()
    ports: dict[str, Ref | None] = field(default_factory=dict)
    current: Ref | None = None
    uncertain: bool = False  # an entry without a readable name lies here: unknown names may be its own
    prunes: bool = False  # only what the outputs of the instance, or of one around it, need is kept
    instance: Item | None = None  # the block instance, while nobody has complained of a port it leaves out


@dataclass(slots=True)
class Making:
    """One making of a name: a blob (``blob_id``), an alias (``target``), or by an entry that is broken."""

    position: int
    mark: Mark
    blob_id: str | None = None
    target: Ref | None = None
    item: Item | None = None

    @property
    def broken(self) -> bool:
        """Whether the entry that makes it could not be read."""
        return self.blob_id is None and self.target is None


@dataclass(slots=True)
class Pending:
    """A layer whose bottoms are still to be found, or (without ``tops``) the outputs that a pruned block keeps."""

    item: Item
    scope: Scope
    position: int
    refs: list[tuple[Ref, Mark]] | None
    tops: tuple[str, ...] = ()
    top_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class WiredLayer:
    """A layer with the blobs it reads and makes, in full names and unique ids."""

    item: Item
    bottoms: tuple[str, ...]
    bottom_ids: tuple[str, ...]
    tops: tuple[str, ...]
    top_ids: tuple[str, ...]
    bottom_marks: tuple[Mark, ...]
    body: WiredBody | None = None  # of a loop, once it is wired


@dataclass(slots=True)
class Roots:
    """The blobs from outside: tops of the phase's data, or ``inputs``.

    ``chained`` is the one that the first layer takes, None where there is none
    or the phases differ (``differs`` then says how). ``uncertain`` if data or
    inputs could not be read: then any unknown name may be one of theirs.
    ``guessed`` if the names are sure and the shapes are not.
    """

    names: list[Named]
    chained: str | None
    differs: str | None = None
    elsewhere: dict[str, str] = field(default_factory=dict)
    uncertain: bool = False
    guessed: bool = False


@dataclass
class Wiring:
    """The layers of one phase in the order of the file, wired; ``complete`` if nothing was wrong."""

    phase: str
    layers: list[WiredLayer]
    complete: bool

    def everywhere(self) -> Iterator[WiredLayer]:
        """Yield the layers and those inside layers over time."""
        stack = self.layers[::-1]
        while stack:
            wired = stack.pop()
            yield wired
            stack += wired.body.layers[::-1] if wired.body is not None else []
