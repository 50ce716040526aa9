"""Which change makes the bottoms of an Eltwise or a Concat alike: searched for, so that it works when typed in."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from netspec.graph.net import Node, Shape
from netspec.layers.axes import canonical
from netspec.layers.convolution import Grouped
from netspec.layers.sliding import Sliding
from netspec.spec.layer import Layer, ShapeError

PADS, STRIDES = range(8), range(1, 9)
STEPS = 40
"""How far back a branch is followed."""

Change = dict[str, int]


@dataclass(frozen=True)
class Branches:
    """The bottoms of a layer and how they came about.

    Attributes
    ----------
    shapes
        Of every blob before the layer, by id.
    makers
        The node that makes each blob, by id.
    axis
        Along which the bottoms may differ, None if along none.
    """

    node: Node
    shapes: Mapping[str, Shape]
    makers: Mapping[str, Node]
    axis: int | None

    def same(self, x: Shape, y: Shape) -> bool:
        """Whether two bottoms go together."""
        axis = self.axis
        if axis is None or len(x) != len(y) or len(x) <= axis:
            return x == y
        return x[:axis] + x[axis + 1 :] == y[:axis] + y[axis + 1 :]

    def odd_ones(self) -> Iterator[tuple[str, str]]:
        """Yield each bottom that differs from all others, which are alike, with one of these; the last one first."""
        ids = list(dict.fromkeys(self.node.bottom_ids))
        for blob in reversed(ids):
            others = [other for other in ids if other != blob]
            wanted = self.shapes[others[0]]
            if all(self.same(self.shapes[o], wanted) for o in others) and not self.same(self.shapes[blob], wanted):
                yield blob, others[0]

    def own_layers(self, blob: str) -> Iterator[tuple[list[Node], str]]:
        """Yield what leads to a bottom alone: the layers from one on, nearest first, and the blob that it reads."""
        others = {m for o in self.node.bottom_ids if o != blob for m in self._behind(o)}
        path: list[Node] = []
        while len(path) < STEPS and (maker := self.makers.get(blob)) is not None and maker.name not in others:
            if len(maker.bottom_ids) != 1 or len(maker.top_ids) != 1:
                return
            path.insert(0, maker)
            blob = maker.bottom_ids[0]
            yield list(path), blob

    def _behind(self, blob: str) -> set[str]:
        found: set[str] = set()
        waiting = [blob]
        while waiting:
            maker = self.makers.get(waiting.pop())
            if maker is not None and maker.name not in found:
                found.add(maker.name)
                waiting.extend(maker.bottom_ids)
        return found

    def models(self, blob: str, wanted: Change) -> list[str] | None:
        """The layers of another branch that have these values: what a block says in its parameters."""
        found: dict[str, None] = {}
        for name, value in wanted.items():
            if name == "stride" and value == 1:
                continue
            holder = next((path[0] for path, _ in self.own_layers(blob) if _value(path[0].layer, name) == value), None)
            if holder is None:
                return None
            found[self.local(holder.name)] = None
        return list(found)

    def local(self, name: str) -> str:
        """A layer's name as written inside the block."""
        return name.removeprefix(self.node.calls[-1][0] + "/") if self.node.calls else name

    def written(self, blob: str) -> str:
        """A bottom as the layer names it."""
        return self.node.layer.bottom_names[self.node.bottom_ids.index(blob)]


def alike(node: Node, shapes: Mapping[str, Shape], makers: Mapping[str, Node]) -> str | None:
    """Return what makes the bottoms of ``node`` alike, None if nothing small does."""
    rank = len(shapes[node.bottom_ids[0]])
    axis = canonical(getattr(node.layer, "axis", 1), rank) if node.type == "Concat" else None
    branches = Branches(node, shapes, makers, axis)
    pairs = list(branches.odd_ones())
    changes = sorted((c for blob, other in pairs for c in _changes(branches, blob, other)), key=lambda c: c[0])
    small = next((words for size, words in changes if size < 200), None)
    inserted = (_inserted(branches, blob, other) for blob, other in pairs if axis is None)
    # one field is changed rather than a layer added, a layer added rather than two fields changed
    return small or next(filter(None, inserted), None) or next((words for _, words in changes), None)


