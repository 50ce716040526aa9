"""What is wrong or strange about a net whose shapes all fit: no loss, too few scores, a softmax twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.graph.net import Net, Node, blob_name
from netspec.layers.constant import Constant
from netspec.layers.gradient import Gradient
from netspec.layers.over_time import OverTime
from netspec.layers.permute import Permute
from netspec.layers.recurrent import Recurrent
from netspec.spec.diagnostics import Diagnostics, did_you_mean

if TYPE_CHECKING:
    from netspec.sources.base import Source

_CLASSIFIES = ("SoftmaxWithLoss", "Accuracy")


def advise(net: Net, source: Source | None, diagnostics: Diagnostics) -> None:
    """Warn of what no layer alone can see."""
    samples_first = _samples_first(net)
    for node in net.nodes:
        with diagnostics.inside(node.calls):
            _softmax_twice(net, node, diagnostics)
            _classes(net, node, source, diagnostics)
            _numbers(net, node, source, diagnostics)
            _constant_labels(net, node, diagnostics)
            _slope_of_nothing(net, node, diagnostics)
            _time_first(node, samples_first, diagnostics)


def check_loss(net: Net, diagnostics: Diagnostics) -> None:
    """Report a solver that has no loss to lower: the net can be looked at, and not trained."""
    solver = net.spec.solver
    if net.phase != "train" or solver is None or any(True for _ in net.losses()):
        return
    mark = solver.mark or net.spec.place
    message = "there is a solver, and no loss in training for it to lower"
    diagnostics.error("E622", mark, message, _loss_hint(net))


def check_sample(net: Net, diagnostics: Diagnostics) -> None:
    """Report a ``sample`` that names no input, or no blob, of the net that a test runs."""
    sample = net.spec.sample
    if sample is None or net.phase != "test":
        return
    blobs = [blob_name(top) for node in net.nodes for top in node.top_ids]
    for key, (name, mark), known in (("input", sample.input, list(net.inputs)), ("output", sample.output, blobs)):
        if name not in known:
            hint = did_you_mean(name, known) or (f"there are {', '.join(known[-5:])}" if known else None)
            message = f"`sample`: phase test has no {'input' if key == 'input' else 'blob'} `{name}`"
            diagnostics.error("E301", mark, message, hint)


def _loss_hint(net: Net) -> str:
    idle = next((node for node in net.nodes if node.layer.is_loss and node.tops), None)
    if idle is not None:
        return f"`{idle.name}` has loss_weight 0, which only reports it"
    last = next((node.tops[0] for node in reversed(net.nodes) if node.tops and not node.layer.is_metric), "..")
    labels = [name for name, given in net.inputs.items() if given.kind == "label"]
    label = labels[0] if labels else "label"
    return f"add a layer, for instance {{name: loss, type: SoftmaxWithLoss, bottom: [{last}, {label}]}}"


def _softmax_twice(net: Net, node: Node, diagnostics: Diagnostics) -> None:
    maker = net.makers.get(node.bottom_ids[0]) if node.type == "SoftmaxWithLoss" else None
    if maker is None or maker.type != "Softmax":
        return
    message = f"`{node.name}` takes the softmax of `{maker.name}`, which is one already: it learns slowly"
    scores = node.layer.bottom_names[1:] and f"bottom: [{maker.bottoms[0]}, {node.layer.bottom_names[1]}]"
    diagnostics.warning("W128", node.mark, message, f"read the scores: {scores}", node.name)


def _constant_labels(net: Net, node: Node, diagnostics: Diagnostics) -> None:
    """Compare labels that the spec itself lists with the classes that a layer knows."""
    for k in node.layer.label_bottoms:
        maker = net.makers.get(node.bottom_ids[k]) if k < len(node.bottom_ids) else None
        if maker is None or not isinstance(maker.layer, Constant):
            continue
        classes, ignored = node.layer.label_range(*(net.shapes[i] for i in node.bottom_ids))
        for number in maker.layer.numbers():
            if number != ignored and number not in range(classes):
                message = f"`{maker.name}` holds the label {number:g}, `{node.name}` expects 0 to {classes - 1}"
                mark = maker.layer.marks.get("filler", maker.mark)
                diagnostics.error("E416", mark, message, None, maker.name)
                break


def _samples_first(net: Net) -> set[str]:
    """Blobs whose first axis is that of the samples, as far as it can be followed from the inputs."""
    found = {name for name, given in net.inputs.items() if given.axis == 0}
    for node in net.nodes:
        first = node.bottom_ids[0] if node.bottom_ids else None
        if first not in found or (isinstance(node.layer, Permute) and node.layer.order[:1] != (0,)):
            continue
        found.update(top for top in node.top_ids if net.shapes[top][:1] == net.shapes[first][:1])
    return found


def _time_first(node: Node, samples_first: set[str], diagnostics: Diagnostics) -> None:
    """Warn of sequences that lie N x T: their samples would be taken for steps."""
    if not isinstance(node.layer, OverTime | Recurrent) or node.bottom_ids[0] not in samples_first:
        return
    x = node.bottoms[0]
    message = f"`{node.name}` runs over the first axis of `{x}`, which is that of the samples: time comes first"
    hint = f"{{type: Permute, bottom: {x}, order: [1, 0]}} before it, or an input with `batch: 1`"
    diagnostics.warning("W132", node.layer.marks.get("bottom", node.mark), message, hint, node.name)


def _slope_of_nothing(net: Net, node: Node, diagnostics: Diagnostics) -> None:
    """Report a Gradient whose loss is not made from its x."""
    if not isinstance(node.layer, Gradient):
        return
    loss, x = node.bottom_ids
    reached = {x}
    for other in net.nodes:
        if reached.intersection(other.bottom_ids):
            reached.update(other.top_ids)
    if loss in reached - {x}:
        return
    makers = [blob_name(i) for i in net.inputs if net.inputs[i].kind == "float"]
    message = f"`{node.bottoms[0]}` is not made from `{node.bottoms[1]}`: there is no slope"
    hint = f"bottom: [{node.bottoms[0]}, {makers[0]}], or another blob that comes before it" if makers else None
    diagnostics.error("E428", node.layer.marks.get("bottom", node.mark), message, hint, node.name)


def _classes(net: Net, node: Node, source: Source | None, diagnostics: Diagnostics) -> None:
    """Compare the count of scores with the classes that the data declares."""
    if source is None or node.type not in _CLASSIFIES or node.bottom_ids[1] not in source.label_tops():
        return
    classes = source.owner(node.bottom_ids[1]).label_count(node.bottom_ids[1])
    if classes is None or getattr(node.layer, "ignore_label", None) is not None:
        return
    scores = net.shapes[node.bottom_ids[0]][node.layer.axis]  # type: ignore[attr-defined]
    if scores == classes or (scores > classes and scores == net.spec.variables.get("classes")):
        return
    maker = net.makers.get(node.bottom_ids[0])
    by = maker if maker is not None and "num_output" in maker.layer.marks else node
    mark = by.layer.marks.get("num_output", by.mark)
    end = f"a label of {scores} or more ends the run" if scores < classes else "some are never right"
    message = f"`{by.name}` ({by.type}) has {scores} scores and the data {classes} classes: {end}"
    hint = f"num_output: {classes}, or num_output: $classes" if by is maker else f"give it {classes} scores"
    diagnostics.warning("W129", mark, message, hint, by.name)


def _numbers(net: Net, node: Node, source: Source | None, diagnostics: Diagnostics) -> None:
    """Compare the classes that the data declares with those that any other layer takes (an Embed, a HingeLoss)."""
    if source is None or node.type in _CLASSIFIES:
        return
    for k in node.layer.label_bottoms:
        if k >= len(node.bottom_ids) or node.bottom_ids[k] not in source.label_tops():
            continue
        declared = source.owner(node.bottom_ids[k]).label_count(node.bottom_ids[k])
        taken, ignored = node.layer.label_range(*(net.shapes[i] for i in node.bottom_ids))
        if declared is None or ignored is not None or taken >= declared:
            continue
        maker = net.makers.get(node.bottom_ids[0]) if k else None
        by = maker if maker is not None and "num_output" in maker.layer.marks else node
        field = "num_output" if by is maker else "input_dim" if "input_dim" in node.layer.marks else None
        ends = f"{taken} or more ends the run"
        message = f"`{node.name}` ({node.type}) takes {taken} classes and the data have {declared}: a label of {ends}"
        hint = f"{field}: {declared}, or {field}: $classes" if field else f"give it {declared} classes"
        diagnostics.warning("W129", by.layer.marks.get(field or "", by.mark), message, hint, node.name)
