"""Which blobs and gradients a net holds on to."""

from __future__ import annotations

from collections.abc import Collection

from netspec.graph import Net
from netspec.mappings import near_names
from runtime.errors import UsageError


def all_blobs(net: Net) -> list[str]:
    """Names of the net's blobs, inputs first."""
    return list(dict.fromkeys([*net.inputs, *(top for node in net.nodes for top in node.tops)]))


def kept_names(net: Net, keep: Collection[str]) -> tuple[str, ...]:
    """What ``keep`` names, with ``all`` spelled out (and still there, for parameter gradients).

    Raises
    ------
    UsageError
        A name that is neither a blob nor ``<layer>.<parameter>``.
    """
    names = tuple(keep)
    blobs = all_blobs(net)
    layers = {node.name for node in net.nodes}
    for name in names:
        if name != "all" and name not in blobs and name.rpartition(".")[0] not in layers:
            raise UsageError(f"keep: no blob or parameter named {name!r}{near_names(name, [*blobs, 'all'])}")
    return (*blobs, "all") if "all" in names else names
