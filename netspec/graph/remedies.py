"""Which change makes the bottoms of an Eltwise or a Concat alike: searched for, so that it works when typed in."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from itertools import product

from netspec.graph.net import Node, Shape, blob_name
from netspec.layers.axes import canonical
from netspec.layers.convolution import Grouped
from netspec.layers.sliding import Sliding
from netspec.spec.layer import Layer, ShapeError

PADS, STRIDES = range(8), range(1, 9)
STEPS = 40
"""How far back a branch is followed."""

Change = dict[str, int]


def alike(node: Node, shapes: Mapping[str, Shape], makers: Mapping[str, Node]) -> str | None:
    """Return what makes the bottoms of ``node`` alike, None if nothing small does.

    Parameters
    ----------
    shapes
        Of every blob before the node, by id.
    makers
        The node that makes each blob, by id.
    """
    axis = canonical(getattr(node.layer, "axis", 1), 4) if node.type == "Concat" else None
    branches = dict.fromkeys(node.bottom_ids)
    pairs = [(blob, shapes[other]) for blob in reversed(branches) for other in branches
             if all(_same(shapes[other], shapes[o], axis) for o in branches if o != blob)
             and not _same(shapes[blob], shapes[other], axis)]  # fmt: skip
    found: list[tuple[int, str]] = []
    for blob, wanted in pairs:
        others = {maker for o in branches if o != blob for maker in _behind(o, makers)}
        found.extend(_changes(blob, wanted, axis, shapes, makers, others))
    if found:
        return min(found, key=lambda each: each[0])[1]
    return next((hint for blob, wanted in pairs if axis is None and (hint := _inserted(blob, shapes[blob], wanted))),
                None)  # fmt: skip


def _same(x: Shape, y: Shape, axis: int | None) -> bool:
    if axis is None or len(x) != len(y) or len(x) <= axis:
        return x == y
    return x[:axis] + x[axis + 1 :] == y[:axis] + y[axis + 1 :]


def _behind(blob: str, makers: Mapping[str, Node]) -> set[str]:
    """The names of the layers that a blob depends on."""
    found: set[str] = set()
    waiting = [blob]
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is not None and maker.name not in found:
            found.add(maker.name)
            waiting.extend(maker.bottom_ids)
    return found


def _changes(blob: str, wanted: Shape, axis: int | None, shapes: Mapping[str, Shape], makers: Mapping[str, Node],
             others: set[str]) -> Iterator[tuple[int, str]]:  # fmt: skip
    """Yield (how large a change, its words) for each layer of a branch whose fields can be changed to fit."""
    path: list[Node] = []  # from the layer looked at to the blob
    while len(path) < STEPS and (maker := makers.get(blob)) is not None and maker.name not in others:
        if len(maker.bottom_ids) != 1 or len(maker.top_ids) != 1:
            return
        path.insert(0, maker)
        blob = maker.bottom_ids[0]
        if not isinstance(maker.layer, Sliding):
            continue
        for change in _candidates(maker.layer, wanted):
            made = _through(path, change, shapes[blob])
            if made is not None and _same(made, wanted, axis):
                fields = ", ".join(f"{name}: {value}" for name, value in change.items())
                # far layers are changed last: more hangs on them
                yield 100 * len(change) + len(path), f"`{fields}` in `{maker.name}` makes them alike"
                break


def _candidates(layer: Sliding, wanted: Shape) -> Iterator[Change]:
    """Values of ``pad``, ``stride`` and ``num_output``, few changes before many."""
    if len(wanted) != 4 or any(layer.given(f"{word}_{side}") for word in ("pad", "stride") for side in "hw"):
        return
    outputs = {wanted[1], layer.num_output} if isinstance(layer, Grouped) else {0}
    changes = []
    for pad, stride, output in product(PADS, STRIDES, outputs):
        change = {}
        if (pad, pad) != layer.pads:
            change["pad"] = pad
        if (stride, stride) != layer.steps:
            change["stride"] = stride
        if isinstance(layer, Grouped) and output != layer.num_output:
            change["num_output"] = output
        if change and pad < max(layer.kernel):
            changes.append(change)
    yield from sorted(changes, key=len)


def _through(path: list[Node], change: Change, x: Shape) -> Shape | None:
    """The shape at the end of a branch whose first layer is changed, None if it no longer fits."""
    layer = copy.copy(path[0].layer)
    for name, value in change.items():
        setattr(layer, name, value if name == "num_output" else (value,))
    try:
        for each in (layer, *(node.layer for node in path[1:])):
            x = _top(each, x)
    except ShapeError:
        return None
    return x


def _top(layer: Layer, x: Shape) -> Shape:
    made = layer.shapes(x)
    return made[0] if made and isinstance(made[0], tuple) else made  # type: ignore[return-value]


def _inserted(blob: str, x: Shape, wanted: Shape) -> str | None:
    """A layer between a branch and the sum: a projection."""
    name = blob_name(blob)
    if len(x) == len(wanted) == 2 and x[0] == wanted[0]:
        new = f"{{name: .., type: InnerProduct, bottom: {name}, num_output: {wanted[1]}}}"
        return f"read `{name}` through {new}"
    if not len(x) == len(wanted) == 4 or x[0] != wanted[0]:
        return None
    for stride in STRIDES:
        if all((n - 1) // stride + 1 == m for n, m in zip(x[2:], wanted[2:], strict=True)):
            step = f", stride: {stride}" if stride > 1 else ""
            new = f"{{name: .., type: Convolution, bottom: {name}, num_output: {wanted[1]}, kernel_size: 1{step}}}"
            return f"read `{name}` through {new}"
    return None
