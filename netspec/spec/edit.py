"""A base and a spec that ``extends`` it: ``remove``, ``change``, then everything else merged, as if edited by hand.

Mappings merge key by key, lists replace, an empty value takes the base's key
away. Every node keeps the mark of the file it was written in.
"""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from itertools import islice

from netspec.spec.diagnostics import Diagnostics, Suggester
from netspec.spec.entries import unnamed
from netspec.spec.fields import Entry, keys_of
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind
from netspec.spec.registry import LAYERS, SOLVERS, SOURCES

EDITS = ("extends", "remove", "change")
MAX_GLOBS = 100
MAX_CHANGES = 200_000
"""Values that `change` may write, over all layers: a small file could ask for billions."""

KEPT_EMPTY = ("vars", "blocks")
"""Sections in which an empty value means something: nothing, or required."""

_ONE_OF = {"inputs": "data", "data": "inputs"}


def edited(base: Mapping, over: Mapping, name: str, diagnostics: Diagnostics) -> Mapping:
    """Return ``base`` as edited by ``over``.

    Parameters
    ----------
    base : Mapping
        The tree of the file that ``over`` extends.
    name : str
        What the base is called in messages.
    """
    editor = _Editor(base, name, diagnostics)
    editor.remove(over.get("remove"))
    editor.change(over.get("change"))
    pairs: list[tuple[Scalar, Node]] = []
    for key, node in over:
        if key.text in EDITS:
            continue
        under = base.get(key.text)
        if key.text == "layers":
            node = editor.layers(node)
        elif under is not None:
            if is_empty(node) and key.text not in KEPT_EMPTY:
                continue
            node = overlaid(under, node, key.text not in KEPT_EMPTY, _class(key.text, under, node))
        pairs.append((key, node))
    # a base that could not be read to its end still says `extends`: then anything may be missing
    other = {_ONE_OF[key.text] for key, node in over if key.text in _ONE_OF and not is_empty(node)}
    written = {*over.keys(), *EDITS, *other} - {"extends"}
    pairs.extend((key, editor.layers(None) if key.text == "layers" else node)
                 for key, node in base if key.text not in written)  # fmt: skip
    return Mapping(pairs, over.mark)


def is_empty(node: Node) -> bool:
    """Whether nothing is written for a value: it takes the key away."""
    return isinstance(node, Scalar) and node.is_null and not node.is_given


def overlaid(under: Node, over: Node, deletes: bool = True, cls: type[Entry] | None = None) -> Node:
    """Return ``over`` laid on ``under``: mappings merge, all else is replaced.

    Parameters
    ----------
    deletes : bool
        Whether an empty value takes the key away.
    cls : type, optional
        The class whose fields the mappings hold: two keys of one field replace each other.
    """
    if not isinstance(under, Mapping) or not isinstance(over, Mapping):
        return over
    hidden = _hidden(over, cls)
    inner = cls if cls is not None and cls.registry is SOURCES else None  # a phase of `data` has the same fields
    found: list[tuple[Scalar, Node]] = []
    for key, node in under:
        new = over.get(key.text)
        if new is None:
            if key.text not in hidden:
                found.append((key, node))
        elif not (deletes and is_empty(new)):
            written = over.key(key.text)
            assert written is not None
            found.append((written, overlaid(node, new, deletes, inner)))
    found.extend((k, n) for k, n in over if k.text not in under and not (deletes and is_empty(n)))
    return Mapping(found, over.mark)


def _hidden(over: Mapping, cls: type[Entry] | None) -> set[str]:
    """Keys that say what ``over`` says, in other words: ``mean_value`` for ``mean``, ``exclude`` for ``include``."""
    if cls is None:
        return set()
    instead: dict[str, tuple[str, ...]] = getattr(cls, "instead", {})
    known = keys_of(cls)
    same = {known[key].name for key in over.keys() if key in known}
    hidden = {name for key in over.keys() for name in instead.get(key, ())}
    hidden.update(key for key, info in known.items() if info.name in same)
    return hidden - set(over.keys())


def _class(section: str, under: Node, over: Node) -> type[Entry] | None:
    """The class of what a section, or an entry of ``layers``, becomes."""
    registry, key = {"data": (SOURCES, "source"), "solver": (SOLVERS, "type"), "layers": (LAYERS, "type")}.get(
        section, (None, "")
    )
    for node in (over, under):
        named = node.get(key) if isinstance(node, Mapping) else None
        if registry is not None and isinstance(named, Scalar):
            return registry.get(named.text)
    return None


