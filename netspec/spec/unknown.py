"""A name that means nothing: why not, and what was probably meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netspec.spec.diagnostics import Related, nearest
from netspec.spec.entries import Item
from netspec.spec.marks import Mark

if TYPE_CHECKING:
    from netspec.spec.chain import Wirer
    from netspec.spec.wiring import Scope

_CANDIDATES = 2000
_TURN = re.compile(r"/\d+(?=/)")


@dataclass
class Absent:
    """Names that a phase knows of without being able to read them.

    Attributes
    ----------
    elsewhere
        Blobs from outside that only another phase has -> that phase.
    broken
        Entries that could not be read.
    items
        Entries whose rules keep them out of this phase.
    gone
        Losses, metrics and blocks without outputs that are off.
    silent
        Block instances that have no output.
    wires
        Entries that are off: their names mean their first bottoms, and nothing lies in them.
    renamed
        Layers none of whose tops has the layer's name -> the first top.
    """

    phase: str
    elsewhere: dict[str, str]
    broken: set[str] = field(default_factory=set)
    items: list[Item] = field(default_factory=list)
    gone: dict[str, Item] = field(default_factory=dict)
    silent: dict[str, Item] = field(default_factory=dict)
    wires: dict[str, Item] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    def excused(self, full: str) -> bool:
        """Whether a name lies in an entry that could not be read."""
        parts = full.split("/")
        return any("/".join(parts[:n]) in self.broken for n in range(1, len(parts) + 1))

    def wire(self, full: str) -> Item | None:
        """Return the block instance that is off and in which a name lies."""
        parts = full.split("/")
        return next((item for n in range(1, len(parts)) if (item := self.wires.get("/".join(parts[:n])))), None)

    def owner(self, full: str) -> Item | None:
        """Return the absent entry that would make a blob of this name."""
        for item in self.items:
            if full == item.name or full.startswith(item.name + "/"):
                return item
            prefix = item.name[: item.name.rfind("/") + 1]
            if any(prefix + top == full for top, _ in item.tops or ()):
                return item
        return None


def report_unknown(wirer: Wirer, scope: Scope, name: str, mark: Mark, layer: str, what: str = "blob") -> None:
    """Report that ``name``, read in ``scope`` by ``layer``, is no blob there."""
    full = scope.prefix + name
    absent, diagnostics = wirer.absent, wirer.diagnostics
    if scope.uncertain or absent.excused(full):
        return
    if item := absent.owner(full):
        message = f"`{name}` does not exist in phase {wirer.phase}"
        assert item.rules is not None
        hint = f"give `{layer}` the same include or exclude as `{item.name}`"
        diagnostics.error("E304", mark, message, hint, layer, related=[Related("its rule is here", item.rules.mark)])
    elif not scope.prefix and name in absent.elsewhere:
        message = f"`{name}` does not exist in phase {wirer.phase}: only the data of {absent.elsewhere[name]} has it"
        diagnostics.error("E304", mark, message, None, layer)
    elif item := absent.gone.get(full):
        message = f"`{name}` is off (its `if` is false) and stands for no blob"
        diagnostics.error("E312", mark, message, f"give `{layer}` the same `if`", layer,
                          related=[Related("switched off here", item.mark)])  # fmt: skip
    elif item := absent.silent.get(full):
        message = f"`{name}` is a block instance without an output"
        diagnostics.error("E313", mark, message, "list the blob in the block's `outputs`", layer)
    elif item := absent.wire(full):
        message = f"`{name}` lies in `{item.name}`, which is off: a wire has no blobs inside"
        diagnostics.error("E312", mark, message, f"give `{layer}` the same `if`", layer,
                          related=[Related("switched off here", item.mark)])  # fmt: skip
    elif full in absent.renamed:
        top = absent.renamed[full]
        message = f"`{name}` is a layer, its top is called `{top[len(scope.prefix) :]}`"
        diagnostics.error("E301", mark, message, f"did you mean `{top[len(scope.prefix) :]}`?", layer)
    else:
        diagnostics.error("E301", mark, f"unknown {what} `{name}`", _hint(wirer, scope, name), layer)


def _hint(wirer: Wirer, scope: Scope, name: str) -> str | None:
    if scope.prefix and name in wirer.makings:
        return f"inside a block only its inputs and own layers are visible: add `{name}` to the block's `inputs`"
    if wirer.suggestions <= 0:
        return None
    wirer.suggestions -= 1
    inside = [full[len(scope.prefix) :] for full in wirer.makings if full.startswith(scope.prefix)]
    turn = next((n for n in inside[:_CANDIDATES] if _TURN.sub("", n) == name), None)
    if turn is not None:
        return f"an inner blob of a repeat needs its turn: `{turn}`"
    depth = name.count("/")
    alike = [n for n in inside if n.count("/") == depth] + list(scope.ports)
    near = nearest(name, alike[:_CANDIDATES]) or nearest(name, inside[:_CANDIDATES])
    if near is not None:
        return f"did you mean `{near}`?"
    inner = next((n for n in inside if n.endswith("/" + name)), None)
    if inner:
        return f"an inner blob goes by its full name: `{inner}`"
    shown = [*scope.ports, *(n for n in inside if "/" not in n and n != "?")]
    return f"there are {', '.join(shown[:8])}{', ..' if len(shown) > 8 else ''}" if shown else None
