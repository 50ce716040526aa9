"""Checks of what a caller feeds to a net."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np

from netspec.graph import Net
from netspec.mappings import Array, real_array
from runtime.errors import DataError, UsageError

Labels = dict[str, tuple[int, int | None]]
"""Label inputs: number of classes, and the label that is ignored."""


def label_ranges(net: Net) -> Labels:
    """The label inputs whose layers say how many classes there are."""
    found: Labels = {}
    for node in net.nodes:
        for k in node.layer.label_bottoms:
            if k < len(node.bottoms) and node.bottoms[k] in net.inputs:
                classes, ignore = node.layer.label_range(*(net.shapes[i] for i in node.bottom_ids))
                have = found.get(node.bottoms[k])
                found[node.bottoms[k]] = (min(classes, have[0]) if have else classes, ignore)
    return found


def check_inputs(
    net: Net, given: Mapping[str, Any], labels: Labels, micro_steps: int = 1
) -> tuple[dict[str, Array], int]:
    """The inputs as arrays, and the number of samples.

    Raises
    ------
    UsageError
        An unknown or missing name, a wrong shape, a fractional label.
    DataError
        A label out of range, with its sample.
    """
    _check_names(net, given)
    arrays = {name: real_array(f"input {name}", given[name]) for name in net.inputs}
    count = _count(net, arrays, micro_steps)
    for name, array in arrays.items():
        want = (count, *net.inputs[name].shape[1:]) if net.inputs[name].shape else ()
        if array.shape != want:
            raise UsageError(f"input {name}: got shape {array.shape}, expected {want}")
        if net.inputs[name].kind == "label":
            arrays[name] = _label(name, array, labels.get(name))
    return arrays, count


def _check_names(net: Net, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in net.inputs:
            near = difflib.get_close_matches(name, net.inputs, 1, 0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"no input named {name}: expected {', '.join(net.inputs) or 'none'}{hint}")
    missing = [n for n in net.inputs if n not in given]
    if missing:
        raise UsageError(f"input {missing[0]} is missing: got {', '.join(given) or 'none'}")


def _count(net: Net, arrays: Mapping[str, Array], micro_steps: int) -> int:
    """Samples in the batch: ``batch_size``, fewer in phase test, or all micro-steps' at once."""
    for name, array in arrays.items():
        if not net.inputs[name].shape:
            continue
        n = array.shape[0] if array.ndim else -1
        allowed = n in (net.batch, net.batch * micro_steps)
        if allowed or (net.phase == "test" and 1 <= n <= net.batch):
            return int(n)
        limit = f"1 to {net.batch}" if net.phase == "test" else str(net.batch)
        raise UsageError(
            f"input {name}: got shape {array.shape}, expected {limit} samples of {net.inputs[name].shape[1:]}"
        )
    return net.batch


def _label(name: str, array: Array, known: tuple[int, int | None] | None) -> Array:
    whole = array if array.dtype.kind in "biu" else np.floor(array)
    if array.dtype.kind == "f" and not np.array_equal(whole, array):
        sample = int(np.flatnonzero((whole != array).reshape(len(array), -1).any(axis=1))[0])
        raise UsageError(f"input {name}: the label of sample {sample} is {array[sample]}, not a whole number")
    if known is not None:
        classes, ignore = known
        bad = (whole < 0) | (whole >= classes)
        if ignore is not None:
            bad &= whole != ignore
        if bad.any():
            sample = int(np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))[0])
            worst = whole[sample][bad[sample]].flat[0] if whole.ndim > 1 else whole[sample]
            raise DataError(f"{name}: the label of sample {sample} is {int(worst)}, outside 0..{classes - 1}")
    return whole.astype(np.int32)
