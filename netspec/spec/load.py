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

from netspec.graph.advice import check_loss, check_sample
from netspec.graph.build import build_net
from netspec.graph.net import Fed, Net
from netspec.graph.resolved import flat
from netspec.graph.sections import InputEntry, names_of, read_data, read_inputs, read_solver, roots_of
from netspec.solvers.base import Solver
from netspec.sources.base import Source
from netspec.spec.blocks import Home, entries_of, read_blocks
from netspec.spec.chain import wire
from netspec.spec.diagnostics import Diagnostics, SpecError
from netspec.spec.emit import block
from netspec.spec.entries import Item, Named
from netspec.spec.expand import Expander
from netspec.spec.feeds import check_test_iter, feed_of, further_tests
from netspec.spec.files import Files
from netspec.spec.load_blocks import FileBlocks
from netspec.spec.loops import wire_bodies
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Node, Scalar, in_text
from netspec.spec.overrides import Overrides, apply, read_overrides, read_pairs
from netspec.spec.read import read_text
from netspec.spec.rules import PHASES, check_stages
from netspec.spec.sample import Sample, read_sample
from netspec.spec.shares import Shared, read_shares
from netspec.spec.solverfile import is_solver_file, read_solver_file
from netspec.spec.toplevel import MATH, MEMORY, check_keys, chosen, section
from netspec.spec.typed import Typer, read_defaults
from netspec.spec.unused import warn_unused
from netspec.spec.values import Evaluator, Failed
from netspec.spec.variables import UNREADABLE, Variables
from netspec.spec.weights import WeightsFile, read_weights
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
    shared
        Layers that use the weights of others.
    weights
        The files that its weights come from, unopened.
    sample
        What a net for sequences is fed with, one step after the other.
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
    shared: dict[str, Shared] = field(default_factory=dict, repr=False)
    weights: tuple[WeightsFile, ...] = ()
    sample: Sample | None = None
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

    @property
    def feeds(self) -> tuple[str, ...]:
        """The phases, and the further test sources by name: what `net` can be asked for."""
        return self.phases + (further_tests(self.data) if "test" in self.data else ())

    def net(self, phase: str, batch: int | None = None, stages: Iterable[str] = ()) -> Net:
        """Return the net of a phase with all shapes.

        Parameters
        ----------
        phase : str
            ``train``, ``test``, or ``test_NAME``: one more test source, its name is the stage.
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
        feed_of(phase, (), self.data)
        found = Diagnostics()
        found.sources, found.reached = self.diagnostics.sources, self.diagnostics.reached
        net = self.examine(phase, found, batch, frozenset((*self.stages, *stages)))
        if net is None:
            for other in self.feeds:
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
        feed = feed_of(phase, self.stages if stages is None else stages, self.data)
        if feed.phase not in self.phases:
            message = f"there is no data for phase {phase}"
            diagnostics.error("E601", self.data_place or self.place, message, f"add `{phase}:` to `data`")
            return None
        wired = self._wire(feed.phase, feed.stages)
        diagnostics.extend(wired.diagnostics.items)
        wirings = [self._wire(each, feed.stages).wiring for each in self.phases]
        source = self.data.get(feed.name)
        size = batch or (source.batch_size if source is not None else 1)
        with diagnostics.of_batch(size):
            net = build_net(self, wired.wiring, Fed(feed.name, source), size, wirings, diagnostics)
        return net if wired.wiring.complete else None

    def look_through(self, phase: str, diagnostics: Diagnostics, batch: int | None = None) -> None:
        """Find what is wrong with the net of a phase; a data file that cannot be read is a finding too."""
        try:
            net = self.examine(phase, diagnostics, batch)
            if net is not None:
                check_loss(net, diagnostics)
                check_sample(net, diagnostics)
        except DataError as error:
            named = (s for s in self.data.values() if s is not None)
            mark = next((s.marks["file"] for s in named if "file" in s.marks), self.place)
            message = f"only the file tells the shapes: {error}".replace("\n  ", "; ")
            hint = "say them here: `shape: [..]`, of one sample"
            if isinstance(error.__cause__, FileNotFoundError):
                hint = "put the file there; with `shape: [..]`, of one sample, `check` does without it"
            diagnostics.error("E613", mark, message, hint)

    def _wire(self, phase: str, stages: frozenset[str]) -> _Wired:
        key = phase, stages
        if key not in self._wired:
            found = Diagnostics()
            found.sources = self.diagnostics.sources
            feed = feed_of(phase, stages, self.data)
            data, guessed = feed.of(self.data), feed.of(self.guessed)
            roots = roots_of(phase, data, self.inputs, self.place, self.uncertain, guessed)
            self._wired[key] = _Wired(wire(self.items, roots, phase, stages, found), found)
            wire_bodies(self._wired[key].wiring, phase, stages, found)
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
        return block(flat(self, {name: self.net(name) for name in self.feeds}))


class _Loader:
    """One reading of a spec."""

    def __init__(self, root: Mapping, path: Path | None, stages: tuple[str, ...], files: Files) -> None:
        self.root, self.path, self.stages, self.files = root, path, stages, files
        self.diagnostics = diagnostics = files.diagnostics
        self.evaluator = Evaluator(diagnostics)
        self.variables = Variables(section(root, "vars", diagnostics), self.evaluator, self._declared)
        self._data: dict[str, Source | None] | None = None
        self._reading_data = False
        self._data_is_wrong = False

    def run(self) -> Spec:
        root, diagnostics = self.root, self.diagnostics
        check_keys(root, diagnostics)
        self.variables.check_all()
        blocks = read_blocks(root.get("blocks"), diagnostics, FileBlocks(self.files).read)
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
        if not self._data_is_wrong:
            check_test_iter(solver, data, diagnostics)
        place = root.pairs[0][0].mark if root.pairs else root.mark
        written_layers = root.get("layers")
        entries: tuple[Mapping, ...] = ()
        if written_layers is not None or "extends" not in root:
            entries = entries_of(written_layers, place, "the spec", diagnostics)
        written = root.get("blocks")
        broken = [name for name in written.keys() if name not in blocks] if isinstance(written, Mapping) else []
        defaults = read_defaults(root.get("defaults"), self.variables, self.evaluator)
        items = Expander(self.evaluator).run(entries, Home(self.variables, blocks, frozenset(broken), defaults))
        Typer(defaults, self.evaluator).run(items)
        warn_unused(root, self.variables.written.keys() - self._declared().keys(), blocks, diagnostics)
        shared = read_shares(items, diagnostics)
        weights = read_weights(root.get("weights"), self.evaluator, self.variables, items, shared)
        math = chosen(self._value("math"), "math", MATH, diagnostics)
        memory = chosen(self._value("memory"), "memory", MEMORY, diagnostics)
        return Spec(self.path, self._name(), math, memory, solver, data, inputs, items, self.stages, diagnostics, place,
                    self._values(), uncertain, data_place=key.mark if (key := root.key("data")) else None,
                    guessed=guessed, shared=shared, weights=weights,
                    sample=read_sample(root.get("sample"), self.evaluator, self.variables))  # fmt: skip

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

    def _value(self, key: str) -> Node | None:
        """What stands under a key at the top, its expressions replaced; None where nothing does, or a mistake."""
        node = self.root.get(key)
        with suppress(Failed):
            return None if node is None else self.evaluator.node(node, self.variables)
        return None

    def _name(self) -> str:
        value = self._value("name")
        if isinstance(value, Scalar) and not value.is_null:
            return in_text(value.value)
        if value is not None and not isinstance(value, Scalar):
            self.diagnostics.error("E212", value.mark, "the name of a net is text", "name: my-net")
        return self.path.stem if self.path is not None else "net"


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
    files = Files(diagnostics)
    root = _of_dict(spec, files) if isinstance(spec, Environment) else files.first(spec)
    if root is None:
        return None
    if is_solver_file(root):
        file = read_solver_file(root, given, files, diagnostics)
        if file is None:
            return None
        named = (*file.stages, *named)
        loader = _Loader(file.net, file.path, tuple(name for name, _ in named), files)
    else:
        loader = _Loader(apply(root, given, diagnostics), path, stages, files)
    loaded = loader.run()
    check_stages(loaded.items, [stage for stage in named if stage[0] not in loaded.data], diagnostics)
    loaded.origin = Origin(spec, overrides if isinstance(overrides, Environment) else tuple(overrides), stages)
    return loaded


def _of_dict(spec: Environment[str, object], files: Files) -> Mapping | None:
    root = read_text(block(spec), DICT, files.diagnostics)
    return None if root is None else files.extended(root)


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
            for phase in loaded.feeds:
                loaded.look_through(phase, diagnostics)
        raise SpecError(diagnostics)
    return loaded
