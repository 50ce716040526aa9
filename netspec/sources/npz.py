"""Arrays of a NumPy archive."""

from __future__ import annotations

from netspec.sources import paths
from netspec.sources.arrays import Arrays
from netspec.sources.base import Shape
from netspec.spec.registry import source
from runtime.data.npy import npz_headers
from runtime.data.recipe import Files, NpzFile
from runtime.errors import DataError


@source(name="npz")
class Npz(Arrays):
    """Arrays of an ``.npz`` archive, the first axis counts the samples.

    Tops
        One an array; integers in one axis are labels. With ``shape`` (of a sample of the first
        top) the others are labels and the file is not opened before it is read.

    Notes
    -----
        No pickles. Arrays are C-ordered, N C H W, of any real type.
    """

    def files(self, test: bool) -> Files:
        path = paths.find(self, "file", self.file)
        return NpzFile(path=path, arrays=self.wanted(), item=self.shape)

    def headers(self) -> list[tuple[Shape, bool]]:
        path = paths.find(self, "file", self.file)
        headers = npz_headers(path)
        for name in self.wanted():
            if name not in headers:
                there = ", ".join(sorted(headers)) or "nothing"
                raise DataError(f"{path}: no array {name!r}, it holds {there}; name them with arrays: [..]")
            if not headers[name].shape:
                raise DataError(f"{path}: array {name!r} has no axes, the first one counts the samples")
        return [(headers[name].shape, headers[name].is_integer) for name in self.wanted()]
