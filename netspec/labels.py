"""Labels among the inputs of a net: which elements are one, and what they may be."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from compiler.builder import Builder
from compiler.interpret import run_graph
from netspec.graph import Input, Net, Node
from netspec.mappings import Array
from runtime.data.labels import place_in
from runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    from netspec.sources.base import Source
    from runtime.data.stream import Stream

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Label:
    """What one layer asks of the labels in an input.

    Attributes
    ----------
    name
        The input.
    classes
        They lie in ``[0, classes)``.
    ignore
        Another one that is allowed, or None.
    places
        The elements of a sample, counted row by row, that reach the layer; None: all.
    """

    name: str
    classes: int
    ignore: int | None = None
    places: Places | None = None


def label_ranges(net: Net) -> tuple[Label, ...]:
    """What the layers of a net ask of its label inputs, moved (Reshape, Slice, ..) or not."""
    moved = _moved(net)
    found = []
    for node in net.nodes:
        for k in node.layer.label_bottoms:
            if k >= len(node.bottom_ids):
                continue
            blob = node.bottom_ids[k]
            classes, ignore = node.layer.label_range(*(net.shapes[i] for i in node.bottom_ids))
            for name, places in moved.get(blob, {blob: None}).items():
                if name in net.inputs:
                    found.append(Label(name=name, classes=classes, ignore=ignore, places=places))
    return tuple(found)


def check_labels(name: str, labels: Array, asked: tuple[Label, ...], axis: int | None = 0) -> Array:
    """The labels of a batch as int32; ``axis`` is the one along which the samples lie, None if there is one sample.

    Raises
    ------
    UsageError
        One that is no whole number.
    DataError
        One out of range, with its sample.
    """
    whole = labels if labels.dtype.kind in "biu" else np.floor(labels)
    if labels.dtype.kind == "f" and not np.array_equal(whole, labels):
        place = tuple(np.argwhere(whole != labels)[0])
        sample = 0 if axis is None else place[axis]
        raise UsageError(f"input {name}: the label of sample {sample} is {labels[place]}, not a whole number")
    rows = whole.reshape(1, -1) if axis is None else np.moveaxis(whole, axis, 0).reshape(whole.shape[axis], -1)
    for label in asked:
        if label.name != name:
            continue
        mine = rows if label.places is None else rows[:, label.places]
        wrong = (mine < 0) | (mine >= label.classes)
        if label.ignore is not None:
            wrong &= mine != label.ignore
        if wrong.any():
            sample, place = np.argwhere(wrong)[0]
            item = labels.shape if axis is None else labels.shape[:axis] + labels.shape[axis + 1 :]
            where = place_in(item, place if label.places is None else int(label.places[place]))
            what = f"the label of sample {sample} is {mine[sample, place]:.0f}"
            raise DataError(f"{name}: {what}, outside 0..{label.classes - 1}{where}")
    return whole.astype(np.int32)


def scan(stream: Stream, source: Source, asked: tuple[Label, ...]) -> None:
    """Look at all labels of a source before the first step.

    Raises
    ------
    DataError
        A label that a layer does not allow, or beyond the ``classes`` that the source declares.
    """
    for label in asked:
        if label.name in stream.tops:
            declared = source.owner(label.name).label_count(label.name)
            classes = label.classes if declared is None else min(label.classes, declared)
            stream.check_labels(label.name, classes, label.ignore, label.places)
    for name in sorted(source.label_tops() - {label.name for label in asked}):
        declared = source.owner(name).label_count(name)
        if declared is not None:
            stream.check_labels(name, declared)


def _moved(net: Net) -> dict[str, dict[str, Places]]:
    """Blob id -> input -> elements of a sample, for blobs that are labels moved to another place.

    The numbers of the elements are sent through the layers that only move
    their bottoms; what comes out are the numbers of the labels that arrive.
    """
    inputs = [(name, given) for name, given in net.inputs.items() if given.kind == "label"]
    movers = [node for node in net.nodes if node.layer.moves_only]
    reached = {name for name, _ in inputs}
    if not any(reached.intersection(node.bottom_ids) for node in movers):
        return {}
    starts = np.cumsum([0, *(prod(given.shape) for _, given in inputs)])
    numbers = {name: _numbered(given, start) for (name, given), start in zip(inputs, starts, strict=False)}
    found: dict[str, dict[str, Places]] = {}
    for node in movers:
        if all(blob in numbers for blob in node.bottom_ids):
            for top, array in zip(node.top_ids, _move(node, [numbers[i] for i in node.bottom_ids], net), strict=True):
                numbers[top] = array
                found[top] = _places(array.astype(np.int64).ravel(), inputs, starts)
    return found


def _move(node: Node, bottoms: list[Array], net: Net) -> list[Array]:
    b = Builder(net.phase, "f64", net.batch)
    with b.scope(node.name):
        made = node.layer.lower(b, *(b.input(str(k), array.shape) for k, array in enumerate(bottoms)))
    tops = made if isinstance(made, tuple) else (made,)
    values = run_graph(b.graph, {str(k): array for k, array in enumerate(bottoms)}).values
    return [values[top] for top in tops]


def _numbered(given: Input, start: int) -> Array:
    """The shape of an input filled with numbers from ``start``, a sample's elements one after the other."""
    numbers = np.arange(start, start + prod(given.shape), dtype=np.float64)
    if given.axis is None:
        return numbers.reshape(given.shape)
    item = given.shape[: given.axis] + given.shape[given.axis + 1 :]
    return np.moveaxis(numbers.reshape(given.shape[given.axis], *item), 0, given.axis)


def _places(numbers: Places, inputs: list[tuple[str, Input]], starts: Places) -> dict[str, Places]:
    found = {}
    for (name, given), start, end in zip(inputs, starts[:-1], starts[1:], strict=True):
        mine = numbers[(numbers >= start) & (numbers < end)]
        if mine.size:
            samples = 1 if given.axis is None else given.shape[given.axis]
            found[name] = np.unique((mine - start) % max(1, prod(given.shape) // samples))
    return found
