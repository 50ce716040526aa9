"""Checks of what a caller feeds to a net."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np

from netspec.graph import Input, Net
from netspec.labels import Label, check_labels, scan
from netspec.mappings import Array, real_array
from runtime.data.open import open_stream
from runtime.data.stream import Stream
from runtime.errors import UsageError


def open_source(net: Net, labels: tuple[Label, ...], seed: int, dtype: str) -> Stream:
    """The stream of a net's data source, its labels looked through.

    Raises
    ------
    UsageError
        There is none: the spec has ``inputs``.
    DataError
        It cannot be read, or a label is out of range.
    """
    source = net.fed.source
    if source is None:
        names = ", ".join(net.inputs)
        raise UsageError(f"this net has no data source for phase {net.phase}: give {names} as arguments")
    stream = open_stream(source.recipe(net.phase), seed=seed, dtype=dtype, batch_size=net.batch)
    scan(stream, source, labels)
    return stream


def check_inputs(
    net: Net, given: Mapping[str, Any], labels: tuple[Label, ...], micro_steps: int = 1
) -> tuple[dict[str, Array], int]:
    """The inputs as arrays, and the number of samples.

    Raises
    ------
    UsageError
        An unknown name, a missing one that a layer reads, a wrong shape, a fractional label.
    DataError
        A label out of range, with its sample.
    """
    _check_names(net, given)
    arrays = {name: real_array(f"input {name}", given[name]) for name in net.inputs if name in given}
    count = _count(net, arrays, micro_steps)
    for name, array in arrays.items():
        want = _with_batch(net, net.inputs[name], count)
        if array.shape != want:
            raise UsageError(f"input {name}: got shape {array.shape}, expected {want}")
        if net.inputs[name].kind == "label":
            arrays[name] = check_labels(name, array, labels, net.inputs[name].axis)
    return arrays, count


def _check_names(net: Net, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in net.inputs:
            near = difflib.get_close_matches(name, net.inputs, 1, 0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"no input named {name}: expected {', '.join(net.inputs) or 'none'}{hint}")
    missing = [n for n in net.inputs if n not in given]
    if missing:
        read = {blob for node in net.nodes for blob in node.bottom_ids}
        missing = [n for n in missing if n in read]
    if missing:
        raise UsageError(f"input {missing[0]} is missing: got {', '.join(given) or 'none'}")


def _count(net: Net, arrays: Mapping[str, Array], micro_steps: int) -> int:
    """Samples in the batch: ``batch_size``, fewer in phase test, or all micro-steps' at once."""
    for name, array in arrays.items():
        axis = net.inputs[name].axis
        if axis is None:
            continue
        rows = _rows(net, net.inputs[name])
        n, rest = divmod(array.shape[axis], rows) if axis < array.ndim else (-1, 0)
        allowed = n in (net.batch, net.batch * micro_steps)
        if not rest and (allowed or (net.phase == "test" and 1 <= n <= net.batch)):
            return int(n)
        limit = f"1 to {net.batch}" if net.phase == "test" else str(net.batch)
        shape = net.inputs[name].shape
        where = f" along axis {axis}" if axis else ""
        item = (*shape[:axis], *((rows,) if rows > 1 else ()), *shape[axis + 1 :])
        raise UsageError(f"input {name}: got shape {array.shape}, expected {limit} samples{where} of {item}")
    return net.batch


def _with_batch(net: Net, entry: Input, count: int) -> tuple[int, ...]:
    """The shape of an input for a batch of another size."""
    axis, shape = entry.axis, entry.shape
    return shape if axis is None else (*shape[:axis], count * _rows(net, entry), *shape[axis + 1 :])


def _rows(net: Net, entry: Input) -> int:
    """Entries of an input along its batch axis for each sample: 1, or as many as a picture has regions."""
    return 1 if entry.axis is None else max(1, entry.shape[entry.axis] // net.batch)


def split(net: Net, batch: Mapping[str, Array], micro_steps: int) -> list[dict[str, Array]]:
    """A batch for all micro-steps, cut into theirs."""
    cut = {name: _parts(array, net.inputs[name].axis, micro_steps) for name, array in batch.items()}
    return [{name: parts[k] for name, parts in cut.items()} for k in range(micro_steps)]


def _parts(array: Array, axis: int | None, count: int) -> list[Array]:
    return [array] * count if axis is None else np.split(array, count, axis)
