"""``share``: which layers use the weights of which others."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.spec.diagnostics import Diagnostics, Related, Suggester
from netspec.spec.entries import Item


@dataclass(frozen=True, slots=True)
class Shared:
    """Whose weights a layer uses: the owner's full name, the entry that says ``share``, and the one it names."""

    owner: str
    by: Item
    of: Item


def read_shares(items: list[Item], diagnostics: Diagnostics) -> dict[str, Shared]:
    """Return the owner of the weights of each layer that has none of its own.

    An instance shares by names: ``b/conv1`` uses the weights of ``a/conv1``.
    What shares with something that shares uses the weights of the last owner.
    """
    entries = _entries(items)
    sharing = [item for item in entries.values() if item.share is not None]
    near = Suggester(lambda: entries)
    found: dict[str, Shared] = {}
    # the innermost first: what a layer itself says is nearer than what is said of a block around it
    for item in sorted(sharing, key=lambda item: -len(item.calls)):
        owner = _owner(item, entries, near, diagnostics)
        if owner is None:
            continue
        for layer in item.layers():
            found.setdefault(layer.name, Shared(owner.name + layer.name[len(item.name) :], item, owner))
    ends = _ends(found, diagnostics)
    return {name: Shared(end, found[name].by, found[name].of) for name, end in ends.items() if end is not None}


def _entries(items: list[Item]) -> dict[str, Item]:
    """Every layer and instance by full name; the name of a repeat stands for its last turn."""
    found: dict[str, Item] = {}
    stack = list(reversed(items))
    while stack:
        item = stack.pop()
        meant = item.target if item.kind == "last" else item
        if meant is not None:
            found.setdefault(item.name, meant)
        stack.extend(reversed(item.children))
    return found


def _owner(item: Item, entries: dict[str, Item], near: Suggester, diagnostics: Diagnostics) -> Item | None:
    """The entry that ``share`` names; None after a mistake."""
    assert item.share is not None
    name, mark = item.share
    owner = entries.get(name)
    prefix = f"{item.calls[-1][0]}/" if item.calls else ""
    written = name[len(prefix) :]
    if owner is not None and owner.kind == "broken":
        return None
    with diagnostics.inside(item.calls):
        if owner is None:
            hint = near.hint(name) or "the name of a layer or block instance beside this one"
            message = f"`{item.name}` shares the weights of `{written}`, which is no layer or block instance"
            diagnostics.error("E250", mark, message, hint, item.name)
            return None
        if owner.kind != item.kind:
            words = {"block": "a block instance", "layer": "a layer"}
            message = f"`{item.name}` is {words[item.kind]}, `{written}` is {words[owner.kind]}: they share no weights"
            diagnostics.error("E252", mark, message, "share with an entry of the same kind", item.name)
            return None
    return owner


def _ends(found: dict[str, Shared], diagnostics: Diagnostics) -> dict[str, str | None]:
    """Follow each layer's owners to one that shares with none; None where they lead in a circle, which is reported."""
    ends: dict[str, str | None] = {}
    for name in found:
        path: dict[str, None] = {}
        while name in found and name not in ends and name not in path:
            path[name] = None
            name = found[name].owner
        if name in path:
            names = list(path)
            _report_circle([found[each].by for each in names[names.index(name) :]], diagnostics)
        end = None if name in path else ends.get(name, name)
        ends.update(dict.fromkeys(path, end))
    return ends


def _report_circle(entries: list[Item], diagnostics: Diagnostics) -> None:
    by = min(entries, key=lambda item: item.mark)
    assert by.share is not None
    others = [item.share[1] for item in entries if item is not by and item.share is not None]
    message, hint = (
        f"`{by.name}` shares its weights with itself: nobody owns them",
        "one of them has to do without `share`",
    )
    with diagnostics.inside(by.calls):
        diagnostics.error("E251", by.share[1], message, hint, by.name,
                          related=[Related("and here", mark) for mark in others[:1]])  # fmt: skip