class _Editor:
    """The layers of a base being edited."""

    def __init__(self, base: Mapping, name: str, diagnostics: Diagnostics) -> None:
        self.base, self.name, self.diagnostics = base, name, diagnostics
        node = base.get("layers")
        self.entries: list[Node] = node.items if isinstance(node, Sequence) else []
        self._names: list[str] | None = None
        self._index: dict[str, list[int]] | None = None
        self._written = self._globs = 0
        self._near = Suggester(lambda: filter(None, self.names))

    @property
    def names(self) -> list[str]:
        """The names of the entries, found when first asked for."""
        if self._names is None:
            self._names = _names(self.entries)
        return self._names

    def layers(self, more: Node | None) -> Node:
        """The base's layers, those of the spec behind them; what is no list is left for the reader to report."""
        base = self.base.get("layers")
        for node in (base, more):
            if node is not None and not isinstance(node, Sequence) and not is_empty(node):
                return node
        added = more.items if isinstance(more, Sequence) else []
        mark = (more or base or self.base).mark
        return Sequence([*self.entries, *added], mark)

    def remove(self, node: Node | None) -> None:
        """Take the layers out that a list of names and patterns stands for."""
        gone: set[int] = set()
        for pattern in node.items if isinstance(node, Sequence) else [node]:
            if pattern is None or is_empty(pattern):
                continue
            if isinstance(pattern, Scalar) and isinstance(pattern.value, str):
                gone.update(self._matching(pattern))
            else:
                message = f"remove lists names of layers, got {kind(pattern)}"
                self.diagnostics.error("E212", pattern.mark, message, "remove: [prob]")
        if gone:
            self._names = [name for n, name in enumerate(self.names) if n not in gone]
            self.entries = [entry for n, entry in enumerate(self.entries) if n not in gone]
            self._index = None

    def change(self, node: Node | None) -> None:
        """Lay fields on the layers that names and patterns stand for."""
        if node is None or is_empty(node):
            return
        if not isinstance(node, Mapping):
            message = f"change is a mapping of layer names to fields, got {kind(node)}"
            self.diagnostics.error("E212", node.mark, message, "change: {fc8: {num_output: 20}}")
            return
        self.entries = list(self.entries)
        for pattern, fields in node:
            if not isinstance(fields, Mapping):
                message = f"the change of `{pattern.text}` is a mapping of fields, got {kind(fields)}"
                self.diagnostics.error("E212", fields.mark, message, "change: {fc8: {num_output: 20}}")
                continue
            matching = self._matching(pattern)
            self._written += len(matching) * len(fields)
            if self._written > MAX_CHANGES:
                message = f"change writes more than {MAX_CHANGES:,} values"
                self.diagnostics.error("E108", pattern.mark, message, "say it once, in `defaults`")
                return
            for n in matching:
                entry = self.entries[n]
                self.entries[n] = overlaid(entry, fields, True, _class("layers", entry, fields))

    def _matching(self, pattern: Scalar) -> list[int]:
        """The entries that a name, or a pattern with ``*``, stands for; none is an error."""
        text = pattern.text
        if any(c in text for c in "*?["):
            self._globs += 1
            if self._globs > MAX_GLOBS:
                message = f"more than {MAX_GLOBS} patterns with `*`"
                self.diagnostics.error("E108", pattern.mark, message, "name the layers, or use `defaults`")
                return []
            fits = re.compile(fnmatch.translate(text)).match
            found = [n for n, name in enumerate(self.names) if fits(name)]
        else:
            found = self._by_name().get(text, [])
        if not found and "extends" not in self.base:
            message = f"no layer of {self.name} is called `{text}`"
            self.diagnostics.error("E243", pattern.mark, message, self._hint(text))
        return found

    def _hint(self, wanted: str) -> str | None:
        around = [n for n in self._by_name().get(wanted.partition("/")[0], []) if "/" in wanted]
        for entry in (self.entries[n] for n in around):
            if isinstance(entry, Mapping) and "block" in entry:
                return "it lies inside a block: change the arguments of the instance, or `blocks`"
        if near := self._near.hint(wanted):
            return near
        names = list(islice(filter(None, self.names), 9))
        return f"its layers are {', '.join(names[:8])}{', ..' if len(names) > 8 else ''}" if names else None

    def _by_name(self) -> dict[str, list[int]]:
        if self._index is None:
            self._index = {}
            for n, name in enumerate(self.names):
                self._index.setdefault(name, []).append(n)
        return self._index


def _names(items: list[Node]) -> list[str]:
    """The name of each entry: written, or the one that a layer without a name gets."""
    entries = [item if isinstance(item, Mapping) else None for item in items]
    written = [entry.get("name") if entry is not None else None for entry in entries]
    taken = {name.text for name in written if isinstance(name, Scalar) and not name.is_null}
    numbers: Counter[str] = Counter()
    found = []
    for entry, name in zip(entries, written, strict=True):
        type_of = entry.get("type") if entry is not None else None
        if isinstance(name, Scalar) and not name.is_null:
            found.append(name.text)
        else:
            found.append(unnamed(type_of.text, taken, numbers) if isinstance(type_of, Scalar) else "")
    return found
