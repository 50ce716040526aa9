"""A spec file as a block: blobs from outside are its ports, variables its parameters, and its defaults apply inside.

Its data, solver and weights are not used; of its data only the names of the
tops, and what the source declares (``$classes``), count.
"""

from __future__ import annotations

from collections.abc import Mapping as Environment

from netspec.graph.sections import read_data, read_inputs, roots_of
from netspec.spec.blocks import Block, Home, entries_of, read_blocks
from netspec.spec.diagnostics import Diagnostics, SpecError
from netspec.spec.files import Files
from netspec.spec.marks import Mark
from netspec.spec.nodes import Mapping, Scalar, node_of
from netspec.spec.rules import PHASES
from netspec.spec.solverfile import is_solver_file
from netspec.spec.toplevel import check_keys, section
from netspec.spec.typed import read_defaults
from netspec.spec.values import Evaluator, Failed
from netspec.spec.variables import Variables
from runtime.errors import DataError

MAX_VARIABLES = 500_000


class FileBlocks:
    """Reads the spec files that stand under ``blocks``, each once."""

    def __init__(self, files: Files) -> None:
        self.files, self.diagnostics = files, files.diagnostics
        self._known: dict[str, Block | None] = {}

    def read(self, key: Scalar, named: Scalar) -> Block | None:
        """Return the block that ``key: file.yaml`` defines, None after saying why it is none."""
        found = self.files.named(named, "a block", f"the block `{key.text}`")
        if found is None:
            return None
        root, path = found
        if str(path) not in self._known:
            with self.files.opened(path):
                self._known[str(path)] = self._block(key, named, root)
        block = self._known[str(path)]
        return None if block is None else Block(
            key.text, key.mark, block.inputs, None, block.params, block.layers, block.home
        )  # fmt: skip

    def _block(self, key: Scalar, named: Scalar, root: Mapping) -> Block | None:
        if is_solver_file(root):
            message = f"{named.text} is a solver file, which has no layers"
            self.diagnostics.error("E240", named.mark, message, "name the spec that it trains")
            return None
        check_keys(root, self.diagnostics)
        inside = _Inside(root, read_blocks(root.get("blocks"), self.diagnostics, self.read), self.diagnostics)
        ports = inside.ports()
        if ports is None:
            message = f"the inputs of {named.text} are not known: its `data` or `inputs` cannot be read"
            self.diagnostics.error("E244", named.mark, message, f"`netspec check {named.text}` tells why")
            return None
        written = root.get("vars")
        params = {k.text: (k, node) for k, node in written} if isinstance(written, Mapping) else {}
        layers = entries_of(root.get("layers"), root.mark, "the spec", self.diagnostics)
        return Block(key.text, key.mark, ports, None, params, layers, inside.home)


class _Inside:
    """What the entries of a file used as a block see."""

    def __init__(self, root: Mapping, blocks: dict[str, Block], diagnostics: Diagnostics) -> None:
        self.root, self.blocks, self.diagnostics = root, blocks, diagnostics
        written = root.get("blocks")
        names = written.keys() if isinstance(written, Mapping) else []
        self.broken = frozenset(name for name in names if name not in blocks)
        self._declares: dict[str, object] | None = None
        self._as_written: Home | None = None
        self._made = 0

    def home(self, given: dict[str, object], mark: Mark) -> Home:
        """Return the surroundings of an instance that gives some of the file's variables their values.

        Raises
        ------
        Failed
            After too many have been asked for.
        """
        if not given and self._as_written is not None:
            return self._as_written
        written = section(self.root, "vars", self.diagnostics)
        self._made += len(written or ())
        if self._made > MAX_VARIABLES:
            message = f"the instances of a file have more than {MAX_VARIABLES:,} variables of their own together"
            self.diagnostics.error("E217", mark, message, "is a repeat larger than meant?")
            raise Failed
        for name, value in given.items():
            assert written is not None
            written = written.with_pair(name, node_of(value, mark))
        evaluator = Evaluator(self.diagnostics)
        variables = Variables(written, evaluator, self._declared)
        defaults = self.root.get("defaults")
        if self._as_written is not None and defaults is not None and evaluator.is_literal(defaults):
            laid = self._as_written.defaults
        else:
            laid = read_defaults(defaults, variables, evaluator)
        home = Home(variables, self.blocks, self.broken, laid)
        if not given:
            self._as_written = home
        return home

    def ports(self) -> tuple[str, ...] | None:
        """The names of its blobs from outside, those of training first; None if they cannot be told."""
        quiet = Diagnostics()
        evaluator = Evaluator(quiet)
        try:
            variables = Variables(section(self.root, "vars", quiet), evaluator, dict)
            data = read_data(section(self.root, "data", quiet), evaluator, variables)
            self._declares = {}
            for source in data.values():
                self._declares = {**(source.variables() if source is not None else {}), **self._declares}
            variables = Variables(section(self.root, "vars", quiet), evaluator, self._declared)
            inputs = read_inputs(section(self.root, "inputs", quiet), evaluator, variables)
            phases = [phase for phase in PHASES if phase in data] or list(PHASES)
            names = [name for phase in phases for name, _ in roots_of(phase, data, inputs, self.root.mark).names]
        except (DataError, SpecError):
            return None
        return None if quiet.has_errors else tuple(dict.fromkeys(names))

    def _declared(self) -> Environment[str, object]:
        return self._declares or {}
