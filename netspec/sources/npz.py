"""Arrays of a NumPy archive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netspec.sources import paths
from netspec.sources.base import Shape, Source
from netspec.spec.fields import Problem, field
from netspec.spec.registry import source
from runtime.data.npy import NpyHeader, npz_headers
from runtime.data.recipe import Files, NpzFile
from runtime.errors import DataError


@source(name="npz")
class Npz(Source):
    """Arrays of an ``.npz`` archive, the first axis counts the samples.

    Tops
        One an array; integers in one axis are labels. With ``shape`` (of a sample of the first
        top) the others are labels and the file is not opened before it is read.

    Notes
    -----
        No pickles. Arrays are C-ordered, N C H W, of any real type.
    """

    path_fields: ClassVar[tuple[str, ...]] = (*Source.path_fields, "file")

    file: str = field(doc="the archive; often another one in train and in test")
    arrays: tuple[str, ...] = field((), doc="the arrays' names in the archive; default: those of the tops")
    shape: tuple[int, ...] | None = field(None, minimum=1, doc="shape of a sample of the first top")
    classes: int | None = field(None, minimum=1, doc="number of classes; labels beyond it are an error")

    def item(self) -> Shape:
        return self.shape if self.shape is not None else self.headers()[0].shape[1:]

    def known_item(self) -> Shape | None:
        return self.shape

    def class_count(self) -> int | None:
        return self.classes

    def files(self, test: bool) -> Files:
        path = paths.resolve(self, "file", self.file)
        return NpzFile(path=path, arrays=self.arrays or self.tops_, item=self.shape)

    def tops(self) -> dict[str, Shape]:
        if self.shape is not None:
            return super().tops()
        shapes = [header.shape[1:] for header in self.headers()]
        shapes[0] = self.transformed(shapes[0])
        return dict(zip(self.tops_, shapes, strict=True))

    def label_tops(self) -> frozenset[str]:
        if self.shape is not None:
            return super().label_tops()
        pairs = zip(self.tops_, self.headers(), strict=True)
        return frozenset(top for top, header in pairs if header.is_integer and len(header.shape) == 1)

    def headers(self) -> list[NpyHeader]:
        """Return the header of each top's array.

        Raises
        ------
        DataError
            The archive is missing or damaged, or lacks an array.
        """
        path = paths.resolve(self, "file", self.file)
        headers = npz_headers(path)
        wanted = self.arrays or self.tops_
        for name in wanted:
            if name not in headers:
                there = ", ".join(sorted(headers)) or "nothing"
                raise DataError(f"{path}: no array {name!r}, it holds {there}; name them with arrays: [..]")
            if not headers[name].shape:
                raise DataError(f"{path}: array {name!r} has no axes, the first one counts the samples")
        return [headers[name] for name in wanted]

    def problems(self) -> Iterator[Problem]:
        if self.arrays and len(self.arrays) != len(self.tops_):
            message = f"arrays has {len(self.arrays)} names for {len(self.tops_)} tops"
            yield Problem("E658", "arrays", message, "one name a top")
        yield from super().problems()
