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
from netspec.sources.joint import Joint
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
    """One entry of ``inputs``: the shape of an item and the place of the batch among its axes, None for no batch."""

    item: Shape
    axis: int | None
    mark: Mark

    def shape(self, batch: int) -> Shape:
        """Return the shape with the batch."""
        return self.item if self.axis is None else (*self.item[: self.axis], batch, *self.item[self.axis :])


def read_data(section: Mapping | None, evaluator: Evaluator, env: Environment[str, object]) -> dict[str, Source | None]:
    """Return the data source of each phase, then of each further test (``test_NAME``); one not named is absent."""
    if section is None:
        return {}
    diagnostics = evaluator.diagnostics
    common, phases = [], {}
    for key, node in section:
        if key.text in PHASES or _is_further_test(key, diagnostics):
            phases[key.text] = key, node
        elif isinstance(node, Mapping | Sequence) and (hint := did_you_mean(key.text, PHASES)):
            diagnostics.error("E501", key.mark, f"data has no phase `{key.text}`", hint)
        else:
            common.append((key, node))
    if not phases:
        whole = Mapping(common, section.mark)
        return {phase: _source(whole, evaluator, env) for phase in PHASES}
    further = [name for name in phases if name not in PHASES]
    if further and "test" not in phases:
        message = f"`{further[0]}` is one more test source, and there is no `test`"
        diagnostics.error("E601", phases[further[0]][0].mark, message, "call it `test`")
    wanted = [*(p for p in PHASES if p in phases), *further]
    return {name: _of_phase(*phases[name], common, evaluator, env) for name in wanted}


def _is_further_test(key: Scalar, diagnostics: Diagnostics) -> bool:
    if not key.text.startswith("test_"):
        return False
    if not NAME.fullmatch(key.text):
        hint = "letters, digits, `_`, `-`, and `/` between them"
        diagnostics.error("E221", key.mark, f"`{key.text}` cannot be a name", hint)
    return True


def _of_phase(
    key: Scalar,
    node: Node,
    common: list[tuple[Scalar, Node]],
    evaluator: Evaluator,
    env: Environment[str, object],
) -> Source | None:
    """The source of a phase, or several as one; None where one is wrong."""
    parts = node.items if isinstance(node, Sequence) and node.items else [node]
    sources = []
    for part in parts:
        merged = _merged(key, part, common, evaluator.diagnostics)
        sources.append(None if merged is None else _source(merged, evaluator, env))
    found = [source for source in sources if source is not None]
    if len(found) < len(sources):
        return None
    if len(found) == 1:
        return found[0]
    return Joint(tuple(found)) if _fit_together(found, node.mark, evaluator.diagnostics) else None


def _merged(key: Scalar, node: Node, common: list[tuple[Scalar, Node]], diagnostics: Diagnostics) -> Mapping | None:
    """The keys of a source over those beside the phases."""
    if isinstance(node, Scalar) and node.is_null:
        return Mapping(common, key.mark)
    if not isinstance(node, Mapping):
        message = f"the data of {key.text} is a mapping, or a list of them, got {kind(node)}"
        diagnostics.error("E212", node.mark, message, f"{key.text}: {{batch_size: 64}}")
        return None
    own = set(node.keys())
    return Mapping([*node.pairs, *(pair for pair in common if pair[0].text not in own)], node.mark)


def _fit_together(sources: list[Source], place: Mark, diagnostics: Diagnostics) -> bool:
    """Whether the sources of a phase have blobs of their own and one batch size."""
    before = diagnostics.error_count
    owners: dict[str, Source] = {}
    for source in sources:
        for top in source.top_names():
            if top in owners:
                mark = source.marks.get("tops_", source.mark or place)
                message = f"two sources of this phase give `{top}`: {owners[top].type_name} and {source.type_name}"
                diagnostics.error("E659", mark, message, "name the blobs of one of them with `tops: [..]`")
            owners[top] = source
        if source.batch_size != sources[0].batch_size:
            mark = source.marks.get("batch_size", source.mark or place)
            message = f"batch_size {source.batch_size} beside {sources[0].batch_size}: one batch takes as many of each"
            diagnostics.error("E660", mark, message, f"batch_size: {sources[0].batch_size}")
    return diagnostics.error_count == before


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
        names: list[Named] = []
        for part in own.items if isinstance(own, Sequence) else [own]:
            whole = Mapping([*(part.pairs if isinstance(part, Mapping) else ()), *section.pairs], section.mark)
            guessed = _guessed(whole)
            if guessed is None:
                return {}
            names.extend(guessed)
        found[phase] = tuple(names)
    return found


