"""``--set KEY=VALUE``: values put into the tree of a file before anything else looks at it."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Environment
from dataclasses import dataclass, replace

from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.edit import KEPT_EMPTY, is_empty
from netspec.spec.emit import flow
from netspec.spec.fields import keys_of
from netspec.spec.marks import Mark, Source
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind
from netspec.spec.read import read_node
from netspec.spec.registry import SOLVERS
from netspec.spec.toplevel import KEYS
from netspec.spec.values import names_read
from runtime.errors import UsageError

FILE = "--set"
Overrides = Environment[str, object] | Iterable[str]


@dataclass(frozen=True, slots=True)
class Override:
    """One override: the parts of its key, each with its place, the value, and whether that takes the key away."""

    parts: tuple[Scalar, ...]
    value: Node
    removes: bool = False

    @property
    def key(self) -> str:
        """The key as written."""
        return ".".join(part.text for part in self.parts)

    def place(self, first: int = 0) -> Mark:
        """Return the mark of the key from part ``first`` on."""
        start, last = self.parts[first].mark, self.parts[-1].mark
        return Mark(start.file, start.line, start.column, last.end_column)

    def below(self) -> Override:
        """The same without its first part."""
        return Override(self.parts[1:], self.value, self.removes)


def read_overrides(overrides: Overrides, diagnostics: Diagnostics) -> list[Override]:
    """Return the overrides with marks that name ``--set``, one line each.

    Parameters
    ----------
    overrides : mapping or list of str
        ``{"solver.base_lr": 0.1}`` or ``["solver.base_lr=0.1"]``; text is read as YAML. An empty value takes a
        key away that is written, as in a spec that extends another one.

    Raises
    ------
    UsageError
        For an item that is no ``KEY=VALUE``.
    """
    pairs = list(read_pairs(overrides))
    found = []
    for n, (key, text) in enumerate(pairs):
        # Read below n empty lines and behind blanks as wide as the key: marks come out right.
        node = read_node("\n" * n + " " * (len(key) + 1) + text, FILE, diagnostics)
        if node is None:
            continue
        override = Override(tuple(_parts(key, n + 1)), node)
        if is_empty(node):  # the reader finds nothing, and may say so of another line
            empty = Scalar("", False, override.place(len(override.parts) - 1))
            override = replace(override, value=empty, removes=override.parts[0].text not in KEPT_EMPTY)
        found.append(override)
    if pairs:
        diagnostics.add_source(Source(FILE, "\n".join(f"{key}={text}" for key, text in pairs)))
    return found


def read_pairs(overrides: Overrides) -> Iterable[tuple[str, str]]:
    """Yield (key, value as YAML) of each override; see `read_overrides`."""
    if isinstance(overrides, Environment):
        for key, value in overrides.items():
            yield str(key), value if isinstance(value, str) else flow(value)
        return
    for item in [overrides] if isinstance(overrides, str) else overrides:
        key, equals, text = str(item).partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {item}: expected KEY=VALUE, for instance --set solver.base_lr=0.1")
        yield key, text


def _parts(key: str, line: int) -> Iterable[Scalar]:
    column = 1
    for part in key.split("."):
        yield Scalar(part.strip(), False, Mark(FILE, line, column, column + len(part)))
        column += len(part) + 1


def apply(root: Mapping, overrides: Iterable[Override], diagnostics: Diagnostics) -> Mapping:
    """Return the tree of a file with the overrides put in; what fits nowhere is reported."""
    for override in overrides:
        first = override.parts[0]
        if first.text not in KEYS:
            hint = did_you_mean(first.text, KEYS) or "begin with vars, layers, solver, data, .."
            if any(first.text in keys_of(cls) for cls in SOLVERS):
                hint = f"did you mean `solver.{override.key}`?"
            diagnostics.error("E232", first.mark, f"a spec has no `{first.text}`", hint)
        elif first.text in ("extends", "remove", "change"):
            message = f"`{first.text}` is read before overrides"
            diagnostics.error("E232", first.mark, message, "write it in a spec, or set the layers one by one")
        elif first.text == "vars" and len(override.parts) > 1 and not _known_variable(root, override.parts[1].text):
            written = root.get("vars")
            known = written.keys() if isinstance(written, Mapping) else []
            name = override.parts[1]
            hint = did_you_mean(name.text, known) or _variables_hint(known)
            diagnostics.error("E232", name.mark, f"there is no variable `{name.text}`", hint)
        else:
            root = _put(root, override, diagnostics)
    return root


def _known_variable(root: Mapping, name: str) -> bool:
    written = root.get("vars")
    return (isinstance(written, Mapping) and name in written) or name in set(names_read(root))


def _variables_hint(known: list[str]) -> str:
    if not known:
        return "the spec has no `vars`: override a field, for instance layers.NAME.num_output"
    return f"the variables are {', '.join(known[:8])}{', ..' if len(known) > 8 else ''}"


def _put(node: Mapping, override: Override, diagnostics: Diagnostics) -> Mapping:
    first = override.parts[0]
    if len(override.parts) == 1:
        if override.removes and first.text in node:
            return node.without(first.text)
        return node.with_pair(first.text, override.value, first.mark)
    inner = node.get(first.text)
    if isinstance(inner, Sequence):
        changed = _put_by_name(inner, first.text, override.below(), diagnostics)
        return node.with_pair(first.text, changed)
    if inner is None or (isinstance(inner, Scalar) and inner.is_null):
        inner = Mapping([], first.mark)
    if not isinstance(inner, Mapping):
        message = f"`{first.text}` is {kind(inner)}, it has no `{override.parts[1].text}`"
        diagnostics.error("E232", override.place(1), message)
        return node
    return node.with_pair(first.text, _put(inner, override.below(), diagnostics), first.mark)


def _put_by_name(node: Sequence, what: str, override: Override, diagnostics: Diagnostics) -> Sequence:
    """Put a value into the entries of a list that have a name; two phases may share one."""
    wanted = override.parts[0]
    items: list[Node] = []
    names = []
    found = False
    for item in node.items:
        name = item.get("name") if isinstance(item, Mapping) else None
        if isinstance(item, Mapping) and isinstance(name, Scalar):
            names.append(name.text)
            if name.text == wanted.text:
                found = True
                items.append(_entry(item, override, diagnostics))
                continue
        items.append(item)
    if not found:
        diagnostics.error(
            "E232", wanted.mark, f"no entry of `{what}` is called `{wanted.text}`", _name_hint(wanted.text, names)
        )
    return Sequence(items, node.mark)


def _entry(item: Mapping, override: Override, diagnostics: Diagnostics) -> Node:
    if len(override.parts) > 1:
        return _put(item, override.below(), diagnostics)
    message = f"`{override.key}` is a whole entry; set its fields one by one"
    diagnostics.error("E232", override.place(), message, f"--set ..{override.key}.num_output=3")
    return item


def _name_hint(wanted: str, names: list[str]) -> str | None:
    first = wanted.partition("/")[0]
    if "/" in wanted and first in names:
        return f"`{first}` is a block instance: set its arguments, or blocks.BLOCK.layers.NAME"
    shown = f"the entries with a name are {', '.join(names[:8])}{', ..' if len(names) > 8 else ''}" if names else None
    return did_you_mean(wanted, names) or shown
