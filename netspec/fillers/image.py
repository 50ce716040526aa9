"""A picture, or an array of a file."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite, prod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from netspec.sources import paths
from netspec.spec.layer import Filler, Problem, field, filler
from runtime.data.npy import read_values
from runtime.data.pixels import load_pixels
from runtime.errors import DataError

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


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
        x = self._array(b, shape) if self._is_array() else self._picture(b, shape)
        if len(self.mean) > 1:
            x = x - b.literal([[[value]] for value in self.mean])
        elif self.mean:
            x = x - self.mean[0]
        return b.broadcast_to(x * self.scale if self.scale != 1 else x, shape)

    def _is_array(self) -> bool:
        return Path(self.file).suffix.lower() == ".npy"

    def _picture(self, b: Builder, shape: Shape) -> Value:
        """The picture at the sizes of a parameter, C x H x W."""
        channels, height, width = shape[-3:]
        pixels = memoryview(bytes(prod(shape[-3:]))).cast("B", (height, width, channels))
        if b.opens_files:
            pixels = load_pixels(paths.find(self, "file", self.file), channels, (height, width))
        return b.transpose(b.to_float(b.literal(pixels)), (2, 0, 1))

    def _array(self, b: Builder, shape: Shape) -> Value:
        """The array of the file."""
        if not b.opens_files:
            return b.reshape(b.literal([0.0] * prod(shape)), shape)
        path = paths.find(self, "file", self.file)
        header, values = read_values(path)
        if header.shape not in (shape, shape[1:]):
            raise DataError(f"{path}: an array of {list(header.shape)}, the parameter is {list(shape)}")
        if not all(map(isfinite, values)):
            raise DataError(f"{path}: holds values that are not finite")
        x = b.literal([float(value) for value in values])
        if not header.fortran_order:
            return b.reshape(x, header.shape)
        return b.transpose(b.reshape(x, header.shape[::-1]), tuple(reversed(range(len(header.shape)))))
