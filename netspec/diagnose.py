"""Where a net first went wrong: the first layer whose result is not finite."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netspec.graph import Net
from netspec.mappings import Array


def first_not_finite(net: Net, blobs: Mapping[str, Array], params: Mapping[str, Array]) -> str:
    """A sentence naming the first layer with a result that is not finite, and its inputs' ranges.

    Parameters
    ----------
    net
        The resolved net.
    blobs
        Every blob of the bad iteration.
    params
        The parameters it ran with.
    """
    for name in net.inputs:
        if not _finite(blobs[name]):
            return f"the input {name} has {_kinds(blobs[name])}"
    for node in net.nodes:
        bad = [top for top in node.tops if top in blobs and not _finite(blobs[top])]
        if bad:
            owned = [n for n in params if n.rpartition(".")[0] == node.name and not _finite(params[n])]
            if owned:
                return f"the first bad layer is {node.name} ({node.type}): its parameter {owned[0]} is not finite"
            ranges = ", ".join(f"{b} in {_range(blobs[b])}" for b in dict.fromkeys(node.bottoms) if b in blobs)
            return f"the first bad layer is {node.name} ({node.type}): {bad[0]} has {_kinds(blobs[bad[0]])}; {ranges}"
    return "every layer's result is finite when computed alone; the sum of the losses overflows"


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _kinds(array: Array) -> str:
    nan, inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    parts = [f"{n} {what}" for n, what in ((nan, "NaN"), (inf, "infinite")) if n]
    return f"{' and '.join(parts)} of {array.size} values"


def _range(array: Array) -> str:
    return f"[{array.min():.3g}, {array.max():.3g}]" if array.size else "[]"
