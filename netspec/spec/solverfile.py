"""A solver file: ``net:`` in place of ``layers``, ``set:`` and ``stages:`` for it, the rest is the solver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from netspec.spec.diagnostics import Diagnostics
from netspec.spec.entries import Named
from netspec.spec.files import Files
from netspec.spec.nodes import Mapping, Scalar, Sequence, kind
from netspec.spec.overrides import Override, apply
from netspec.spec.toplevel import SOLVER_FILE
from runtime.errors import UsageError


@dataclass(frozen=True, slots=True)
class SolverFile:
    """What a solver file says: the net's tree with its ``set:`` put in, the stages, the solver's own fields."""

    net: Mapping
    path: Path
    stages: tuple[Named, ...]


def is_solver_file(root: Mapping) -> bool:
    """Whether a file names a net in place of holding one."""
    return "net" in root and "layers" not in root


def read_solver_file(
    root: Mapping, overrides: Iterable[Override], files: Files, diagnostics: Diagnostics
) -> SolverFile | None:
    """Return the net that a solver file trains, its solver section in place of the net's own.

    Parameters
    ----------
    root : Mapping
        The solver file.
    overrides : iterable of Override
        From the command line: ``solver.*`` goes to the solver file, all else to the net.
    files : Files
        Reads the net, whose path is relative to the file that names it.
    """
    named = root.get("net")
    if not isinstance(named, Scalar) or not isinstance(named.value, str):
        assert named is not None
        diagnostics.error("E612", named.mark, f"net is the path of a spec, got {kind(named)}", "net: lenet.yaml")
        return None
    file = Path(named.mark.file).parent / named.value
    try:
        net = files.read(file)
    except UsageError as error:
        diagnostics.error("E612", named.mark, str(error), "the path is relative to the solver file")
        return None
    if net is None:
        return None
    if is_solver_file(net):
        diagnostics.error("E612", named.mark, f"{named.value} is a solver file itself", "name a spec with `layers`")
        return None
    own = [o for o in overrides if o.parts[0].text == "solver"]
    solver = Mapping([p for p in root.pairs if p[0].text not in SOLVER_FILE], root.mark)
    net = apply(net, _settings(root, diagnostics), diagnostics)
    net = net.with_pair("solver", solver, named.mark)
    net = apply(net, [*own, *(o for o in overrides if o not in own)], diagnostics)
    return SolverFile(net, file, _stages(root, diagnostics))


def _settings(root: Mapping, diagnostics: Diagnostics) -> list[Override]:
    """The entries of ``set:``, each a key as after ``--set``."""
    written = root.get("set")
    if written is None or (isinstance(written, Scalar) and written.is_null):
        return []
    if not isinstance(written, Mapping):
        diagnostics.error("E212", written.mark, f"`set` is a mapping, got {kind(written)}", "set: {vars.width: 20}")
        return []
    found = []
    for key, value in written:
        parts, at = [], 0
        for part in key.text.split("."):
            parts.append(Scalar(part, False, key.mark.part(at, at + len(part))))
            at += len(part) + 1
        found.append(Override(tuple(parts), value))
    return found


def _stages(root: Mapping, diagnostics: Diagnostics) -> tuple[Named, ...]:
    written = root.get("stages")
    if written is None or (isinstance(written, Scalar) and written.is_null):
        return ()
    names = []
    for item in written.items if isinstance(written, Sequence) else [written]:
        if isinstance(item, Scalar) and isinstance(item.value, str):
            names.append((item.value, item.mark))
        else:
            diagnostics.error("E231", item.mark, f"a stage is a name, got {kind(item)}", "stages: [augment]")
    return tuple(names)
