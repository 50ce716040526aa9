"""From a file to a `Spec`, in the frozen order of work.

Read, ``--set``, variables, blocks (with repeat, each, if), defaults; then, for
a phase, its layers, chaining, types and shapes (`Spec.net`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping as Environment
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from netspec.graph.advice import check_loss
from netspec.graph.build import before_relu, build_net
from netspec.graph.net import Net
from netspec.graph.resolved import flat
from netspec.graph.sections import InputEntry, names_of, read_data, read_inputs, read_solver, roots_of
from netspec.solvers.base import Solver
from netspec.sources.base import Source
from netspec.spec.blocks import entries_of, read_blocks
from netspec.spec.chain import wire
from netspec.spec.diagnostics import Diagnostics, SpecError
from netspec.spec.emit import block
from netspec.spec.entries import Item, Named
from netspec.spec.expand import Expander
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, in_text
from netspec.spec.overrides import Overrides, apply, read_overrides, read_pairs
from netspec.spec.read import read_file, read_text
from netspec.spec.rules import PHASES, check_stages
from netspec.spec.solverfile import is_solver_file, read_solver_file
from netspec.spec.toplevel import MATH, MEMORY, check_keys, chosen, section
from netspec.spec.typed import Typer, read_defaults
from netspec.spec.unused import warn_unused
from netspec.spec.values import Evaluator, Failed
from netspec.spec.variables import UNREADABLE, Variables
from netspec.spec.wiring import Wiring
from runtime.errors import DataError, UsageError

DICT = "<dict>"


@dataclass(frozen=True, slots=True)
class Origin:
    """What `load_spec` was given."""

    spec: str | Path | Environment[str, object]
    overrides: Overrides
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wired:
    wiring: Wiring
    diagnostics: Diagnostics


@dataclass
class Spec:
    """A spec after blocks, variables and defaults; `net` gives the net of a phase.

    Attributes
    ----------
    path
        The file, None for a spec from Python.
    data, inputs
        The source of each phase, or the entries of ``inputs``; one of the two is empty.
    items
        The tree of layers, before phases.
    diagnostics
        What was found, the warnings of every net asked for included.
    uncertain
        ``data`` or ``inputs`` hold a mistake, so blobs may be missing.
    data_place
        Where ``data`` is written.
    guessed
        Blobs of the phases whose data holds a mistake, where their names are sure all the same.
    """

    path: Path | None
    name: str
    math: str
    memory: str
    solver: Solver | None
    data: dict[str, Source | None]
    inputs: dict[str, InputEntry]
    items: list[Item]
    stages: tuple[str, ...]
    diagnostics: Diagnostics
    place: Mark
    variables: dict[str, object] = field(default_factory=dict)
    uncertain: bool = False
    origin: Origin | None = field(default=None, repr=False)
    data_place: Mark | None = field(default=None, repr=False)
    guessed: dict[str, tuple[Named, ...]] = field(default_factory=dict, repr=False)
    _wired: dict[tuple[str, frozenset[str]], _Wired] = field(default_factory=dict, repr=False)

    def override(self, overrides: Overrides) -> Spec:
        """Return the spec read again with further overrides (see `load_spec`)."""
        assert self.origin is not None
        added = [*read_pairs(self.origin.overrides), *read_pairs(overrides)]
        return load_spec(self.origin.spec, dict(added), self.origin.stages)

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases that have something to work on: those of ``data``, or both."""
        return tuple(phase for phase in PHASES if phase in self.data) if self.data else PHASES

    def net(self, phase: str, batch: int | None = None, stages: Iterable[str] = ()) -> Net:
        """Return the net of a phase with all shapes.

        Parameters
        ----------
        phase : str
            ``train`` or ``test``.
        batch : int, optional
            Items a step; the phase's own ``batch_size`` if None, else 1.
        stages : iterable of str
            Set beside those the spec was loaded with.

        Raises
        ------
        SpecError
            With the diagnostics of both phases.
        UsageError
            For a phase that is none.
        """
        if phase not in PHASES:
            raise UsageError(f"no phase {phase!r}: train or test")
        found = Diagnostics()
        found.sources = self.diagnostics.sources
        net = self.examine(phase, found, batch, frozenset((*self.stages, *stages)))
        if net is None:
            for other in self.phases:
                if other != phase:
                    with suppress(DataError):  # the mistakes of the phase asked for come first
                        self.examine(other, found, None, frozenset((*self.stages, *stages)))
            found.extend(self.diagnostics.items)
            raise SpecError(found)
        self.diagnostics.extend(found.items)
        return net

    def examine(
        self, phase: str, diagnostics: Diagnostics, batch: int | None = None, stages: frozenset[str] | None = None
    ) -> Net | None:
        """Return the net of a phase, None after its mistakes went to ``diagnostics``."""
        stages = frozenset(self.stages) if stages is None else stages
        if phase not in self.phases:
            message = f"there is no data for phase {phase}"
            diagnostics.error("E601", self.data_place or self.place, message, f"add `{phase}:` to `data`")
            return None
        wired = self._wire(phase, stages)
        diagnostics.extend(wired.diagnostics.items)
        relu = before_relu(self._wire(p, stages).wiring for p in self.phases)
        source = self.data.get(phase)
        size = batch or (source.batch_size if source is not None else 1)
        with diagnostics.of_batch(size):
            net = build_net(self, wired.wiring, size, relu, diagnostics)
        return net if wired.wiring.complete else None

    def look_through(self, phase: str, diagnostics: Diagnostics, batch: int | None = None) -> None:
        """Find what is wrong with the net of a phase; a data file that cannot be read is a finding too."""
        try:
            net = self.examine(phase, diagnostics, batch)
            if net is not None:
                check_loss(net, diagnostics)
        except DataError as error:
            named = (s for s in self.data.values() if s is not None)
            mark = next((s.marks["file"] for s in named if "file" in s.marks), self.place)
            message = f"only the file tells the shapes: {error}"
            diagnostics.error("E613", mark, message, "say them here: `shape: [..]`, of one sample")

    def _wire(self, phase: str, stages: frozenset[str]) -> _Wired:
        key = phase, stages
        if key not in self._wired:
            found = Diagnostics()
            found.sources = self.diagnostics.sources
            roots = roots_of(phase, self.data, self.inputs, self.place, self.uncertain, self.guessed)
            self._wired[key] = _Wired(wire(self.items, roots, phase, stages, found), found)
        return self._wired[key]

    def wiring(self, phase: str) -> Wiring:
        """Return the layers of a phase with their blobs, in the order of the file."""
        return self._wire(phase, frozenset(self.stages)).wiring

    def resolved(self) -> str:
        """Return the flat net as YAML that is a spec itself: no blocks, variables, defaults or stages.

        Raises
        ------
        SpecError
            If the net of a phase cannot be made.
        """
        return block(flat(self, {phase: self.net(phase) for phase in self.phases}))