def _guessed(whole: Mapping) -> list[Named] | None:
    """The blobs of a source that could not be read, by what is written of it."""
    chosen, written, columns = whole.get("source"), whole.get("tops"), whole.get("columns")
    name = chosen.text if isinstance(chosen, Scalar) else ""
    cls = SOURCES.get(name) or SOURCES.get(SOURCES.nearest(name) or "")
    if is_later(SOURCES.kind, name) or cls is None:
        return None
    if isinstance(columns, Mapping) and "columns" in cls.specs:
        return [(key.text, key.mark) for key, _ in columns]
    if written is None:
        return [(top, whole.mark) for top in cls.specs["tops_"].default]
    items = written.items if isinstance(written, Sequence) else [written]
    names = [(n.text, n.mark) for n in items if isinstance(n, Scalar) and NAME.fullmatch(n.text)]
    return names if len(names) == len(items) else None


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
    axis: int | None = 0
    place: Scalar | None = None
    shape: Node | None = node
    if isinstance(node, Mapping):
        for inner, value in node:
            if inner.text not in ("shape", "batch"):
                hint = did_you_mean(inner.text, ("shape", "batch"))
                diagnostics.error("E501", inner.mark, f"unknown key `{inner.text}` of an input", hint)
                return None
            if inner.text == "batch":
                place = value if isinstance(value, Scalar) else None
                axis = _batch_axis(key.text, value, diagnostics)
                if axis is not None and axis < 0:
                    return None
        shape = node.get("shape")
    sizes = _sizes(key.text, shape, diagnostics) if isinstance(shape, Sequence) else None
    if not isinstance(shape, Sequence):
        example = f"{key.text}: [3, 224, 224], or [] for one number an item"
        mark = node.mark if shape is None else shape.mark
        got = "no `shape`" if shape is None else kind(shape)
        diagnostics.error("E610", mark, f"`{key.text}` is the shape of one item, got {got}", example)
    if sizes is not None and place is not None and axis is not None and axis > len(sizes):
        message = f"`{key.text}` has {len(sizes)} axes without the batch, which cannot be axis {axis}"
        diagnostics.error("E610", place.mark, message, f"`batch` from 0 to {len(sizes)}")
        return None
    return None if sizes is None else InputEntry(sizes, axis, key.mark)


def _batch_axis(name: str, node: Node, diagnostics: Diagnostics) -> int | None:
    """The axis of the batch, None for ``false``, -1 after an error."""
    value = node.value if isinstance(node, Scalar) else None
    if value is False:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_whole(value) or value < 0:
        message = f"`batch` of `{name}` is the place of the batch among its axes, got {kind(node)}"
        diagnostics.error("E610", node.mark, message, "`batch: 1` for time first, `batch: false` for none")
        return -1
    return int(value)


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
        tops[each] = list(guessed.get(each, ())) if source is None else [(name, mark) for name in source.top_names()]
    own = tops.get(phase, [])
    firsts = {each: names[0][0] for each, names in tops.items() if names}
    differs = None
    if len(set(firsts.values())) > 1:
        differs = ", ".join(f"{each} with `{name}`" for each, name in firsts.items())
    here = {name for name, _ in own}
    elsewhere = {name: each for each, names in tops.items() for name, _ in names if name not in here}
    return Roots(own, own[0][0] if own and differs is None else None, differs, elsewhere, uncertain, bool(guessed))
