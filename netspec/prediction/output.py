"""Where what was predicted is written."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.graph import Shape
from netspec.prediction.items import ARRAY
from netspec.prediction.pictures import write
from runtime.errors import UsageError


class Places:
    """Names of files in a folder, one for each sample and kind, none twice."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._taken: set[str] = set()

    def of(self, sample: str, kind: str) -> Path | None:
        """Return the path of a sample's picture, ``digit.mask.png``; None without a folder."""
        if self._folder is None:
            return None
        stem = re.sub(r"\[(\d+)\]$", r"_\1", Path(sample).name)
        stem = stem.removesuffix(Path(sample).suffix) if "[" not in sample else stem.replace(ARRAY, "")
        base = f"{stem}.{kind.replace('/', '-')}"
        name, number = base, 1
        while name in self._taken:
            number += 1
            name = f"{base}-{number}"
        self._taken.add(name)
        return self._folder / f"{name}.png"


def save_blobs(place: Path | None, blobs: Mapping[str, Sequence[NDArray[Any]]]) -> dict[str, tuple[str, Shape]]:
    """Write blobs, N first: each as ``<blob>.npy`` into a folder, or a single one into a file.

    Raises
    ------
    UsageError
        A file for several blobs.
    StateError
        It cannot be written.
    """
    assert place is not None, "blobs are collected only if there is a place for them"
    is_file = place.suffix == ARRAY
    if is_file and len(blobs) > 1:
        raise UsageError(f"-o {place}: one file, and {len(blobs)} blobs; name a folder")
    found = {}
    for name, parts in blobs.items():
        array = np.ascontiguousarray(np.concatenate(parts))
        stream = io.BytesIO()
        np.save(stream, array)
        path = place if is_file else place / f"{name.replace('/', '-')}{ARRAY}"
        found[name] = write(path, stream.getvalue()), array.shape
    return found