def _value(layer: Layer, name: str) -> int | None:
    if name == "stride":
        return layer.steps[0] if isinstance(layer, Sliding) and len({*layer.steps, *layer.stride}) == 1 else None
    return getattr(layer, name, None)


def _changes(branches: Branches, blob: str, other: str) -> Iterator[tuple[int, str]]:
    """Yield (how large a change, its words) for each layer of a branch whose fields can be changed to fit."""
    wanted = branches.shapes[other]
    for path, read in branches.own_layers(blob):
        layer, name = path[0].layer, branches.local(path[0].name)
        x = branches.shapes[read]
        for change in _candidates(layer, x, wanted) if isinstance(layer, Sliding) else ():
            made = _through(path, change, x)
            if made is None or not branches.same(made, wanted):
                continue
            fields = ", ".join(f"{field}: {value}" for field, value in change.items())
            words = f"`{fields}` in `{name}` makes them alike"
            if branches.node.calls and (models := branches.models(other, change)):
                words = f"give `{name}` the {' and '.join(change)} of {_quoted(models)} (here {fields})"
            yield 100 * len(change) + len(path), words  # far layers are changed last: more hangs on them
            break


def _candidates(layer: Sliding, x: Shape, wanted: Shape) -> Iterator[Change]:
    """Values of ``pad``, ``stride`` and ``num_output``, few changes before many."""
    count = len(x) - 2
    if len(wanted) != len(x) or count not in layer.dimensions:
        return
    if any(layer.given(f"{word}_{side}") for word in ("pad", "stride") for side in "hw"):
        return
    kernel, strides, pads, _ = layer.window(count)
    outputs = (layer.num_output, wanted[1]) if isinstance(layer, Grouped) else (0,)
    changes = []
    for pad, stride, output in product(PADS, STRIDES, outputs):
        change = {}
        if (pad,) * count != pads:
            change["pad"] = pad
        if (stride,) * count != strides:
            change["stride"] = stride
        if isinstance(layer, Grouped) and output != layer.num_output:
            change["num_output"] = output
        if change and pad < max(kernel):
            changes.append(change)
    yield from sorted(changes, key=len)


def _through(path: list[Node], change: Change, x: Shape) -> Shape | None:
    """The shape at the end of a branch whose first layer is changed, None if it no longer fits."""
    layer = copy.copy(path[0].layer)
    for name, value in change.items():
        setattr(layer, name, value if name == "num_output" else (value,))
    if any(problem.severity == "error" for problem in layer.problems()):
        return None
    try:
        for each in (layer, *(node.layer for node in path[1:])):
            x = _top(each, x)
    except ShapeError:
        return None
    return x


def _top(layer: Layer, x: Shape) -> Shape:
    made = layer.shapes(x)
    return made[0] if made and isinstance(made[0], tuple) else made  # type: ignore[return-value]


def _inserted(branches: Branches, blob: str, other: str) -> str | None:
    """A layer between a branch and the sum: a projection."""
    x, wanted, name = branches.shapes[blob], branches.shapes[other], branches.written(blob)
    if len(x) != len(wanted) or len(x) not in (2, 3, 4, 5) or x[0] != wanted[0]:
        return None
    start = f"{{name: .., type: {'InnerProduct' if len(x) == 2 else 'Convolution'}, bottom: {name}"
    if len(x) > 2:
        start += ", kernel_size: 1"
    for stride in STRIDES:
        if all((n - 1) // stride + 1 == m for n, m in zip(x[2:], wanted[2:], strict=True)):
            fields = {"num_output": wanted[1], **({"stride": stride} if stride > 1 else {})}
            shown = "".join(f", {field}: {value}" for field, value in fields.items())
            models = branches.models(other, fields) if branches.node.calls else None
            if models:
                return f"read `{name}` through {start}}} with the {' and '.join(fields)} of {_quoted(models)}"
            return f"read `{name}` through {start}{shown}}}"
    return None


def _quoted(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
