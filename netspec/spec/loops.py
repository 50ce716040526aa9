"""A block over time: what an entry of type Recurrent says of its block, and the wiring inside."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from netspec.spec.chain import Wirer
from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.entries import NAME, Item, Named
from netspec.spec.expressions import is_whole
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind
from netspec.spec.values import Failed
from netspec.spec.wiring import Making, Pending, Roots, Scope, WiredLayer, Wiring

if TYPE_CHECKING:
    from netspec.spec.instance import Instance

LONG = ("next", "shape", "init")


@dataclass(frozen=True, slots=True)
class LoopState:
    """One state: its port, what it becomes, its shape without the batch (None: found), what it starts from."""

    name: str
    mark: Mark
    next: Named
    shape: tuple[int, ...] | None = None
    start: float | Named = 0.0


@dataclass(frozen=True, slots=True)
class Loop:
    """What an entry says of its block: the blobs beside its bottoms, and the states."""

    static: tuple[Named, ...] = ()
    cont: Named | None = None
    lengths: Named | None = None
    states: tuple[LoopState, ...] = ()

    @property
    def beside(self) -> list[Named]:
        """The blobs that are read beside the bottoms, in the order of the layer's bottoms behind them."""
        given = [self.cont, self.lengths, *(s.start for s in self.states)]
        return [*self.static, *(name for name in given if isinstance(name, tuple))]


@dataclass(frozen=True, slots=True)
class WiredBody:
    """The inside of a loop, wired: layers, and the ids of its ports, of its outputs and of what the states become."""

    layers: list[WiredLayer]
    ports: tuple[str, ...]
    outputs: tuple[str, ...]
    nexts: tuple[str, ...]


def read_loop(read: Instance, node: Mapping) -> Loop:
    """Return what an entry says of its block.

    Raises
    ------
    Failed
        After a problem has been reported.
    """
    item = read.item
    found: dict[str, Named | None] = {}
    for key in ("cont", "lengths"):
        names = read.names(node.get(key), key) or []
        if len(names) > 1:
            message = f"`{item.name}`: {key} is one blob, got {len(names)}"
            read.diagnostics.error("E221", names[1][1], message, None, item.name)
            raise Failed
        found[key] = names[0] if names else None
    static = read.names(node.get("static"), "static") or []
    return Loop(tuple(static), found["cont"], found["lengths"], _states(read, node.get("state")))


def _states(read: Instance, written: Node | None) -> tuple[LoopState, ...]:
    if written is None:
        return ()
    item = read.item
    node = read.evaluator.node(written, read.env, item.name)
    if isinstance(node, Mapping):
        return tuple(_state(read, key, value) for key, value in node)
    names = read.names(node, "state") or []
    outputs = item.outputs or []
    if len(names) > len(outputs):
        have = f"{len(outputs)} {'output' if len(outputs) == 1 else 'outputs'}"
        message = f"`{item.name}`: {len(names)} states take the first outputs, its block declares {have}"
        hint = f"state: {{{names[0][0]}: ..}} with the blob that it becomes"
        read.diagnostics.error("E270", names[len(outputs)][1], message, hint, item.name)
        raise Failed
    return tuple(LoopState(name, mark, after) for (name, mark), after in zip(names, outputs, strict=False))


def _state(read: Instance, key: Scalar, node: Node) -> LoopState:
    """A state in its short form, the name of what it becomes, or its long form."""
    if not isinstance(node, Mapping):
        names = read.names(node, "state")
        if not names:
            _fail(read, "E270", key.mark, f"the state `{key.text}` does not say what it becomes", "a blob inside")
        return LoopState(key.text, key.mark, (names or [("", key.mark)])[0])
    for inner, _ in node:
        if inner.text not in LONG:
            hint = did_you_mean(inner.text, LONG) or f"a state has {', '.join(LONG)}"
            _fail(read, "E501", inner.mark, f"unknown key `{inner.text}` of a state", hint)
    after = read.names(node.get("next"), "next")
    if not after:
        _fail(read, "E270", key.mark, f"the state `{key.text}` does not say what it becomes", "next: a blob inside")
    assert after
    return LoopState(key.text, key.mark, after[0], _shape(read, key, node.get("shape")), _start(read, node.get("init")))


def _shape(read: Instance, key: Scalar, node: Node | None) -> tuple[int, ...] | None:
    if node is None:
        return None
    sizes = [item.value if isinstance(item, Scalar) else None for item in getattr(node, "items", [None])]
    for value in sizes if isinstance(node, Sequence) else [None]:
        if isinstance(value, bool) or not isinstance(value, int | float) or not is_whole(value) or value < 1:
            message = f"the shape of the state `{key.text}` is a list of whole numbers from 1, without the batch"
            _fail(read, "E270", node.mark, f"{message}, got {kind(node)}", "shape: [128]")
    return tuple(int(value) for value in sizes if value is not None)


def _start(read: Instance, node: Node | None) -> float | Named:
    """A number, or the blob that a state starts from."""
    if node is None:
        return 0.0
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    if isinstance(node, Scalar) and isinstance(value, str) and NAME.fullmatch(value):
        return value, node.mark
    _fail(read, "E270", node.mark, f"init is a number or the name of a blob, got {kind(node)}", "init: 0")
    return 0.0


