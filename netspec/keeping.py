"""Which blobs and gradients a net holds on to."""

from __future__ import annotations

from collections.abc import Collection

from netspec.graph import Net
from netspec.graph.loops import rows_of
from netspec.mappings import near_names
from runtime.errors import UsageError


def all_blobs(net: Net) -> list[str]:
    """Names of the net's blobs, inputs first."""
    return list(dict.fromkeys([*net.inputs, *(top for node in net.nodes for top in node.tops)]))


def kept_names(net: Net, keep: Collection[str] | str) -> tuple[str, ...]:
    """What ``keep`` names, with ``all`` spelled out (and still there, for parameter gradients).

    Raises
    ------
    UsageError
        A name that is neither a blob nor ``<layer>.<parameter>``.
    """
    names = (keep,) if isinstance(keep, str) else tuple(keep)
    blobs = all_blobs(net)
    layers = rows_of(net.nodes)
    for name in names:
        known = name in ("all", *blobs) or (isinstance(name, str) and name.rpartition(".")[0] in layers)
        if not known:
            raise UsageError(f"keep: no blob or parameter named {name!r}{near_names(name, [*blobs, 'all'])}")
    return (*blobs, "all") if "all" in names else names


def check_kept_params(keep: Collection[str], blobs: Collection[str], params: Collection[str]) -> None:
    """Refuse ``<layer>.<name>`` of a layer that has no such parameter.

    Raises
    ------
    UsageError
        With the nearest names.
    """
    for name in keep:
        if name != "all" and name not in blobs and name not in params:
            raise UsageError(f"keep: no parameter named {name!r}{near_names(name, params)}")


def why_no_blob(net: Net, name: str) -> str:
    """Why the value of a blob cannot be read."""
    if name in all_blobs(net):
        return f"blob {name!r} was not kept through memory planning: compile with keep=({name!r},)"
    return f"no blob named {name!r}{near_names(name, all_blobs(net))}"


def why_no_blob_grad(net: Net, name: str, kept: bool) -> str:
    """Why the gradient of a blob cannot be read; ``kept``: the plan has it."""
    if kept:
        return f"the gradient of blob {name!r} exists after backward()"
    if name in all_blobs(net):
        return f"the gradient of blob {name!r} was not kept: compile with keep=({name!r},) in phase train"
    return why_no_blob(net, name)


def why_no_param_grad(name: str, learned: bool, ran: bool) -> str:
    """Why the gradient of a parameter of the net cannot be read.

    Parameters
    ----------
    learned
        The plan has it.
    ran
        There was a ``backward`` (or a ``step``, after which it is gone).
    """
    if not learned:
        return f"{name} has no gradient: it is frozen (lr_mult 0), or this net was compiled for phase test"
    if not ran:
        return f"the gradient of {name} exists after backward()"
    return f"the gradient of {name} is gone after step(): compile with keep=({name!r},) to hold on to it"
