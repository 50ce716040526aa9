"""A picture, or an array of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netspec.sources import paths
from netspec.spec.layer import Filler, Problem, field, filler
from runtime.data.images import load_picture
from runtime.data.npz import load_npy
from runtime.errors import DataError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape
    from runtime.data.items import AnyArray


@filler(name="image")
class Image(Filler):
    """``w = (x - mean) scale``, x a picture scaled to H x W of a parameter .. x C x H x W, or the array of an ``.npy``.

    Channels are red, green, blue, values 0 to 255; one channel is grey. Every item of the
    parameter gets the same picture. An array has the parameter's sizes, or those of one item.
    Pictures need the extra ``images`` (Pillow).

    Source
        netspec's own.
    """

    path_fields: ClassVar[tuple[str, ...]] = ("file",)

    file: str = field(doc="a picture, or an array in NumPy's .npy; beside the spec or below the data root")
    scale: float = field(1.0, doc="factor on each value, after the mean is taken off")
    mean: tuple[float, ...] = field((), doc="taken off each value: one number, or one a channel")

    def problems(self) -> Iterator[Problem]:
        yield from paths.problems(self, self.path_fields)

    def problem(self, shape: Shape) -> str | None:
        """A picture has channels, rows and columns."""
        sizes = " x ".join(map(str, shape)) or "one number"
        if not self._is_array() and (len(shape) < 3 or shape[-3] not in (1, 3)):
            return f"a picture fills .. x 3 x H x W, or 1 in place of 3; this parameter is {sizes}"
        if len(self.mean) > 1 and (len(shape) < 3 or len(self.mean) != shape[-3]):
            return f"mean has {len(self.mean)} values, one a channel, this parameter is {sizes}"
        return None

    def lower(self, b: Builder, shape: Shape, stream: int) -> Value:
        path = paths.resolve(self, "file", self.file)
        found = _array(path, shape) if self._is_array() else _picture(path, shape)
        mean = np.array(self.mean or (0.0,)).reshape(-1, 1, 1) if len(self.mean) > 1 else sum(self.mean)
        return b.literal((found - mean) * self.scale)

    def _is_array(self) -> bool:
        return Path(self.file).suffix.lower() == ".npy"


def _picture(path: Path, shape: Shape) -> AnyArray:
    """The picture at the sizes of a parameter, float64."""
    pixels = np.moveaxis(load_picture(path, shape[-3], (shape[-2], shape[-1])), 2, 0)
    return np.broadcast_to(pixels.astype(np.float64), shape)


def _array(path: Path, shape: Shape) -> AnyArray:
    """The array of a file at the sizes of a parameter, float64."""
    found = load_npy(path)
    if found.shape not in (shape, shape[1:]):
        raise DataError(f"{path}: an array of {list(found.shape)}, the parameter is {list(shape)}")
    if not np.isfinite(found).all():
        raise DataError(f"{path}: holds values that are not finite")
    return np.broadcast_to(found.astype(np.float64), shape)
