"""Pictures in files of their own, decoded when a batch wants them.

How one is opened is in `runtime.data.pixels`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.data.items import AnyArray, Items
from runtime.data.listing import inside, leaves, lines_of
from runtime.data.pixels import load_pixels, require_pillow
from runtime.data.recipe import ImageFiles
from runtime.errors import DataError

SUFFIXES = frozenset(".bmp .gif .jpeg .jpg .pbm .pgm .png .ppm .tif .tiff .webp".split())


def read_images(files: ImageFiles) -> Items:
    """Find the pictures and their classes; none is decoded yet.

    Raises
    ------
    DataError
        The list or folder is missing, empty or wrong, or pictures that it names are not there.
    UsageError
        Pillow is not installed.
    """
    require_pillow()
    paths, labels = _of_folder(files) if files.is_folder else _of_list(files)
    return Items(arrays=(Pictures(files, paths), np.array(labels, np.int64)), pictures=True)


class Pictures:
    """Pictures by number, each H x W x C, uint8; H and W are 0 in ``shape`` where they differ."""

    def __init__(self, files: ImageFiles, paths: list[str]) -> None:
        self._files, self._paths = files, paths
        height, width = files.size or (0, 0)
        self.shape = (len(paths), height, width, files.channels)
        self.dtype: np.dtype[np.generic] = np.dtype(np.uint8)

    def __getitem__(self, samples: NDArray[np.int64], /) -> AnyArray:
        """Return the pictures of these numbers: one array, or one of arrays where sizes differ."""
        loaded = [self._load(self._paths[k]) for k in samples.tolist()]
        if self._files.size is not None:
            return np.stack(loaded)
        out = np.empty(len(loaded), object)
        out[:] = loaded
        return out

    def _load(self, name: str) -> AnyArray:
        files = self._files
        path = files.base / name
        if not os.path.isabs(name) and not inside(files.base, path):
            raise DataError(f"{path}: leads out of {files.base}; name it by its absolute path if it is meant")
        picture = np.asarray(load_pixels(path, files.channels, files.resize))
        height, width = picture.shape[:2]
        if files.size is not None and (height, width) != files.size:
            wanted = f"{files.size[0]} x {files.size[1]}"
            raise DataError(
                f"{path}: {height} x {width} pixels, the spec says {wanted}; new_height and new_width scale"
            )
        if min(height, width) < files.least:
            raise DataError(f"{path}: {height} x {width} pixels, the crop needs {files.least}; resize scales first")
        return picture


def _of_list(files: ImageFiles) -> tuple[list[str], list[int]]:
    """Paths and labels of a list of ``path label`` lines."""
    paths, labels, missing = [], [], []
    for number, line in lines_of(files.path):
        *before, label = line.rsplit(maxsplit=1)
        name, where = "".join(before), f"{files.path}:{number}"
        if not name or not label.isascii() or not label.isdigit() or len(label) > 9:
            raise DataError(f"{where}: expected a path, a blank and a class number from 0, got {line[:60]!r}")
        if leaves(name):
            raise DataError(f"{where}: {name} leads out of {files.base}")
        if not os.path.exists(files.base / name):
            missing.append(f"{where}: {files.base / name}")
        paths.append(name)
        labels.append(int(label))
    if not paths:
        raise DataError(f"{files.path}: lists no pictures")
    if missing:
        raise DataError(f"{missing[0]}: no such file; {len(missing)} of {len(paths)} pictures are missing")
    return paths, labels


def _of_folder(files: ImageFiles) -> tuple[list[str], list[int]]:
    """Paths and labels of a folder with one subfolder a class, the classes taking turns."""
    try:
        entries = sorted(entry.name for entry in os.scandir(files.path) if entry.is_dir())
    except OSError as error:
        raise DataError(f"{files.path}: {error.strerror} (errno {error.errno})") from error
    there = [name for name in entries if not name.startswith(".")]
    names = list(files.class_names) or there
    _check_folders(files, there, names)
    found = [
        (place, label, f"{name}/{each}")
        for label, name in enumerate(names)
        if name in there
        for place, each in _of_class(files, name)
    ]
    if not found:
        raise DataError(f"{files.path}: no pictures in {', '.join(names[:5])} ({', '.join(sorted(SUFFIXES))})")
    # by place within its class: a `part` of them has as large a share of each class
    found.sort()
    return [path for _, _, path in found], [label for _, label, _ in found]


def _check_folders(files: ImageFiles, there: Sequence[str], names: Sequence[str]) -> None:
    if not there:
        raise DataError(f"{files.path}: no subfolders; each class has one, named after it")
    if unknown := [name for name in there if name not in names]:
        raise DataError(f"{files.path}: the subfolder {unknown[0]} is none of the class_names {', '.join(names)}")
    if files.classes is not None and len(names) != files.classes:
        raise DataError(f"{files.path}: {len(names)} subfolders, the spec says classes: {files.classes}")


def _of_class(files: ImageFiles, name: str) -> list[tuple[float, str]]:
    """The pictures of one subfolder, each with its place among them between 0 and 1."""
    names = sorted(each for each in os.listdir(files.path / name) if Path(each).suffix.lower() in SUFFIXES)
    return [((k + 0.5) / len(names), each) for k, each in enumerate(names)]
