"""Checks of what a caller feeds to a net."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from netspec.graph import Net
from netspec.labels import Label, check_labels
from netspec.mappings import Array, real_array
from runtime.errors import UsageError


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
        want = (count, *net.inputs[name].shape[1:]) if net.inputs[name].shape else ()
        if array.shape != want:
            raise UsageError(f"input {name}: got shape {array.shape}, expected {want}")
        if net.inputs[name].kind == "label":
            arrays[name] = check_labels(name, array, labels)
    return arrays, count


def _check_names(net: Net, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in net.inputs:
            near = difflib.get_close_matches(name, net.inputs, 1, 0.6)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"no input named {name}: expected {', '.join(net.inputs) or 'none'}{hint}")
    read = {blob for node in net.nodes for blob in node.bottom_ids}
    missing = [n for n in net.inputs if n not in given and n in read]
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


def split(batch: Mapping[str, Array], size: int, micro_steps: int) -> list[dict[str, Array]]:
    """A batch for all micro-steps, cut into theirs."""
    return [{name: a[k * size : (k + 1) * size] for name, a in batch.items()} for k in range(micro_steps)]
