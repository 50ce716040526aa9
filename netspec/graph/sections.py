"""The sections beside the layers, typed: ``data``, ``inputs``, ``solver``."""

from __future__ import annotations

from collections.abc import Mapping as Environment
from dataclasses import dataclass
from math import prod
from types import MappingProxyType

import netspec.layers
import netspec.policies
import netspec.solvers
import netspec.sources
from netspec.solvers.base import Solver
from netspec.sources.base import Source
from netspec.spec.build import build
from netspec.spec.diagnostics import Diagnostics, did_you_mean
from netspec.spec.entries import NAME, Named
from netspec.spec.expressions import Ratio, is_whole
from netspec.spec.later import is_later
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, Sequence, kind
from netspec.spec.registry import SOURCES
from netspec.spec.rules import PHASES
from netspec.spec.values import Evaluator, Failed
from netspec.spec.wiring import Roots

Shape = tuple[int, ...]
MAX_ELEMENTS = 2**63 - 1

REGISTERED = (netspec.layers, netspec.policies, netspec.solvers, netspec.sources)
"""Imported for what they register."""


@dataclass(frozen=True, slots=True)
class InputEntry:
    """One entry of ``inputs``: the shape of an item and whether a batch axis goes before it."""

    item: Shape
    batched: bool
    mark: Mark

    def shape(self, batch: int) -> Shape:
        """Return the shape with the batch."""
        return (batch, *self.item) if self.batched else self.item


def read_data(section: Mapping | None, evaluator: Evaluator, env: Environment[str, object]) -> dict[str, Source | None]:
    """Return the data source of each phase; a phase that the section does not name is absent."""
    if section is None:
        return {}
    diagnostics = evaluator.diagnostics
    common, phases = [], {}
    for key, node in section:
        if key.text in PHASES:
            phases[key.text] = key, node
        elif key.text.startswith("test_") and isinstance(node, Mapping | Sequence):
            message = f"a further test source (`{key.text}`) is not supported yet"
            diagnostics.error("E211", key.mark, message, "keep `train` and `test`")
        elif isinstance(node, Mapping) and (hint := did_you_mean(key.text, PHASES)):
            diagnostics.error("E501", key.mark, f"data has no phase `{key.text}`", hint)
        else:
            common.append((key, node))
    if not phases:
        whole = Mapping(common, section.mark)
        return {phase: _source(whole, evaluator, env) for phase in PHASES}
    found: dict[str, Source | None] = {}
    for phase in (p for p in PHASES if p in phases):
        merged = _of_phase(*phases[phase], common, diagnostics)
        found[phase] = None if merged is None else _source(merged, evaluator, env)
    return found


def _of_phase(key: Scalar, node: Node, common: list[tuple[Scalar, Node]], diagnostics: Diagnostics) -> Mapping | None:
    """The keys of a phase over those beside the phases."""
    if isinstance(node, Sequence):
        message = "several sources in one phase are not supported yet"
        diagnostics.error("E211", node.mark, message, "write one mapping")
        return None
    if isinstance(node, Scalar) and node.is_null:
        return Mapping(common, key.mark)
    if not isinstance(node, Mapping):
        message = f"the data of {key.text} is a mapping, got {kind(node)}"
        diagnostics.error("E212", node.mark, message, f"{key.text}: {{batch_size: 64}}")
        return None
    own = set(node.keys())
    return Mapping([*node.pairs, *(pair for pair in common if pair[0].text not in own)], node.mark)


def _source(node: Mapping, evaluator: Evaluator, env: Environment[str, object]) -> Source | None:
    try:
        return build(Source, evaluator.node(node, env), evaluator.diagnostics)
    except Failed:
        return None


def names_of(section: Node | None, data: dict[str, Source | None]) -> dict[str, tuple[Named, ...]]:
    """Return the blobs of the phases whose source could not be read; empty unless all names are sure."""
    found: dict[str, tuple[Named, ...]] = {}
    for phase in (p for p, source in data.items() if source is None):
        assert isinstance(section, Mapping)
        own = section.get(phase)
        whole = Mapping([*(own.pairs if isinstance(own, Mapping) else ()), *section.pairs], section.mark)
        chosen, written = whole.get("source"), whole.get("tops")
        name = chosen.text if isinstance(chosen, Scalar) else ""
        if is_later(SOURCES.kind, name) or (SOURCES.get(name) is None and SOURCES.nearest(name) is None):
            return {}
        if written is None:
            found[phase] = tuple((top, section.mark) for top in Source.specs["tops_"].default)
            continue
        items = written.items if isinstance(written, Sequence) else [written]
        names = [(n.text, n.mark) for n in items if isinstance(n, Scalar) and NAME.fullmatch(n.text)]
        if len(names) < len(items):
            return {}
        found[phase] = tuple(names)
    return found


