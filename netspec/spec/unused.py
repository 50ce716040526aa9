"""Variables that nothing reads and blocks that nothing uses."""

from __future__ import annotations

from collections.abc import Collection

from netspec.spec.blocks import Block
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.nodes import Mapping, Scalar, Sequence
from netspec.spec.values import names_read

_MISSPELT = ("E201", "E202", "E226")


def warn_unused(root: Mapping, variables: Collection[str], blocks: dict[str, Block], diagnostics: Diagnostics) -> None:
    """Warn of what a file defines and never uses.

    Parameters
    ----------
    variables : collection of str
        Those of ``vars`` that only expressions can use.
    """
    if any(d.code in _MISSPELT for d in diagnostics.errors):
        return  # what seems unused may be what was meant there
    layers = root.get("layers")
    if layers is not None and not isinstance(layers, Sequence) and not (isinstance(layers, Scalar) and layers.is_null):
        return  # they cannot be read
    read = _read(root, blocks)
    section = root.get("vars")
    for key, _ in section if isinstance(section, Mapping) else ():
        if key.text in variables and key.text not in read:
            diagnostics.warning("W101", key.mark, f"nothing uses the variable `{key.text}`", "delete it")
    used = _used(root, blocks)
    for name, each in blocks.items():
        if name not in used:
            diagnostics.warning("W103", each.mark, f"nothing uses the block `{name}`", "delete it")


def _read(root: Mapping, blocks: dict[str, Block]) -> set[str]:
    """The file's variables that any expression names; a block's parameters hide those of the file."""
    read: set[str] = set()
    for key, node in root:
        if key.text != "blocks":
            read.update(names_read(node))
    for each in blocks.values():
        if each.home is not None:
            continue  # a file has variables of its own
        inner = {name for layer in each.layers for name in names_read(layer)}
        read |= inner - each.params.keys()
        read.update(name for _, default in each.params.values() for name in names_read(default))
    return read


def _used(root: Mapping, blocks: dict[str, Block]) -> set[str]:
    """The blocks that the layers lead to; all of them where a variable decides."""
    layers = root.get("layers")
    waiting = [item for item in layers.items if isinstance(item, Mapping)] if isinstance(layers, Sequence) else []
    used: set[str] = set()
    while waiting:
        called = waiting.pop().get("block")
        if not isinstance(called, Scalar):
            continue
        if "$" in called.text:
            return set(blocks)
        if called.text in blocks and called.text not in used:
            used.add(called.text)
            waiting.extend(blocks[called.text].layers if blocks[called.text].home is None else ())
    return used
