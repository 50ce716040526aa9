"""Where the files of ``weights`` lie, and the section as a flat spec has it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.sources import paths
from runtime.errors import UsageError

if TYPE_CHECKING:
    from netspec.spec.load import Spec
    from netspec.spec.weights import WeightsFile


def candidates(spec: Spec, entry: WeightsFile) -> tuple[Path, ...]:
    """Return where a file of weights may lie: beside the spec that names it, then below the data root."""
    beside = (entry.folder / os.path.expanduser(entry.file)).absolute()
    if os.path.isabs(os.path.expanduser(entry.file)):
        return (beside,)
    source = next((source for source in spec.data.values() if source is not None), None)
    root = paths.common_root() if source is None else paths.data_root(source)
    return (beside,) if root is None else (beside, root.absolute() / entry.file)


def locate(spec: Spec, entry: WeightsFile) -> Path:
    """Return the file of weights that an entry names.

    Raises
    ------
    UsageError
        It is in none of the places.
    """
    places = candidates(spec, entry)
    found = next((path for path in places if os.path.exists(path)), None)
    if found is None:
        looked = " and ".join(str(path.parent) for path in places)
        raise UsageError(f"weights: {entry.file}: no such file (looked in {looked}); --weights F gives another")
    return found


def spelled_out(spec: Spec) -> Any:
    """Return the section with absolute paths, so that a resolved spec means the same from any folder."""
    found: dict[str, Any] = {}
    for entry in spec.weights:
        places = candidates(spec, entry)
        path = str(next((path for path in places if os.path.exists(path)), places[0]))
        inner = [name.removeprefix(f"{entry.prefix}/") for name in entry.leave_out]
        found[entry.prefix] = {"file": path, "except": inner} if inner else path
    return found.get("", found)