def read_inputs(section: Mapping | None, evaluator: Evaluator, env: Environment[str, object]) -> dict[str, InputEntry]:
    """Return the entries of ``inputs`` by blob name."""
    found: dict[str, InputEntry] = {}
    for key, node in section or ():
        if not NAME.fullmatch(key.text):
            hint = "letters, digits, `_`, `-`, and `/` between them"
            evaluator.diagnostics.error("E221", key.mark, f"`{key.text}` cannot be a name", hint)
            continue
        try:
            entry = _input(key, evaluator.node(node, env), evaluator.diagnostics)
        except Failed:
            continue
        if entry is not None:
            found[key.text] = entry
    return found


def _input(key: Scalar, node: Node, diagnostics: Diagnostics) -> InputEntry | None:
    batched = True
    shape: Node | None = node
    if isinstance(node, Mapping):
        for inner, value in node:
            if inner.text not in ("shape", "batch"):
                hint = did_you_mean(inner.text, ("shape", "batch"))
                diagnostics.error("E501", inner.mark, f"unknown key `{inner.text}` of an input", hint)
                return None
            if inner.text == "batch":
                place = value.value if isinstance(value, Scalar) else None
                if place not in (0, False) or isinstance(place, float):
                    message = "the batch on another axis than 0 is not supported yet"
                    diagnostics.error("E211", value.mark, message, "leave `batch` out, or `batch: false` for none")
                    return None
                batched = place is not False
        shape = node.get("shape")
    sizes = _sizes(key.text, shape, diagnostics) if isinstance(shape, Sequence) else None
    if not isinstance(shape, Sequence):
        example = f"{key.text}: [3, 224, 224], or [] for one number an item"
        mark = node.mark if shape is None else shape.mark
        got = "no `shape`" if shape is None else kind(shape)
        diagnostics.error("E610", mark, f"`{key.text}` is the shape of one item, got {got}", example)
    return None if sizes is None else InputEntry(sizes, batched, key.mark)


def _sizes(name: str, node: Sequence, diagnostics: Diagnostics) -> Shape | None:
    """The sizes of an item; each that is none is reported at its place."""
    sizes = []
    for item in node.items:
        value = item.value if isinstance(item, Scalar) else None
        if isinstance(value, Ratio):
            message = f"{name}: {value.story()} is not a whole number"
            diagnostics.error("E206", item.mark, message, "use `//`, `floor`, `ceil` or `round`")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not is_whole(value) or value < 1:
            message = f"`{name}` is the shape of one item, whole numbers from 1, got {kind(item)}"
            diagnostics.error("E610", item.mark, message, f"{name}: [3, 224, 224], or [] for one number an item")
        else:
            sizes.append(int(value))
    if len(sizes) < len(node.items):
        return None
    if prod(sizes) > MAX_ELEMENTS:
        message = f"`{name}` would have more than 2^63 numbers an item"
        diagnostics.error("E610", node.mark, message, "is a size larger than meant?")
        return None
    return tuple(sizes)


def read_solver(section: Mapping | None, evaluator: Evaluator, env: Environment[str, object]) -> Solver | None:
    """Return the solver, None if there is none or it is wrong."""
    if section is None:
        return None
    try:
        return build(Solver, evaluator.node(section, env), evaluator.diagnostics)
    except Failed:
        return None


def roots_of(
    phase: str,
    data: dict[str, Source | None],
    inputs: dict[str, InputEntry],
    place: Mark,
    uncertain: bool = False,
    guessed: Environment[str, tuple[Named, ...]] = MappingProxyType({}),
) -> Roots:
    """Return the blobs that come from outside in a phase, and what the first layer chains from.

    Parameters
    ----------
    uncertain : bool
        ``data`` or ``inputs`` could not be read in full.
    guessed : mapping
        What `names_of` found of a wrong ``data``.
    """
    if inputs:
        names = [(name, entry.mark) for name, entry in inputs.items()]
        return Roots(names, names[0][0], uncertain=uncertain)
    tops: dict[str, list[Named]] = {}
    for each, source in data.items():
        mark = place if source is None else source.marks.get("tops_", source.mark or place)
        tops[each] = list(guessed.get(each, ())) if source is None else [(name, mark) for name in source.tops()]
    own = tops.get(phase, [])
    firsts = {each: names[0][0] for each, names in tops.items() if names}
    differs = None
    if len(set(firsts.values())) > 1:
        differs = ", ".join(f"{each} with `{name}`" for each, name in firsts.items())
    here = {name for name, _ in own}
    elsewhere = {name: each for each, names in tops.items() for name, _ in names if name not in here}
    return Roots(own, own[0][0] if own and differs is None else None, differs, elsewhere, uncertain, bool(guessed))
