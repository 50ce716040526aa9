"""A user's files as samples of a net: found, read, and prepared as the spec's test data are."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.graph import Input, Shape
from netspec.reports import tables
from netspec.sources.base import Source
from runtime.data.images import SUFFIXES
from runtime.data.npz import load_npy
from runtime.data.pixels import load_pixels
from runtime.data.recipe import Transform
from runtime.data.transform import Transformer
from runtime.errors import DataError, UsageError

Array = NDArray[Any]
ARRAY = ".npy"


@dataclass(frozen=True)
class Item:
    """One sample: what a report calls it, and its raw values (pictures H x W x C)."""

    name: str
    values: Array


def found_files(inputs: Sequence[str]) -> list[Path]:
    """Return the files that arguments stand for: themselves, those in a folder, those that a pattern fits.

    Raises
    ------
    UsageError
        There is nothing of that name, or nothing in a folder that can be read.
    """
    files: list[Path] = []
    for text in inputs:
        path = Path(text)
        if os.path.isdir(path):
            names = sorted(n for n in os.listdir(path) if not n.startswith(".") and _is_readable(Path(n)))
            if not names:
                raise UsageError(f"{path}: no {ARRAY} and no pictures in this folder ({', '.join(sorted(SUFFIXES))})")
            files += [path / name for name in names]
        elif os.path.exists(path):
            files.append(path)
        else:
            fitting = sorted(glob.glob(text)) if glob.has_magic(text) else []
            if not fitting:
                what = "fits no file" if glob.has_magic(text) else "no such file"
                raise UsageError(f"{text}: {what}")
            files += [Path(name) for name in fitting]
    return files


def _is_readable(path: Path) -> bool:
    return path.suffix.lower() in (ARRAY, *SUFFIXES)


class Preparer:
    """Makes samples of one input of a net out of files.

    ``source`` is the one of the test data, None where the net has none; ``as_is``: arrays are what the net sees.
    """

    def __init__(self, name: str, entry: Input, source: Source | None, as_is: bool, fit: bool) -> None:
        self._name, self._entry, self._source, self._as_is, self._fit = name, entry, source, as_is, fit
        self._seen: Shape = _without(entry)
        self._item = self._seen if source is None else self._raw(source)
        self._is_picture = len(self._item) == 3 and entry.kind == "float"

    def _raw(self, source: Source) -> Shape:
        """The shape of a sample before pad and crop, C x H x W for pictures; 0 where it may differ."""
        item = self._seen
        if len(item) != 3 or not (source.crop_size or source.pad):
            return item
        if not source.crop_size:
            return (item[0], item[1] - 2 * source.pad, item[2] - 2 * source.pad)
        known = source.known_item()
        return (item[0], 0, 0) if known is None or len(known) != 3 else known

    def items(self, path: Path) -> Iterator[Item]:
        """Yield the samples of a file.

        Raises
        ------
        DataError
            It is damaged, or of the wrong shape.
        UsageError
            Pictures need Pillow.
        """
        if path.suffix.lower() == ARRAY:
            yield from self._of_array(path)
        else:
            yield Item(str(path), self._of_picture(path))

    def _of_array(self, path: Path) -> Iterator[Item]:
        array = load_npy(path)
        wanted = self._seen if self._as_is else self._item
        if array.dtype.kind not in "biuf":
            raise DataError(f"{path}: holds {array.dtype} values, expected numbers")
        if self._entry.kind == "label" and not np.array_equal(array, np.floor(array)):
            raise DataError(f"{path}: `{self._name}` takes whole numbers")
        if len(wanted) == 3 and wanted[0] == 1 and array.ndim in (2, 3) and not _fits(array.shape, wanted):
            if _fits(array.shape[-2:], wanted[1:]):
                array = np.expand_dims(array, -3)  # grey pictures without an axis for their channel
        if _fits(array.shape, wanted):
            batch, names = array[np.newaxis], [str(path)]
        elif array.ndim == len(wanted) + 1 and _fits(array.shape[1:], wanted):
            batch, names = array, [f"{path}[{k}]" for k in range(len(array))]
        else:
            raise DataError(self._wrong_shape(path, array.shape, wanted))
        if not len(batch):
            raise DataError(f"{path}: holds no samples")
        if not np.isfinite(batch).all():
            raise DataError(f"{path}: holds values that are not finite")
        for name, values in zip(names, batch, strict=True):
            yield Item(name, np.moveaxis(values, 0, 2) if self._is_picture else values)

    def _wrong_shape(self, path: Path, got: Shape, wanted: Shape) -> str:
        shown = " x ".join(str(n) if n else "any" for n in wanted) or "a single number"
        hint = ""
        last = (*got[-2:], got[-3])[-3:] if len(got) >= 3 else ()
        if len(wanted) == 3 and len(got) >= 3 and _fits((got[-1], *got[-3:-1]), wanted):
            hint = "; channels come first: np.moveaxis(x, -1, -3)"
        elif last and not self._as_is and _fits(got[-3:], self._seen):
            hint = "; --as-is takes arrays as the net sees them, without the preparation of the test data"
        return f"{path}: the array is {tables.shape(got)}, expected {shown} for one sample, or N x {shown}{hint}"

    def _of_picture(self, path: Path) -> Array:
        channels = self._item[0] if self._is_picture else 0
        if channels not in (1, 3):
            what = f"{channels} channels" if self._is_picture else f"samples of {tables.shape(self._item)}"
            raise DataError(f"{path}: `{self._name}` takes {what}, a picture has 1 or 3 channels; give a {ARRAY} file")
        resize = () if self._source is None else self._source.resizing()
        if self._fit and not resize:
            resize = self._item[1:] if self._item[1] else (self._least(),)
        pixels = np.asarray(load_pixels(path, channels, resize))
        height, width = pixels.shape[:2]
        if self._item[1] and (height, width) != self._item[1:]:
            wanted = tables.shape(self._item[1:])
            raise DataError(
                f"{path}: {height} x {width} pixels, the net takes {wanted}; --resize scales pictures to it"
            )
        if min(height, width) < self._least():
            raise DataError(
                f"{path}: {height} x {width} pixels, the crop needs {self._least()}; --resize scales smaller ones up"
            )
        black, white = (0.0, 255.0) if self._source is None else self._source.levels
        if (black, white) == (0.0, 255.0):
            return pixels
        return (black + pixels.astype(np.float32) * np.float32((white - black) / 255)).astype(np.float32)

    def _least(self) -> int:
        """Pixels that the shorter side must have."""
        if self._source is None or not self._source.crop_size:
            return 1
        return max(1, self._source.crop_size - 2 * self._source.pad)

    def batch(self, items: Sequence[Item]) -> Array:
        """Return samples as the net takes them, along its batch axis."""
        if self._as_is or self._source is None or self._entry.kind == "label":
            rows = [np.moveaxis(item.values, 2, 0) if self._is_picture else item.values for item in items]
            made = np.stack(rows).astype(np.int32 if self._entry.kind == "label" else np.float32)
        else:
            made = self._transformed(items, self._source.transform("test"))
        return np.moveaxis(made, 0, self._entry.axis or 0)

    def _transformed(self, items: Sequence[Item], transform: Transform) -> Array:
        """Samples after pad, crop, mean and scale, N first, C x H x W for pictures."""
        raw = _stacked([item.values for item in items])
        item = self._item
        shape = (*item[1:], item[0]) if self._is_picture else item
        places = np.zeros(len(items), np.int64)
        made = Transformer(transform, shape, self._is_picture, 0, np.float32)(raw, places, places)
        return np.moveaxis(made, 3, 1) if self._is_picture else made

    def picture(self, item: Item) -> Array | None:
        """Return what the net sees of a sample as a picture, H x W x C in bytes; None if it is none."""
        if not self._is_picture or self._item[0] not in (1, 3):
            return None
        values: Array = item.values
        if self._source is not None and not self._as_is:
            bare = replace(self._source.transform("test"), mean=(), mean_file=None, scale=1.0)
            values = np.moveaxis(self._transformed([item], bare)[0], 0, 2)
        black, white = (0.0, 255.0) if self._source is None else self._source.levels
        if self._as_is:
            black, white = float(values.min()), max(float(values.max()), float(values.min()) + 1e-6)
        return np.clip((values - black) * (255 / (white - black)) + 0.5, 0, 255).astype(np.uint8)


def _without(entry: Input) -> Shape:
    """The shape of one sample of an input."""
    return entry.shape if entry.axis is None else entry.shape[: entry.axis] + entry.shape[entry.axis + 1 :]


def _fits(got: Shape, wanted: Shape) -> bool:
    return len(got) == len(wanted) and all(n in (0, m) for m, n in zip(got, wanted, strict=True))


def _stacked(values: Sequence[Array]) -> Array:
    """Samples as one array, or as one of arrays where their sizes differ."""
    if len({each.shape for each in values}) == 1:
        return np.stack(values)
    out = np.empty(len(values), object)
    out[:] = values
    return out
