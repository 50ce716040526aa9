"""The flat net: every layer of both phases with its full name, its bottoms and what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netspec.graph import weights
from netspec.graph.loops import LoopBody
from netspec.graph.net import Net, Node
from netspec.graph.resolved_loops import blocks_apart, over_time
from netspec.sources import paths
from netspec.sources.base import Source
from netspec.sources.joint import Joint
from netspec.spec.entries import Item, all_layers
from netspec.spec.fields import Entry, fields_of

if TYPE_CHECKING:
    from netspec.spec.load import Spec

_WIRED = frozenset("name bottom top include exclude if share lr_mult decay_mult loss_weight params".split())


def flat(spec: Spec, nets: dict[str, Net]) -> dict[str, Any]:
    """Return a spec as plain data that says the same without blocks, variables, defaults, stages.

    Parameters
    ----------
    nets : dict
        The net of each phase that the spec has. A layer wired differently in
        the phases is written twice, once for each.
    """
    found: dict[str, Any] = {"name": spec.name}
    if spec.math != "fast":
        found["math"] = spec.math
    if spec.memory != "normal":
        found["memory"] = spec.memory
    if spec.data:
        found["data"] = _data(spec.data)
    elif spec.inputs:
        found["inputs"] = {
            name: list(entry.item) if entry.axis == 0 else {"shape": list(entry.item), "batch": _axis(entry.axis)}
            for name, entry in spec.inputs.items()
        }
    nodes = {phase: {id_of(node): node for node in net.nodes} for phase, net in nets.items()}
    layers: list[dict[str, Any]] = []
    for item in all_layers(spec.items):
        layers.extend(_layer(item, nodes))
    blocks: dict[str, Any] = {}
    layers = [blocks_apart(entry, blocks) for entry in layers]
    if blocks:
        found["blocks"] = blocks
    found["layers"] = layers
    if spec.weights:
        found["weights"] = weights.spelled_out(spec)
    if spec.sample is not None:
        found["sample"] = {"input": spec.sample.input[0], "output": spec.sample.output[0]}
    if spec.solver is not None:
        found["solver"] = {"type": spec.solver.type_name, **_given(spec.solver)}
    return _doubled(found)  # type: ignore[no-any-return]


def _axis(axis: int | None) -> int | bool:
    return False if axis is None else axis


def id_of(node: Node) -> tuple[str, object]:
    """Return what tells two layers of one name (one a phase) apart: the name and where it is written."""
    return node.name, node.mark


def _doubled(value: Any) -> Any:
    """Double dollar signs: nothing in a resolved spec is an expression."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _doubled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_doubled(item) for item in value]
    return value


def _layer(item: Item, nodes: dict[str, dict[tuple[str, object], Node]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for phase, here in nodes.items():
        node = here.get((item.name, item.mark))
        if node is not None:
            found[phase] = _entry(node)
    written: list[tuple[dict[str, Any], list[str]]] = []
    for name, entry in found.items():
        same = next((names for other, names in written if other == entry), None)
        if same is None:
            written.append((entry, [name]))
        else:
            same.append(name)
    if len(written) == 1 and len(found) == len(nodes):
        return [written[0][0]]
    return [{**entry, "include": _include(names, list(nodes))} for entry, names in written]


def _include(names: list[str], every: list[str]) -> Any:
    """The rules by which a layer is there for these of all feeds (``train``, ``test``, ``test_NAME``)."""
    tests = [name for name in every if name != "train"]
    mine = [name for name in names if name != "train"]
    rules: list[Any] = ["train"] if "train" in names else []
    if mine == tests:
        return [*rules, "test"] if rules else "test"
    for name in mine:
        others = [other for other in tests if other != "test"]
        rules.append({"phase": "test", **({"not_stage": others} if name == "test" else {"stage": name})})
    return rules[0] if len(rules) == 1 else rules


def _entry(node: Node) -> dict[str, Any]:
    layer = node.layer
    entry: dict[str, Any] = {"name": node.name, "type": node.type}
    if node.bottoms:
        entry["bottom"] = _one_or_all(node.bottoms)
        if layer.formula_field is not None and layer.bottom_names != node.bottoms:
            entry["bottom"] = dict(zip(layer.bottom_names, node.bottoms, strict=True))
    if node.tops not in ((node.name,), ()):
        entry["top"] = _one_or_all(node.tops)
    entry.update((k, v) for k, v in _given(layer).items() if k not in _WIRED)
    if isinstance(body := getattr(layer, "body", None), LoopBody):
        entry |= over_time(node, body, _entry)
    _show_fillers(node, entry)
    if node.owner not in ("", node.name):
        entry["share"] = node.owner  # with all factors
        return entry | _loss_weight(node)
    if layer.params:
        entry["params"] = [_given(param) for param in layer.params]
    if node.lr_mult != 1:
        entry["lr_mult"] = node.lr_mult
    if node.decay_mult != 1:
        entry["decay_mult"] = node.decay_mult
    return entry | _loss_weight(node)


def _loss_weight(node: Node) -> dict[str, Any]:
    first = 1.0 if node.layer.is_loss else 0.0
    if node.loss_weights and node.loss_weights != (first, *([0.0] * (len(node.tops) - 1))):
        return {"loss_weight": _one_or_all(node.loss_weights)}
    return {}


def _show_fillers(node: Node, entry: dict[str, Any]) -> None:
    """Write out, at the end, what weights and biases start from where nothing was said."""
    weights = entry.pop("weight_filler", None)
    if weights is None and "weight_filler" in node.layer.specs:
        weights = _filler(getattr(node.layer, "weight_filler", None))
    if weights is not None:
        entry["weight_filler"] = weights
    if "bias_filler" in entry or getattr(node.layer, "bias_term", False):
        entry["bias_filler"] = entry.pop("bias_filler", 0)


def _filler(filler: Entry | None) -> Any:
    if filler is None:
        return None
    given = _given(filler)
    if filler.type_name == "constant":
        return given.get("value", 0)
    return {"type": filler.type_name, **given} if given else filler.type_name


def _given(entry: Entry) -> dict[str, Any]:
    """The fields that a spec wrote, or that are not at their defaults."""
    return {
        info.key: paths.spelled_out(entry, info.name) if info.name in entry.path_fields and value else _plain(value)
        for info in fields_of(type(entry))
        if (value := getattr(entry, info.name)) != info.spec.default or entry.given(info.name)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Entry):
        return _filler(value)
    if isinstance(value, tuple):
        items = [_plain(item) for item in value]
        return items[0] if len(items) == 1 else items
    return value


def _one_or_all(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _data(data: dict[str, Source | None]) -> dict[str, Any]:
    each: dict[str, list[dict[str, Any]]] = {}
    for name, source in data.items():
        if source is not None:
            each[name] = [_source(part) for part in (source.sources if isinstance(source, Joint) else (source,))]
    every = [fields for parts in each.values() for fields in parts]
    common = {k: v for k, v in every[0].items() if all(k in f and f[k] == v for f in every)}
    if len(every) == 1:
        common = {"source": every[0]["source"]}
    own = {name: [{k: v for k, v in f.items() if k not in common} for f in parts] for name, parts in each.items()}
    return {**common, **{name: parts if len(parts) > 1 else parts[0] for name, parts in own.items()}}


def _source(source: Source) -> dict[str, Any]:
    fields = {"source": source.type_name, **_given(source)}
    return fields if source.root is None else {**fields, "root": paths.spelled_out(source, "root")}