def _fail(read: Instance, code: str, mark: Mark, message: str, hint: str) -> None:
    read.diagnostics.error(code, mark, f"`{read.item.name}`: {message}", hint, read.item.name)
    raise Failed


def wire_bodies(wiring: Wiring, phase: str, stages: frozenset[str], diagnostics: Diagnostics) -> None:
    """Wire the inside of every loop; a wiring whose loops hold a mistake is not complete."""
    before = diagnostics.error_count
    for wired in wiring.layers:
        if wired.item.loop is not None:
            wired.body = _Inside(wired, phase, stages, diagnostics).body()
            wiring.complete &= wired.body is not None
    if diagnostics.error_count > before:
        wiring.complete = False


class _Inside(Wirer):
    """Wires the inside of one loop: its ports are the only blobs that come from outside."""

    def __init__(self, wired: WiredLayer, phase: str, stages: frozenset[str], diagnostics: Diagnostics) -> None:
        super().__init__(Roots([], None), phase, stages, diagnostics)
        self.wired, self.item = wired, wired.item
        assert wired.item.loop is not None
        self.loop: Loop = wired.item.loop

    def body(self) -> WiredBody | None:
        """Return the layers inside; None after a mistake."""
        item, before = self.item, self.diagnostics.error_count
        if not self._ports_fit() or not self._begins_once():
            return None
        scope = Scope(item.name + "/", (*item.calls, (item.name, item.mark)))
        for port in item.ports:
            blob = scope.prefix + port
            self.makings[blob] = [Making(0, item.mark, blob_id=blob)]
        scope.current = (scope, item.ports[0]) if item.ports else None
        self._walk(item.children, scope)
        outputs = list(item.outputs or ())
        if item.outputs is None and scope.current is not None:
            outputs = [(scope.current[1], item.mark)]
        found = [self._meant(scope, named) for named in (*outputs, *(s.next for s in self.loop.states))]
        inner = Wiring(self.phase, self._needed(), True)
        wire_bodies(inner, self.phase, self.stages, self.diagnostics)
        for wired in inner.layers:
            self._refuse_losses(wired.item)
        if not self._tops_fit(outputs) or self.diagnostics.error_count > before:
            return None
        if None in found or self.absent.broken:  # an entry inside could not be read, as was reported
            return None
        blobs = tuple(blob for blob in found if blob is not None)
        ports = tuple(scope.prefix + port for port in item.ports)
        return WiredBody(inner.layers, ports, blobs[: len(outputs)], blobs[len(outputs) :])

    def _ports_fit(self) -> bool:
        """Whether bottoms, static and states are the block's inputs; the states by name, behind the others."""
        item, names = self.item, [state.name for state in self.loop.states]
        for state in self.loop.states:
            if state.name not in item.ports:
                hint = did_you_mean(state.name, item.ports) or f"its inputs are {', '.join(item.ports)}"
                message = f"`{item.name}`: the block has no input `{state.name}` for a state"
                self._error("E270", state.mark, message, hint, item)
                return False
        count = len(self.wired.bottoms) - len(self.loop.beside) + len(self.loop.static)
        others = [port for port in item.ports if port not in names]
        if count != len(others):
            ports = ", ".join(item.ports)
            what = f"{len(others)} bottoms and static blobs ({', '.join(others) or 'none'})"
            message = f"`{item.name}`: with the inputs {ports} and the states {', '.join(names) or 'none'} the block"
            self._error("E308", item.mark, f"{message} takes {what}, got {count}", None, item)
            return False
        return True

    def _begins_once(self) -> bool:
        """Whether no state is said to begin in two ways."""
        started = next((state for state in self.loop.states if state.start), None)
        if started is None or not getattr(self.item.layer, "carry", False):
            return True
        what = f"`{self.item.name}`: the state `{started.name}`"
        message = f"{what} begins where the batch before ended (carry), or at init"
        self._error("E270", started.mark, message, "leave one of the two out", self.item)
        return False

    def _meant(self, scope: Scope, named: Named) -> str | None:
        """The blob that an output or a next state is."""
        name, mark = named
        return self.resolve((scope, name), mark, Pending(self.item, scope, self._position + 1, None))

    def _tops_fit(self, outputs: list[Named]) -> bool:
        tops = self.item.tops or ()
        if not outputs or len(tops) > len(outputs):
            have = f"{len(outputs)} {'output' if len(outputs) == 1 else 'outputs'}"
            message = f"`{self.item.name}` names {max(1, len(tops))} tops, its block has {have}"
            self._error("E306", tops[len(outputs)][1] if tops else self.item.mark, message, None, self.item)
            return False
        return True

    def _refuse_losses(self, item: Item) -> None:
        """A loss or metric over one step would be reported T times."""
        weights = item.layer.loss_weight if item.layer is not None else None
        if item.cls is not None and (item.cls.is_loss or item.cls.is_metric or any(weights or ())):
            message = f"`{item.name}` ({item.type}) is a loss or a metric inside a block that runs over time"
            hint = "make what it reads an output of the block, and put it behind the Recurrent"
            self._error("E271", item.mark, message, hint, item)
