"""Wiring: which blob each bottom of a phase means.

Two walks. The first goes through the tree in the order of the file, notes who
makes which blob and what chaining takes; the second resolves every bottom, so
that one may be made further down. A name that is no blob of its own (a wire, a
port, a block's output) is an alias, followed when it is read.
"""

from __future__ import annotations

from collections import deque

from netspec.spec.diagnostics import Diagnostics, Related
from netspec.spec.entries import Item
from netspec.spec.marks import Mark
from netspec.spec.unknown import Absent, report_unknown
from netspec.spec.wiring import Making, Pending, Ref, Roots, Scope, WiredLayer, Wiring


class Wirer:
    """Wires one phase; see `wire`."""

    def __init__(self, roots: Roots, phase: str, stages: frozenset[str], diagnostics: Diagnostics) -> None:
        self.roots = roots
        self.phase = phase
        self.stages = stages
        self.diagnostics = diagnostics
        self.makings: dict[str, list[Making]] = {}
        self.layer_names: dict[str, Item] = {}
        self.absent = Absent(phase, roots.elsewhere)
        self.suggestions = 20  # searching near names is slow: a hostile file has a thousand unknown ones
        self._first: dict[int, Ref] = {}  # first output of each entry that has one
        self._pending: list[Pending] = []
        self._wanted: list[Pending] = []  # outputs of instances that say what is needed of them
        self._position = 0

    def run(self, items: list[Item]) -> Wiring:
        """Walk twice; everything wrong goes to the diagnostics."""
        before = self.diagnostics.error_count
        root = Scope("")
        for name, mark in self.roots.names:
            self.makings[name] = [Making(0, mark, blob_id=name)]
        if self.roots.uncertain:
            self._broken(Item("broken", "", Mark.start("")), root)
        elif self.roots.chained is not None:
            root.current = (root, self.roots.chained)
        self._walk(items, root)
        layers = self._needed()
        complete = self.diagnostics.error_count == before and not self.absent.broken and not self.roots.guessed
        return Wiring(self.phase, layers, complete)

    def _walk(self, items: list[Item], scope: Scope) -> None:
        for item in items:
            if item.rules is not None and not item.rules.present(self.phase, self.stages):
                self.absent.items.append(item)
            elif item.kind == "last":
                self._last(item, scope)
            elif item.kind == "broken":
                self._broken(item, scope)
            else:
                self._position += 1
                refs = self._bottoms(item, scope)
                if item.off:
                    self._wire(item, scope, refs)
                elif item.kind == "layer":
                    self._layer(item, scope, refs)
                else:
                    self._block(item, scope, refs)

    def _bottoms(self, item: Item, scope: Scope) -> list[tuple[Ref, Mark]] | None:
        """The bottoms as references; None if chaining was asked and has nothing to give."""
        if item.cls is not None and item.cls.bottoms[1] == 0 and item.bottoms is None:
            return []
        if item.kind == "block" and not item.ports and item.bottoms is None:
            return []
        written: list[tuple[Ref, Mark]] | None
        if item.bottoms is not None:
            written = [((scope, name), mark) for name, mark in item.bottoms]
        else:
            written = None if scope.current is None else [(scope.current, item.mark)]
        if item.after is not None and id(item.after) in self._first:
            written = [(self._first[id(item.after)], item.mark), *(written or [])[1:]]
        if written is not None and item.loop is not None:
            written = [*written, *(((scope, name), mark) for name, mark in item.loop.beside)]
        return written

    def _last(self, item: Item, scope: Scope) -> None:
        assert item.target is not None
        if id(item.target) in self._first:
            last = self._first[id(item.target)]
            if last != (scope, item.name[len(scope.prefix) :]):  # else `top` has given it the name already
                self._alias(item, item.name, item.mark, last)
        elif item.target.rules is not None:
            item.rules = item.target.rules
            self.absent.items.append(item)

    def _broken(self, item: Item, scope: Scope) -> None:
        """Make the names of an entry that could not be read known, so that nobody complains of their lack."""
        local = item.name[len(scope.prefix) :]
        if not local:
            local, scope.uncertain = "?", True
        self.absent.broken.add(scope.prefix + local)
        for name in (local, *(name for name, _ in item.tops or ())):
            self.makings.setdefault(scope.prefix + name, []).append(Making(self._position, item.mark, item=item))
        if not item.stepped_over:
            scope.current = (scope, local)

    def _wire(self, item: Item, scope: Scope, refs: list[tuple[Ref, Mark]] | None) -> None:
        if item.stepped_over or not refs:
            self.absent.gone[item.name] = item
            return
        here = (scope, item.name[len(scope.prefix) :])
        self._first[id(item)] = here
        self.absent.wires[item.name] = item
        names = [item.name]
        if item.tops:
            names.append(scope.prefix + item.tops[0][0])
        read = {s.prefix + name for (s, name), _ in refs}
        for name in dict.fromkeys(names):
            if name not in read:  # one that works in place leaves its blob as it is
                self._alias(item, name, item.mark, refs[0][0])
        if item.bottoms is not None or item.after is not None:
            scope.current = here

    def _layer(self, item: Item, scope: Scope, refs: list[tuple[Ref, Mark]] | None) -> None:
        self._take_name(item)
        if item.tops is None:
            no_top = item.cls is not None and item.cls.tops[1] == 0
            tops = [] if no_top else [(item.name[len(scope.prefix) :], item.mark)]
        else:
            tops = item.tops
        ids = []
        for name, mark in tops:
            in_place = any(ref == (scope, name) for ref, _ in refs or ())
            ids.append(self._make(item, scope, name, mark, in_place))
        names = tuple(scope.prefix + name for name, _ in tops)
        self._pending.append(Pending(item, scope, self._position, refs, names, tuple(ids)))
        if tops:
            first = (scope, tops[0][0])
            self._first[id(item)] = first
            if item.name not in names:
                self.absent.renamed[item.name] = names[0]
            if not item.stepped_over:
                scope.current = first

    def _block(self, item: Item, scope: Scope, refs: list[tuple[Ref, Mark]] | None) -> None:
        given = refs or []
        if len(given) > len(item.ports) or (len(given) < len(item.ports) and not item.open_ports):
            self._wrong_inputs(item, given, scope)
        child = Scope(item.name + "/", (*item.calls, (item.name, item.mark)))
        child.prunes, child.instance = scope.prunes or item.prunes, item if item.open_ports else None
        child.ports = {port: given[n][0] if n < len(given) else None for n, port in enumerate(item.ports)}
        if item.ports:
            child.current = (child, item.ports[0])
        self._walk(item.children, child)
        outputs = self._outputs(item, child, scope)
        if not outputs:
            self.absent.silent[item.name] = item
            return
        here = (scope, item.name[len(scope.prefix) :])
        self._first[id(item)] = here
        self._alias(item, item.name, item.mark, outputs[0])
        if item.tops is not None:
            if len(item.tops) > len(outputs):
                message = f"`{item.name}` names {len(item.tops)} tops, its block has {len(outputs)} outputs"
                self._error("E306", item.tops[len(outputs)][1], message, None, item)
            for (name, mark), target in zip(item.tops, outputs, strict=False):
                if name != here[1]:
                    self._alias(item, scope.prefix + name, mark, target)
        scope.current = here

    def _outputs(self, item: Item, child: Scope, scope: Scope) -> list[Ref]:
        """What an instance gives: the blobs it or its block lists, else what chaining would take at its end."""
        if item.outputs is None:
            return [] if child.current is None else [child.current]
        known = [(name, mark) for name, mark in item.outputs if self._known_output(item, child, name, mark)]
        if item.prunes:
            self._wanted.append(Pending(item, scope, self._position + 1, [((child, n), mark) for n, mark in known]))
        return [(child, name) for name, _ in known]

    def _known_output(self, item: Item, child: Scope, name: str, mark: Mark) -> bool:
        if name in child.ports or child.prefix + name in self.makings:
            return True
        with self.diagnostics.inside(child.calls):
            report_unknown(self, child, name, mark, item.name, what="output")
        return False

    def _wrong_inputs(self, item: Item, given: list[tuple[Ref, Mark]], scope: Scope) -> None:
        ports, count = ", ".join(item.ports), len(item.ports)
        plural = "input" if count == 1 else "inputs"
        chained = " (from chaining)" if item.bottoms is None and given else ""
        message = f"`{item.name}` is a block with {count} {plural} ({ports}), got {len(given)}{chained}"
        if not count:
            message = f"`{item.name}` is a block without inputs, got {len(given)}"
        names = [ref[1] for ref, _ in given[:count]]
        # a port is often called like the blob it is meant for
        names += [port if scope.prefix + port in self.makings else ".." for port in item.ports[len(names) :]]
        hint = f"bottom: [{', '.join(names)}]" if count else "leave out bottom"
        mark = given[count][1] if len(given) > count else item.mark
        self._error("E308", mark, message, hint, item)

    def _take_name(self, item: Item) -> None:
        other = self.layer_names.setdefault(item.name, item)
        if other is not item:
            message = f"two layers are called `{item.name}`"
            self._error("E309", item.mark, message, "give one of them another name, or a phase of its own (include)",
                        item, [Related("the first is here", other.mark)])  # fmt: skip

    def _make(self, item: Item, scope: Scope, name: str, mark: Mark, in_place: bool) -> str:
        full = scope.prefix + name
        made = self.makings.setdefault(full, [])
        blobs = sum(making.blob_id is not None for making in made)
        blob_id = f"{full}#{blobs + 1}" if blobs else full
        if made and not in_place:
            self._made_twice(item, full, mark, made[0])
        elif name in scope.ports and not in_place:
            hint = "give the layer another name, or work in place (top equal to bottom)"
            self._error("E310", mark, f"`{name}` is already an input of the block", hint, item)
        else:
            made.append(Making(self._position, mark, blob_id=blob_id, item=item))
        return blob_id

    def _made_twice(self, item: Item, full: str, mark: Mark, first: Making) -> None:
        if (
            first.broken
            or first.item is item
            or (first.item is not None and first.item.name == item.name and full == item.name)
        ):
            return  # the layer's name is already reported
        if first.item is None:
            hint = "give the layer another name, or work in place (top equal to bottom)"
            self._error("E310", mark, f"`{full}` is already an input of the net", hint, item)
            return
        hint = f"give one top another name; in place, `{item.name}` would have to read `{full}` too"
        message = f"blob `{full}` is made twice, by `{first.item.name}` and by `{item.name}`"
        self._error("E302", mark, message, hint, item, [Related("first made here", first.mark)])

    def _alias(self, item: Item, full: str, mark: Mark, target: Ref) -> None:
        made = self.makings.setdefault(full, [])
        if made:
            self._made_twice(item, full, mark, made[0])
        made.append(Making(self._position, mark, target=target, item=item))

    def _needed(self) -> list[WiredLayer]:
        """The layers in the order of the file, without those of a pruned block that nothing needed reads."""
        waiting = deque(pending for pending in (*self._pending, *self._wanted) if not pending.scope.prunes)
        makers = {blob: pending for pending in self._pending if pending.scope.prunes for blob in pending.top_ids}
        wired: dict[int, WiredLayer | None] = {}
        while waiting:
            pending = waiting.popleft()
            found = wired[id(pending)] = self._resolved(pending)
            for blob in found.bottom_ids if found is not None else ():
                maker = makers.pop(blob, None)
                if maker is not None and id(maker) not in wired:
                    waiting.append(maker)
        return [found for pending in self._pending if (found := wired.get(id(pending))) is not None]

    def _resolved(self, pending: Pending) -> WiredLayer | None:
        item, refs = pending.item, pending.refs
        if refs is None:
            self._nothing_to_chain(item)
            return None
        found = [self.resolve(ref, mark, pending) for ref, mark in refs]
        if not self._counts(item, [name for (_, name), _ in refs], len(pending.tops)) or None in found:
            return None
        ids = tuple(blob_id for blob_id in found if blob_id is not None)
        names = tuple(blob_id.partition("#")[0] for blob_id in ids)
        return WiredLayer(item, names, ids, pending.tops, pending.top_ids, tuple(mark for _, mark in refs))

    def resolve(self, ref: Ref, mark: Mark, pending: Pending) -> str | None:
        """Return the blob that a name means to a reader; None after reporting that it means nothing."""
        seen: dict[Ref, None] = {}
        while True:
            scope, name = ref
            if ref in seen:
                self._alias_cycle(pending.item, mark, list(seen))
                return None
            made = self._seen_from(pending.position, scope, name)
            if made is not None and (made.blob_id is not None or made.broken):
                return made.blob_id
            seen[ref] = None
            target = made.target if made is not None else scope.ports.get(name)
            if target is None:
                self._means_nothing(scope, name, mark, pending.item)
                return None
            ref = target

    def _means_nothing(self, scope: Scope, name: str, mark: Mark, item: Item) -> None:
        if name not in scope.ports:
            with self.diagnostics.inside(scope.calls):
                report_unknown(self, scope, name, mark, item.name)
        elif scope.instance is not None:  # else a port without a bottom is already reported
            instance, scope.instance = scope.instance, None
            ports, reader = ", ".join(scope.ports), item.name[len(scope.prefix) :]
            message = f"`{instance.name}` is a block with {len(scope.ports)} inputs ({ports}), and got no `{name}`, "
            message += f"which `{reader}` reads"
            names = [ref[1] for ref in scope.ports.values() if ref is not None]
            names += list(scope.ports)[len(names) : list(scope.ports).index(name) + 1]
            hint = f"bottom: [{', '.join(names)}], or `outputs` that do not need `{reader}`"
            self._error("E308", instance.mark, message, hint, instance)

    def _seen_from(self, position: int, scope: Scope, name: str) -> Making | None:
        """The latest making above the reader, else the last one further down."""
        made = self.makings.get(scope.prefix + name)
        if not made:
            return None
        for making in reversed(made):
            if making.position < position:
                return making
        return None if name in scope.ports else made[-1]

    def _alias_cycle(self, item: Item, mark: Mark, seen: list[Ref]) -> None:
        names = [scope.prefix + name for scope, name in seen]
        path = " -> ".join([*names[:6], names[0]])
        self._error("E303", mark, f"wires that lead in a circle: {path}", "connect one of them to a blob", item)

    def _nothing_to_chain(self, item: Item) -> None:
        if self.roots.differs is not None:
            message = f"`{item.name}` has no bottom, and the phases begin differently: {self.roots.differs}"
            self._error("E311", item.mark, message, "write its bottom", item)
        else:
            message = f"`{item.name}` has no bottom and there is nothing before it to chain from"
            where = "give the block an input" if item.calls else "add `data` or `inputs`"
            self._error("E307", item.mark, message, f"write its bottom, or {where}", item)

    def _counts(self, item: Item, names: list[str], tops: int) -> bool:
        if item.cls is None:
            return True
        bottoms = len(names)
        good = _within(bottoms, item.cls.bottoms)
        if not good:
            chained = " (from chaining)" if item.bottoms is None else ""
            message = f"`{item.name}` ({item.type}) takes {_range(item.cls.bottoms, 'bottom')}, got {bottoms}{chained}"
            mark = item.bottoms[-1][1] if item.bottoms else item.mark
            self._error("E305", mark, message, self._bottoms_hint(item, names), item)
        if not _within(tops, item.cls.tops):
            message = f"`{item.name}` ({item.type}) makes {_range(item.cls.tops, 'top')}, got {tops} names"
            mark = item.tops[-1][1] if item.tops else item.mark
            self._error("E306", mark, message, None, item)
            good = False
        return good

    def _bottoms_hint(self, item: Item, names: list[str]) -> str | None:
        cls = item.cls
        assert cls is not None
        if len(names) == 1 and cls.label_bottoms == (1,) and "label" in self.makings and not item.calls:
            return f"bottom: [{names[0]}, label]"
        if len(names) < cls.bottoms[0]:
            return f"bottom: [{', '.join([*names, *['..'] * (cls.bottoms[0] - len(names))])}]"
        return None

    def _error(self, code: str, mark: Mark, message: str, hint: str | None, item: Item,
               related: list[Related] | None = None) -> None:  # fmt: skip
        with self.diagnostics.inside(item.calls):
            self.diagnostics.error(code, mark, message, hint, item.name, related=related or ())


def _within(count: int, bounds: tuple[int, int | None]) -> bool:
    least, most = bounds
    return count >= least and (most is None or count <= most)


def _range(bounds: tuple[int, int | None], word: str) -> str:
    least, most = bounds
    plural = word if (least if most is None else most) == 1 else word + "s"
    if most is None:
        return f"at least {least} {plural}"
    if most == 0:
        return f"no {word}s"
    return f"{least} {plural}" if least == most else f"{least} to {most} {plural}"


def wire(items: list[Item], roots: Roots, phase: str, stages: frozenset[str], diagnostics: Diagnostics) -> Wiring:
    """Return the layers of one phase with their blobs.

    Parameters
    ----------
    items : list of Item
        The tree of the whole file.
    roots : Roots
        The blobs that come from outside in this phase.
    """
    return Wirer(roots, phase, stages, diagnostics).run(items)
