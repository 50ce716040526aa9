"""The directed graph of one phase's layers: order, cycles, and layers that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable

import networkx

from netspec.graph.net import Node, blob_name
from netspec.spec.diagnostics import Diagnostics, Related


def graph_of(nodes: Iterable[Node]) -> networkx.DiGraph[str]:
    """Return the layers as a graph: attribute ``node`` at each, ``blobs`` (ids) at each edge."""
    dag: networkx.DiGraph[str] = networkx.DiGraph()
    makers: dict[str, str] = {}
    listed = list(nodes)
    for node in listed:
        dag.add_node(node.name, node=node)
        makers.update(dict.fromkeys(node.top_ids, node.name))
    for node in listed:
        for blob in dict.fromkeys(node.bottom_ids):
            maker = makers.get(blob)
            if maker is None:
                continue
            if dag.has_edge(maker, node.name):
                dag.edges[maker, node.name]["blobs"].append(blob)
            else:
                dag.add_edge(maker, node.name, blobs=[blob])
    return dag


def ordered(dag: networkx.DiGraph[str], nodes: list[Node], diagnostics: Diagnostics) -> list[Node] | None:
    """Return the nodes so that each comes after what it reads, the file's order among equals.

    None, after a diagnostic for each, if there are cycles.
    """
    cycles = [part for part in networkx.strongly_connected_components(dag) if len(part) > 1]
    loops = [name for name in networkx.nodes_with_selfloops(dag)]
    for part in [*cycles, *({name} for name in loops if not any(name in c for c in cycles))]:
        _report_cycle(dag.subgraph(part), diagnostics)
    if cycles or loops:
        return None
    position = {node.name: n for n, node in enumerate(nodes)}
    names = networkx.lexicographical_topological_sort(dag, key=position.__getitem__)
    by_name = {node.name: node for node in nodes}
    return [by_name[name] for name in names]


def _report_cycle(part: networkx.DiGraph[str], diagnostics: Diagnostics) -> None:
    found: dict[str, Node] = {name: data["node"] for name, data in part.nodes.items()}
    first = min(found.values(), key=lambda node: node.mark)
    edges = networkx.find_cycle(part, first.name)
    path = [edge[0] for edge in edges]
    start = path.index(min(path, key=lambda name: found[name].mark))
    path = [*path[start:], *path[:start]]
    shown = path if len(path) <= 8 else [*path[:4], "..", *path[-3:]]
    node = found[path[0]]
    if len(path) == 1:
        message, hint = f"`{node.name}` reads its own top `{blob_name(node.top_ids[0])}`", "read the blob before it"
    else:
        message = f"the layers {' -> '.join([*shown, path[0]])} need each other"
        hint = "one of them has to read a blob from before the cycle"
    related = []
    for here, after in zip(path, [*path[1:], path[0]], strict=True):
        blob = blob_name(part.edges[here, after]["blobs"][0])
        related.append(Related(f"`{after}` reads `{blob}` here", found[after].mark))
    with diagnostics.inside(node.calls):
        diagnostics.error("E303", node.mark, message, hint, node.name, related=related[:6] if len(path) > 1 else ())


def report_dead(dag: networkx.DiGraph[str], nodes: list[Node], scalars: set[str], diagnostics: Diagnostics) -> None:
    """Warn of layers of a training net that lead to no loss and to nothing that is reported.

    Parameters
    ----------
    scalars : set of str
        Ids of the blobs that are single numbers: unread ones are figures that somebody wants to see.
    """
    if not any(node.is_loss for node in nodes):
        return
    wanted = [n.name for n in nodes if n.is_loss or n.layer.is_loss or n.layer.is_metric or not n.tops
              or any(top in scalars for top in n.top_ids)]  # fmt: skip
    alive = set(wanted)
    stack = list(wanted)
    while stack:
        for name in dag.predecessors(stack.pop()):
            if name not in alive:
                alive.add(name)
                stack.append(name)
    for node in nodes:
        if node.name in alive or any(True for _ in dag.successors(node.name)):
            continue
        dead = {node.name} | {name for name in networkx.ancestors(dag, node.name) if name not in alive}
        others = f" (nor do the {len(dead) - 1} layers that lead only to it)" if len(dead) > 2 else ""
        others = " (nor does the layer before it)" if len(dead) == 2 else others
        message = f"`{node.name}` leads to no loss in training{others}: computed for nothing, and nothing in it learns"
        hint = "connect it, or `include: test` if only a test needs it"
        with diagnostics.inside(node.calls):
            diagnostics.warning("W104", node.mark, message, hint, node.name)
