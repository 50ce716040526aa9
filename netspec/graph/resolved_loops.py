"""Layers over time in the flat net: their blocks, written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netspec.graph.loops import LoopBody
from netspec.graph.net import Node, Shape, blob_name
from netspec.spec.loops import LoopState

Entry = dict[str, Any]


def over_time(node: Node, body: LoopBody, entry_of: Callable[[Node], Entry]) -> Entry:
    """Return the keys of a layer over time that say what its block is; ``block`` is the definition itself."""
    loop, count = body.loop, len(node.bottoms) - len(body.loop.beside)
    beside = dict(zip(loop.beside, node.bottoms[count:], strict=True))
    found: Entry = {"bottom": _one_or_all([*node.bottoms[:count]])}
    if loop.static:
        found["static"] = _one_or_all([beside[named] for named in loop.static])
    for key, named in (("cont", loop.cont), ("lengths", loop.lengths)):
        if named is not None:
            found[key] = beside[named]
    if loop.states:
        nexts = zip(loop.states, body.nexts, strict=True)
        found["state"] = {s.name: _state(s, _inside(body, after), beside) for s, after in nexts}
    inner = [_entry(each, body, entry_of(each)) for each in body.nodes]
    owners = {entry.pop("share").partition("/")[0] for entry in inner if "share" in entry}
    if owners:
        found["share"] = owners.pop()
    found["block"] = {
        "inputs": [_inside(body, port) for port in body.ports],
        "outputs": [_inside(body, blob) for blob in body.outputs],
        "layers": inner,
    }
    return found


def blocks_apart(entry: Entry, blocks: Entry) -> Entry:
    """Return an entry whose block is a name, with the definition (and those inside it) put in ``blocks``."""
    block = entry.get("block")
    if not isinstance(block, dict):
        return entry
    block = {**block, "layers": [blocks_apart(inner, blocks) for inner in block["layers"]]}
    name, number = entry["name"], 1
    while blocks.get(name, block) != block:  # the phases differ inside
        number += 1
        name = f"{entry['name']}_{number}"
    blocks[name] = block
    return {**entry, "block": name}


def _state(state: LoopState, after: str, beside: dict[Any, str]) -> Any:
    start = beside[state.start] if isinstance(state.start, tuple) else state.start
    shape: Shape | None = state.shape
    if shape is None and not start:
        return after
    found: Entry = {"next": after}
    if shape is not None:
        found["shape"] = list(shape)
    return {**found, "init": start} if start else found


def _entry(node: Node, body: LoopBody, entry: Entry) -> Entry:
    """An entry inside a block: the names there have no prefix."""
    bottom = entry.get("bottom")
    named: Entry = {key: _inside(body, entry[key]) for key in ("name", "top", "cont", "lengths") if key in entry}
    if isinstance(bottom, dict):
        named["bottom"] = {key: _inside(body, blob) for key, blob in bottom.items()}
    elif bottom is not None:
        named["bottom"] = _inside(body, bottom)
    return {**entry, **named}


def _inside(body: LoopBody, name: Any) -> Any:
    """A name, or names, as the block itself writes them."""
    if isinstance(name, list):
        return [_inside(body, each) for each in name]
    return blob_name(name).removeprefix(f"{body.name}/")


def _one_or_all(names: list[str]) -> Any:
    return names[0] if len(names) == 1 else names