class _Loader:
    """One reading of a spec."""

    def __init__(self, root: Mapping, path: Path | None, stages: tuple[str, ...], diagnostics: Diagnostics) -> None:
        self.root, self.path, self.stages, self.diagnostics = root, path, stages, diagnostics
        self.evaluator = Evaluator(diagnostics)
        self.variables = Variables(section(root, "vars", diagnostics), self.evaluator, self._declared)
        self._data: dict[str, Source | None] | None = None
        self._reading_data = False
        self._data_is_wrong = False

    def run(self) -> Spec:
        root, diagnostics = self.root, self.diagnostics
        check_keys(root, diagnostics)
        self.variables.check_all()
        blocks = read_blocks(root.get("blocks"), diagnostics)
        if "data" in root and "inputs" in root:
            key = root.key("inputs")
            assert key is not None
            diagnostics.error("E611", key.mark, "a spec has `data` or `inputs`, not both", "delete one of the two")
        data = self.data()
        before = diagnostics.error_count
        inputs = read_inputs(section(root, "inputs", diagnostics), self.evaluator, self.variables)
        guessed = names_of(root.get("data"), data) if self._data_is_wrong else {}
        sure = not self._data_is_wrong or guessed
        uncertain = not sure or diagnostics.error_count > before or "extends" in root
        solver = read_solver(section(root, "solver", diagnostics), self.evaluator, self.variables)
        place = root.pairs[0][0].mark if root.pairs else root.mark
        written_layers = root.get("layers")
        entries: tuple[Mapping, ...] = ()
        if written_layers is not None or "extends" not in root:
            entries = entries_of(written_layers, place, "the spec", diagnostics)
        written = root.get("blocks")
        broken = [name for name in written.keys() if name not in blocks] if isinstance(written, Mapping) else []
        expander = Expander(blocks, self.evaluator, broken)
        items = expander.run(entries, self.variables)
        Typer(read_defaults(root.get("defaults"), self.variables, self.evaluator), self.evaluator).run(items)
        warn_unused(root, self.variables.written.keys() - self._declared().keys(), blocks, diagnostics)
        math, memory = chosen(root, "math", MATH, diagnostics), chosen(root, "memory", MEMORY, diagnostics)
        return Spec(self.path, self._name(), math, memory, solver, data, inputs, items, self.stages, diagnostics, place,
                    self._values(), uncertain, data_place=key.mark if (key := root.key("data")) else None,
                    guessed=guessed)  # fmt: skip

    def data(self) -> dict[str, Source | None]:
        """The data sources, read when first asked for: a variable may need what they declare."""
        if self._data is None:
            self._reading_data = True
            before = self.diagnostics.error_count
            self._data = read_data(section(self.root, "data", self.diagnostics), self.evaluator, self.variables)
            self._data_is_wrong = self.diagnostics.error_count > before
            self._reading_data = False
        return self._data

    def _declared(self) -> Environment[str, object]:
        if self._reading_data:
            return {}
        found: dict[str, object] = {}
        for source in self.data().values():
            for name, value in source.variables().items() if source is not None else ():
                found.setdefault(name, value)
        if self._data_is_wrong:
            found = {"classes": UNREADABLE, **found}
        return found

    def _values(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for name in self.variables:
            try:
                found[name] = self.variables[name]
            except Failed:
                continue
        return found

    def _name(self) -> str:
        node: Node | None = self.root.get("name")
        default = self.path.stem if self.path is not None else "net"
        if node is None or (isinstance(node, Scalar) and node.is_null):
            return default
        try:
            value = self.evaluator.node(node, self.variables)
        except Failed:
            return default
        if not isinstance(value, Scalar):
            self.diagnostics.error("E212", node.mark, "the name of a net is text", "name: my-net")
            return default
        return in_text(value.value)


def read_spec(
    spec: str | Path | Environment[str, object], overrides: Overrides, stages: Iterable[str], diagnostics: Diagnostics
) -> Spec | None:
    """Return a spec that may hold mistakes, None if it cannot be read; ``diagnostics`` tells."""
    if not isinstance(spec, str | os.PathLike | Environment):
        raise UsageError(f"a spec is a path or a mapping, got {type(spec).__name__}")
    path = None if isinstance(spec, Environment) else Path(spec)
    stages = tuple(stages)
    named = tuple((stage, Mark("--stage", 1, 1, len(stage) + 1)) for stage in stages)
    given = read_overrides(overrides, diagnostics)
    root = read_text(block(spec), DICT, diagnostics) if isinstance(spec, Environment) else read_file(spec, diagnostics)
    if root is None:
        return None
    if is_solver_file(root):
        file = read_solver_file(root, path, given, diagnostics)
        if file is None:
            return None
        named = (*file.stages, *named)
        loader = _Loader(file.net, file.path, tuple(name for name, _ in named), diagnostics)
    else:
        loader = _Loader(apply(root, given, diagnostics), path, stages, diagnostics)
    loaded = loader.run()
    check_stages(loaded.items, named, diagnostics)
    loaded.origin = Origin(spec, overrides if isinstance(overrides, Environment) else tuple(overrides), stages)
    return loaded


def load_spec(
    spec: str | Path | Environment[str, object] | Spec, overrides: Overrides = (), stages: Iterable[str] = ()
) -> Spec:
    """Read a spec.

    Parameters
    ----------
    spec : path, mapping or Spec
        A str is always a path; a mapping has the form of the file.
    overrides : mapping or iterable of str
        ``{"solver.base_lr": 0.1}`` or ``["solver.base_lr=0.1"]``.
    stages : iterable of str
        Stages that ``include`` and ``exclude`` can name.

    Raises
    ------
    SpecError
        With all diagnostics, those of both phases included.
    UsageError
        The file is missing, or an override is no ``KEY=VALUE``.
    """
    if not isinstance(spec, str | os.PathLike | Environment | Spec):
        raise UsageError(f"a spec is a path, a mapping or what load_spec gave, got {type(spec).__name__}")
    if isinstance(spec, Spec):
        if overrides or tuple(stages):
            raise UsageError("a loaded spec takes no overrides or stages: load its file again with them")
        return spec
    diagnostics = Diagnostics()
    loaded = read_spec(spec, overrides, stages, diagnostics)
    if diagnostics.has_errors or loaded is None:
        if loaded is not None:
            for phase in loaded.phases:
                loaded.look_through(phase, diagnostics)
        raise SpecError(diagnostics)
    return loaded
