"""Blocks, ``repeat``, ``each`` and ``if``: from the entries of a file to the tree of its layers.

A layer's own fields are not looked at here: a file that stands for a million
layers must be refused before any of them costs time.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from netspec.spec.blocks import Block, Home
from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.entries import MAX_LAYERS, NAME, Calls, Factors, Item, unnamed
from netspec.spec.expressions import has_expression
from netspec.spec.fields import entry_mark, keys_of
from netspec.spec.instance import Instance
from netspec.spec.layer import Layer
from netspec.spec.loops import read_loop
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind
from netspec.spec.registry import LAYERS
from netspec.spec.values import Evaluator, Failed
from netspec.spec.variables import Env

MAX_DEPTH = 64

_CONTROL = ("each", "repeat", "if")
_NOT_WALKED = ("block", "each", "repeat")


class TooMany(Exception):
    """More layers than a net may have; the reason is already among the diagnostics."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where entries are expanded: the file, or a turn of a block instance."""

    env: Env
    home: Home
    prefix: str = ""
    calls: Calls = ()
    factors: Factors = field(default_factory=Factors)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One making of an entry: its variables, its pairs, and what its name ends in."""

    env: Env
    node: Mapping
    suffix: str = ""
    named: bool = False


class Expander:
    """Expands the entries of one file, and of the files that are its blocks."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.diagnostics: Diagnostics = evaluator.diagnostics
        self._count = 0

    def run(self, entries: tuple[Mapping, ...], home: Home) -> list[Item]:
        """Return the tree; incomplete where something is wrong.

        Parameters
        ----------
        entries : tuple of Mapping
            The file's ``layers``.
        home : Home
            What they see.
        """
        try:
            return self._entries(entries, Place(Env({}, home.variables), home))
        except TooMany:
            return []

    def _entries(self, entries: tuple[Mapping, ...], place: Place) -> list[Item]:
        found: list[Item] = []
        taken = {n.text for entry in entries if isinstance(n := entry.get("name"), Scalar)}
        numbers: Counter[str] = Counter()
        for entry in entries:
            name: Scalar | None = None
            try:
                name = self._base_name(entry, place, taken, numbers)
                found.extend(self._entry(entry, name, place))
            except Failed:
                found.append(self._broken(entry, name, place))
        return found

    def _broken(self, entry: Mapping, name: Scalar | None, place: Place) -> Item:
        """What stands in for an entry that could not be read: its name, if that much is sure."""
        written = name if name is not None else entry.get("name")
        sure = isinstance(written, Scalar) and NAME.fullmatch(written.text) and not has_expression(written)
        text = place.prefix + written.text if sure and isinstance(written, Scalar) else place.prefix
        item = Item("broken", text, entry_mark(entry), place.calls, entry)
        item.cls = _class_of(entry)
        return item

    def _base_name(self, entry: Mapping, place: Place, taken: set[str], numbers: Counter[str]) -> Scalar | None:
        """The written name, or a made one (``relu1``) for a layer without parameters."""
        kind_of = entry.get("type")
        if "block" in entry and kind_of is not None and not _is_loop(entry):
            self._error("E215", entry_mark(entry), "an entry has `type` or `block`, not both", None, place)
            raise Failed
        if isinstance(kind_of, Scalar) and _is_loop(entry) and "block" not in entry:
            hint = "block: the name of one of `blocks`"
            self._error(
                "E215", entry_mark(entry), f"a {kind_of.text} runs a block over time and names none", hint, place
            )
            raise Failed
        each = entry.get("each")
        walked = each.keys() if isinstance(each, Mapping) else []
        if "block" not in entry and "type" not in entry and "type" not in walked:
            self._neither(entry, place)
            raise Failed
        name = entry.get("name")
        if name is not None and not (isinstance(name, Scalar) and name.is_null):
            if not isinstance(name, Scalar):
                self._error("E221", name.mark, f"a name is text, got {kind(name)}", None, place)
                raise Failed
            return name
        if "name" in walked:
            return None
        written = entry.get("type")
        cls = LAYERS.get(written.text) if isinstance(written, Scalar) else None
        if written is None or (cls is not None and any(key.endswith("filler") for key in cls.specs)):
            what = "a layer with parameters" if written is not None else "a block instance"
            what = "an entry of several types" if "type" in walked else what
            self._error("E224", entry_mark(entry), f"{what} needs a name", "write `name: ..` as its first key", place)
            raise Failed
        word = written.text if isinstance(written, Scalar) else ""
        return Scalar(unnamed(word, taken, numbers), True, entry_mark(entry))

    def _neither(self, entry: Mapping, place: Place) -> None:
        """Report an entry without type and block, at the key that was meant to be one."""
        message = "an entry needs a `type` or a `block`"
        for key, value in entry:
            if ":" in key.text and isinstance(value, Scalar) and value.is_null:
                hint = f"write a blank behind the colon: `{key.text.replace(':', ': ', 1)}`"
                self._error("E215", key.mark, message, hint, place)
                return
        for key, _ in entry:
            if (near := did_you_mean(key.text, ("type", "block"))) is not None:
                self._error("E215", key.mark, f"{message}, `{key.text}` is neither", near, place)
                return
        self._error("E215", entry_mark(entry), message, None, place)

    def _name(self, base: Scalar | None, turn: _Turn, place: Place) -> Scalar:
        if turn.named:
            chosen = turn.node.get("name")
            assert isinstance(chosen, Scalar)
            base = chosen
        assert base is not None
        if base.is_given or has_expression(base):
            value = self.evaluator.node(base, turn.env)
            text = str(value.value) if isinstance(value, Scalar) else ""
        else:
            text = base.text + turn.suffix
        if not NAME.fullmatch(text):
            hint = "letters, digits, `_`, `-`, and `/` between them"
            near = "".join(c if c.isascii() and (c.isalnum() or c in "_-/") else "_" for c in text).strip("/")
            hint = f"{hint}: `{near}`" if NAME.fullmatch(near) else hint
            self._error("E221", base.mark, f"`{text}` cannot be a name", hint, place)
            raise Failed
        return Scalar(text, True, base.mark)

    def _entry(self, entry: Mapping, base: Scalar | None, place: Place) -> list[Item]:
        """The turns of an entry, then the name of the last one where turns are numbered."""
        with self.diagnostics.inside(place.calls):
            turns = self._turns(entry, place, place.prefix + base.text if base is not None else None)
            if turns is None:
                assert base is not None
                # a name with `${i}` is that of the first turn: nothing reads it, chaining goes through it
                name = self._name(base, _Turn(place.env.child({"i": 1}), entry), place)
                return [self._item(entry.without(*_CONTROL), name, place, place.env, off=True)]
            found = self._all_turns(entry, turns, base, place)
        if base is not None and turns[0].suffix and not has_expression(base):
            last = found[-1]
            found.append(Item("last", place.prefix + base.text, base.mark, place.calls, target=last, rules=last.rules))
        return found

    def _all_turns(self, entry: Mapping, turns: list[_Turn], base: Scalar | None, place: Place) -> list[Item]:
        controlled = any(key in entry for key in _CONTROL)
        plain = entry.without(*_CONTROL) if controlled else entry
        repeated = "repeat" in entry
        found: list[Item] = []
        for turn in turns:
            name = self._name(base, turn, place)
            condition = turn.node.get("if")
            off = condition is not None and not self.evaluator.condition(condition, turn.env, place.prefix + name.text)
            node = plain if turn.node is entry else turn.node.without(*_CONTROL)
            item = self._item(node, name, place, turn.env, off)
            if repeated and found:
                item.after = found[-1]
            found.append(item)
        return found

    def _turns(self, entry: Mapping, place: Place, layer: str | None) -> list[_Turn] | None:
        """The turns of an entry; None for ``repeat: 0``."""
        each, repeat = entry.get("each"), entry.get("repeat")
        if each is not None and repeat is not None:
            self.diagnostics.error(
                "E225", each.mark, "each and repeat on one entry", "put a block inside a block", layer
            )
            raise Failed
        if repeat is not None:
            try:
                count = self.evaluator.count(repeat, place.env, layer or "repeat")
            except Failed:
                self._look_through(entry, place, layer)
                raise
            if self._count + count > MAX_LAYERS:
                self._too_many(repeat)
            return [_Turn(place.env.child({"i": i}), entry, f"/{i}") for i in range(1, count + 1)] or None
        if each is not None:
            return self._walked(entry, each, place, layer)
        return [_Turn(place.env, entry)]

    def _look_through(self, entry: Mapping, place: Place, layer: str | None) -> None:
        """Report what is wrong with the other values of an entry whose turns cannot be counted."""
        env = place.env.child({"i": 1})
        for key, value in entry:
            if key.text not in _CONTROL:
                with suppress(Failed):
                    self.evaluator.node(value, env, layer)

    def _walked(self, entry: Mapping, each: Node, place: Place, layer: str | None) -> list[_Turn]:
        lists = self._each_lists(entry, each, place, layer)
        named = "name" in lists
        turns = []
        for n in range(len(next(iter(lists.values()))[1].items)):
            node, names = entry, {"i": n + 1}
            for key, values in lists.values():
                value = values.items[n]
                node = node.with_pair(key.text, value, key.mark)
                names[key.text] = value.value if isinstance(value, Scalar) else value  # type: ignore[assignment]
            turns.append(_Turn(place.env.child(dict(names)), node, "" if named else f"/{n + 1}", named))
        return turns

    def _each_lists(self, entry: Mapping, each: Node, place: Place,
                    layer: str | None) -> dict[str, tuple[Scalar, Sequence]]:  # fmt: skip
        walked = self.evaluator.node(each, place.env, layer)
        if not isinstance(walked, Mapping) or not len(walked):
            got = "an empty one" if isinstance(walked, Mapping) else kind(walked)
            message = f"each is a mapping of keys to lists, got {got}"
            self.diagnostics.error("E225", each.mark, message, "each: {width: [64, 128]}", layer)
            raise Failed
        lists: dict[str, tuple[Scalar, Sequence]] = {}
        for key, values in walked:
            if key.text in entry:
                message = f"`{key.text}` is set by the entry itself"
                self.diagnostics.error("E225", key.mark, message, "delete one of the two", layer)
                raise Failed
            if key.text in _NOT_WALKED:
                self.diagnostics.error("E225", key.mark, f"each cannot set `{key.text}`", None, layer)
                raise Failed
            if not isinstance(values, Sequence) or not values.items:
                got = "an empty list" if isinstance(values, Sequence) else kind(values)
                message = f"each walks lists: `{key.text}` is {got}"
                self.diagnostics.error("E225", values.mark, message, f"{key.text}: [..]", layer)
                raise Failed
            lists[key.text] = key, values
        lengths = {key: len(values.items) for key, (_, values) in lists.items()}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{key} has {length}" for key, length in lengths.items())
            self.diagnostics.error("E225", walked.mark, f"the lists of each differ in length: {shown}", None, layer)
            raise Failed
        return lists

    def _item(self, node: Mapping, name: Scalar, place: Place, env: Env, off: bool) -> Item:
        self._count += 1
        if self._count > MAX_LAYERS:
            self._too_many(name)
        is_block = "block" in node and not _is_loop(node)
        item = Item("block" if is_block else "layer", place.prefix + name.text, name.mark, place.calls, node, env,
                    place.factors, off, defaults=place.home.defaults)  # fmt: skip
        if is_block:
            self._instance(item, node, env, place.home)
        elif _is_loop(node):
            self._loop(item, node, env, place.home)
        return item

    def _instance(self, item: Item, node: Mapping, env: Env, home: Home) -> None:
        """Read the keys of a block instance and expand what is inside."""
        block = self._block_of(item, node, env, home)
        read = Instance(self.evaluator, item, env)
        item.ports, item.open_ports = block.inputs, block.home is not None
        item.outputs = None if block.outputs is None else list(block.outputs)
        item.bottoms, item.tops = read.names(node.get("bottom"), "bottom"), read.names(node.get("top"), "top")
        if "outputs" in node:
            item.outputs, item.prunes, item.open_ports = read.names(node.get("outputs"), "outputs"), True, True
        item.rules, item.share = read.rules(node), read.share(node)
        item.factors = item.factors * read.factors(node)
        self._inside(item, block, read.arguments(node, block), env, home)

    def _loop(self, item: Item, node: Mapping, env: Env, home: Home) -> None:
        """Read what a layer over time says of its block and expand what is inside."""
        block = self._block_of(item, node, env, home)
        cls = _class_of(node)
        assert cls is not None
        own = [key for key in (*keys_of(cls), "type") if key != "block"]
        read = Instance(self.evaluator, item, env)
        item.ports, item.outputs = block.inputs, None if block.outputs is None else list(block.outputs)
        item.loop = read_loop(read, node)
        factors, outside = read.factors(node.without("loss_weight")), item.factors
        arguments = read.arguments(node.without(*own), block)
        item.node = node.without("block", *block.params)
        item.factors = outside * factors
        self._inside(item, block, arguments, env, home)
        item.factors = outside

    def _inside(self, item: Item, block: Block, local: dict[str, object], env: Env, home: Home) -> None:
        """Expand the entries of a block with the values of its parameters."""
        calls = (*item.calls, (item.name, item.mark))
        if len(calls) > MAX_DEPTH:
            message = f"blocks are nested deeper than {MAX_DEPTH}"
            self.diagnostics.error("E216", item.mark, message, "does one contain itself?", item.name)
            raise TooMany
        if item.off:
            return
        if block.home is not None:
            home, local = block.home(local, item.mark), {}
        inner = Place(Env(local, home.variables), home, item.name + "/", calls, item.factors)
        item.children = self._entries(block.layers, inner)

    def _block_of(self, item: Item, node: Mapping, env: Env, home: Home) -> Block:
        written = node.get("block")
        assert written is not None
        value = self.evaluator.value(written, env, item.name) if isinstance(written, Scalar) else written
        block = home.blocks.get(value) if isinstance(value, str) else None
        if isinstance(value, str) and value in home.broken:
            raise Failed
        if block is None:
            if not isinstance(value, str):
                message, hint = f"block is a name, got {kind(written)}", None
            else:
                message, hint = f"unknown block `{value}`", did_you_mean(value, home.blocks)
                hint = hint or (
                    f"there are {', '.join(list(home.blocks)[:8])}" if home.blocks else "add it to `blocks`"
                )
            self.diagnostics.error("E226", written.mark, message, hint, item.name)
            raise Failed
        return block

    def _too_many(self, node: Node) -> None:
        message = f"the net has more than {MAX_LAYERS:,} layers"
        self.diagnostics.error("E217", node.mark, message, "is a repeat larger than meant?")
        raise TooMany

    def _error(self, code: str, mark: Mark, message: str, hint: str | None, place: Place) -> None:
        with self.diagnostics.inside(place.calls):
            self.diagnostics.error(code, mark, message, hint)


def _class_of(entry: Mapping) -> type[Layer] | None:
    written = entry.get("type")
    cls = LAYERS.get(written.text) if isinstance(written, Scalar) else None
    return cls if cls is not None and issubclass(cls, Layer) else None


def _is_loop(entry: Mapping) -> bool:
    cls = _class_of(entry)
    return cls is not None and cls.runs_block
