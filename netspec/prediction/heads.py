"""What a net of phase test predicts when only some of its inputs are there, and in which form that is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal

from netspec.graph import Net, Node, Shape, blob_name
from netspec.spec.diagnostics import did_you_mean
from runtime.errors import UsageError

Form = Literal["classes", "mask", "boxes", "words", "values"]

_SHARES = ("Softmax", "LogSoftmax")


@dataclass(frozen=True, kw_only=True)
class Head:
    """One thing that is predicted.

    Attributes
    ----------
    blob
        Its name; of boxes that a metric finds, the metric's layer.
    form
        Best classes, a class for each pixel, boxes, words, or plain numbers.
    axis
        Of the classes, in the shape with the batch.
    makes
        What turns the blob into shares that sum to 1: ``softmax``, ``exp``, nothing where it holds
        them already; None where scores are no logarithms of shares.
    keep
        The blobs to hold on to.
    """

    blob: str
    form: Form
    axis: int = 1
    makes: Literal["softmax", "exp", ""] | None = None
    keep: tuple[str, ...] = ()


def heads_of(net: Net, given: Collection[str]) -> list[Head]:
    """Return what the net predicts from the inputs ``given``: what nothing reads but what needs the other inputs.

    Raises
    ------
    UsageError
        Layers with weights need an input that is not given, or nothing is predicted.
    """
    known = reachable(net, given)
    _check_inputs(net, given, known)
    found = [head for node in net.nodes if (head := _detections(node, known)) is not None]
    told = {blob for node in net.nodes if any(head.blob == node.name for head in found) for blob in node.bottom_ids}
    consumed = {blob for node in net.nodes if node.top_ids and node.top_ids[0] in known for blob in node.bottom_ids}
    for blob in (top for node in net.nodes for top in node.top_ids if top in known):
        if blob not in consumed and blob not in told and net.shapes[blob]:
            found.append(head_of(net, blob))
    if not found:
        raise UsageError(f"`{net.name}` predicts nothing from {', '.join(given)}; --blob NAME gives a blob as it is")
    return found


def named_head(net: Net, name: str, given: Collection[str]) -> Head:
    """Return a blob by its name, as plain numbers.

    Raises
    ------
    UsageError
        The net has none of this name, or needs another input for it.
    """
    ids = [top for node in net.nodes for top in node.top_ids if blob_name(top) == name]
    if not ids:
        names = list(dict.fromkeys(blob_name(top) for node in net.nodes for top in node.top_ids))
        hint = did_you_mean(name, names) or f"the last ones are {', '.join(names[-5:])}"
        raise UsageError(f"--blob {name}: phase test has no blob of this name; {hint}")
    missing = [each for each in _needed(net, ids[-1]) if each not in given]
    if missing:
        raise UsageError(f"--blob {name}: the net also reads `{missing[0]}`; add --input {missing[0]}=FILE.npy")
    return Head(blob=name, form="values", keep=(name,))


def reachable(net: Net, given: Collection[str]) -> set[str]:
    """Return the ids of the blobs that follow from these inputs, losses and metrics aside."""
    known = set(given)
    for node in net.nodes:
        if all(blob in known for blob in node.bottom_ids) and not _is_figure(node):
            known.update(node.top_ids)
    return known


def _is_figure(node: Node) -> bool:
    return node.is_loss or node.layer.is_loss or node.layer.is_metric


def _needed(net: Net, blob: str) -> list[str]:
    """The inputs that a blob follows from."""
    wanted = {blob}
    for node in reversed(net.nodes):
        if wanted.intersection(node.top_ids):
            wanted.update(node.bottom_ids)
    return [name for name in net.inputs if name in wanted]


def _check_inputs(net: Net, given: Collection[str], known: Collection[str]) -> None:
    """Refuse a net whose weights are of no use without further inputs."""
    for node in net.nodes:
        shapes = [net.shapes[blob] for blob in node.bottom_ids]
        learns = node.layer.param_shapes(*shapes) and node.owner in ("", node.name)
        if learns and not _is_figure(node) and any(top not in known for top in node.top_ids):
            missing = [name for top in node.top_ids for name in _needed(net, top) if name not in given]
            raise UsageError(
                f"`{node.name}` cannot be computed from {', '.join(given)}: the net also reads `{missing[0]}`; "
                f"add --input {missing[0]}=FILE.npy, or choose with --blob"
            )


def head_of(net: Net, blob: str) -> Head:
    """Return in which form a blob is told: by the layer that makes it and those that compare it with labels."""
    maker = net.makers[blob]
    name, shape = blob_name(blob), net.shapes[blob]
    if maker.type == "DetectionOutput":
        return Head(blob=name, form="boxes", keep=(name,))
    judges = [node for node in net.nodes if node.layer.label_bottoms[:1] == (1,) and node.bottom_ids[:1] == (blob,)]
    if maker.type in _SHARES:
        axis = _axis([maker], shape)
    elif judges:
        axis = _axis(judges, shape)
    else:
        return Head(blob=name, form="values", keep=(name,))
    form: Form = "values"
    if prod(shape[axis:]) == shape[axis] and axis == 1:
        form = "classes"
    elif axis == 1 and len(shape) == 4:
        form = "mask"
    return Head(blob=name, form=form, axis=axis, makes=_shares(maker, judges), keep=(name,))


def _axis(nodes: Iterable[Node], shape: Shape) -> int:
    axis = next((getattr(node.layer, "axis", 1) for node in nodes), 1)
    return int(axis) % len(shape)


def _shares(maker: Node, judges: Iterable[Node]) -> Literal["softmax", "exp", ""] | None:
    if maker.type in _SHARES:
        return "" if maker.type == "Softmax" else "exp"
    return "softmax" if any(node.type == "SoftmaxWithLoss" for node in judges) else None


def _detections(node: Node, known: Collection[str]) -> Head | None:
    """The boxes that a layer finds to score them, if all but the true boxes is there."""
    if node.type != "AveragePrecision" or any(blob not in known for blob in node.bottom_ids[:3]):
        return None
    return Head(blob=node.name, form="boxes", keep=())
