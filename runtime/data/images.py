"""Pictures in files of their own, decoded when a batch wants them; through Pillow.

Values are 0 to 255, channels in the order red, green, blue (Caffe, with OpenCV, has
blue first); a picture is turned as its EXIF note says.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from runtime.data.files import open_regular
from runtime.data.items import AnyArray, Items
from runtime.data.listing import inside, leaves, lines_of
from runtime.data.recipe import ImageFiles
from runtime.errors import DataError, UsageError

SUFFIXES = frozenset(".bmp .gif .jpeg .jpg .pbm .pgm .png .ppm .tif .tiff .webp".split())
MOST_PIXELS = 1 << 27
"""A file of some kilobytes may claim to be larger than any memory."""


def read_images(files: ImageFiles) -> Items:
    """Find the pictures and their classes; none is decoded yet.

    Raises
    ------
    DataError
        The list or folder is missing, empty or wrong, or pictures that it names are not there.
    UsageError
        Pillow is not installed.
    """
    _pillow()
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
        picture = load_picture(path, files.channels, files.resize)
        height, width = picture.shape[:2]
        if files.size is not None and (height, width) != files.size:
            wanted = f"{files.size[0]} x {files.size[1]}"
            raise DataError(
                f"{path}: {height} x {width} pixels, the spec says {wanted}; new_height and new_width scale"
            )
        if min(height, width) < files.least:
            raise DataError(f"{path}: {height} x {width} pixels, the crop needs {files.least}; resize scales first")
        return picture


def load_picture(path: Path, channels: int, resize: tuple[int, ...] = ()) -> AnyArray:
    """Return a picture, H x W x channels, uint8, 0 to 255.

    Parameters
    ----------
    path : Path
        Any file that Pillow reads.
    channels : int
        3 (red, green, blue) or 1 (grey).
    resize : tuple of int
        Nothing; the shorter side in pixels; or height and width. Bilinear, over the whole window of a pixel.

    Raises
    ------
    DataError
        Missing, broken, or larger than 2^27 pixels.
    UsageError
        Pillow is not installed.
    """
    image_module, operations = _pillow(), _pillow_operations()
    with open_regular(path) as stream:
        try:
            with image_module.open(stream) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise DataError(f"{path}: claims {image.height} x {image.width} pixels, more than {MOST_PIXELS}")
                turned = operations.exif_transpose(image).convert("RGB" if channels == 3 else "L")
                size = _target(turned.height, turned.width, resize)
                if size != (turned.height, turned.width):
                    turned = turned.resize(size[::-1], image_module.Resampling.BILINEAR)
                values = np.asarray(turned, np.uint8)
        except image_module.DecompressionBombError as error:
            raise DataError(f"{path}: {error}") from error
        except (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, KeyError, RuntimeWarning) as error:
            # Pillow's decoders meet damaged bytes with any of these
            raise DataError(f"{path}: not a picture, or a broken one: {error}") from error
    return values.reshape(*values.shape[:2], channels)


def _target(height: int, width: int, resize: tuple[int, ...]) -> tuple[int, int]:
    if len(resize) == 2:
        return resize[0], resize[1]
    if not resize:
        return height, width
    side = resize[0]
    short = min(height, width)
    # the longer side rounded half up, in whole numbers: the same everywhere
    return tuple(side if n == short else (2 * n * side + short) // (2 * short) for n in (height, width))  # type: ignore[return-value]


def _pillow() -> ModuleType:
    """An extra: imported where pictures are opened, and nowhere else."""
    try:
        from PIL import Image
    except ImportError as error:
        raise UsageError("pictures need Pillow: pip install 'netspec[images]'") from error
    return Image


def _pillow_operations() -> ModuleType:
    from PIL import ImageOps

    return ImageOps


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
        (place, label, f"{name}/{each}") for label, name in enumerate(names) for place, each in _of_class(files, name)
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
    folder = files.path / name
    if not folder.is_dir():
        return []
    names = sorted(each for each in os.listdir(folder) if Path(each).suffix.lower() in SUFFIXES)
    return [((k + 0.5) / len(names), each) for k, each in enumerate(names)]
