"""Where a net first went wrong: the first layer whose result is not finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from compiler.compile import compile_graph
from netspec.graph import Net as ResolvedNet
from netspec.graph.loops import rows_of
from netspec.graph.net import blob_name
from netspec.lowering import build_graph
from netspec.mappings import Array
from runtime.executor import open_executor

if TYPE_CHECKING:
    from netspec.net import Net


def replay(net: Net, batch: Mapping[str, Array], micro_step: int) -> dict[str, Array]:
    """Every blob of a batch by its id: the forward steps once more, keeping all that they make.

    Parameters
    ----------
    net
        Its parameters and states are read and stay as they are.
    batch
        Its inputs.
    micro_step
        Decides the random numbers, together with the net's seed and iteration.
    """
    resolved = net.resolved
    ids = [top for node in resolved.nodes for top in node.top_ids]
    graph = build_graph(resolved, net.dtype, [*resolved.inputs, *ids], backward=False, by_id=True)
    homes = {name: entry.view for name, entry in net.states.items()}
    plan = compile_graph(graph, net.target, homes=homes, choices=net.plan.choices)
    executor = open_executor(plan, net.executor.store, device=net.device, threads=net.threads)
    try:
        for name, number in (("seed", net.seed), ("iteration", net.iteration), ("micro_step", micro_step)):
            executor.set(name, number)
        for name in plan.inputs:
            executor.feed(name, batch[name])
        executor.run("forward")
        return {name: np.array(executor.array(view)) for name, view in {**plan.inputs, **plan.blobs}.items()}
    finally:
        executor.close()


def first_not_finite(net: ResolvedNet, blobs: Mapping[str, Array], params: Mapping[str, Array]) -> str:
    """A sentence naming the first layer with a result that is not finite, and its inputs' ranges.

    Parameters
    ----------
    net
        The resolved net.
    blobs
        Every blob of the bad iteration, by id.
    params
        The parameters it ran with.
    """
    for name in net.inputs:
        if not _finite(blobs[name]):
            return f"the input {name} has {_kinds(blobs[name])}"
    rows = rows_of(net.nodes)
    for node in net.nodes:
        bad = [top for top in node.top_ids if not _finite(blobs[top])]
        if bad:
            owned = [n for n in params if rows.get(n.rpartition(".")[0]) == node.name and not _finite(params[n])]
            if owned:
                return f"the first bad layer is {node.name} ({node.type}): its parameter {owned[0]} is not finite"
            ranges = ", ".join(f"{blob_name(b)} in {_range(blobs[b])}" for b in dict.fromkeys(node.bottom_ids))
            found = f"{blob_name(bad[0])} has {_kinds(blobs[bad[0]])}"
            return f"the first bad layer is {node.name} ({node.type}): {found}" + (f"; {ranges}" if ranges else "")
    return "every layer's result is finite when computed alone; the sum of the losses overflows"


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _kinds(array: Array) -> str:
    nan, inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    parts = [f"{n} {what}" for n, what in ((nan, "NaN"), (inf, "infinite")) if n]
    return f"{' and '.join(parts)} of {array.size} values"


def _range(array: Array) -> str:
    return f"[{array.min():.3g}, {array.max():.3g}]" if array.size else "[]"
