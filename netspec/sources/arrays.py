"""The base of the sources that read named arrays: npz, hdf5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netspec.sources.base import Shape, Source
from netspec.spec.fields import Problem, field


class Arrays(Source):
    """Arrays whose first axis counts the samples, one a top."""

    path_fields: ClassVar[tuple[str, ...]] = (*Source.path_fields, "file")

    file: str = field(doc="the file; often another one in train and in test")
    arrays: tuple[str, ...] = field((), doc="the arrays' names in the file; default: those of the tops")
    shape: tuple[int, ...] | None = field(None, minimum=1, doc="shape of a sample of the first top")
    classes: int | None = field(None, minimum=1, doc="number of classes; labels beyond it are an error")

    def usual_tops(self) -> None:
        return None

    def wanted(self) -> tuple[str, ...]:
        """Return the names of the arrays, one a top."""
        return self.arrays or self.tops_

    def headers(self) -> list[tuple[Shape, bool]]:
        """Return the shape of each top's array, and whether it holds integers, from the file.

        Raises
        ------
        DataError
            The file is missing or damaged, or lacks an array.
        """
        raise NotImplementedError(type(self).__name__)

    def item(self) -> Shape:
        return self.shape if self.shape is not None else self.headers()[0][0][1:]

    def known_item(self) -> Shape | None:
        return self.shape

    def class_count(self) -> int | None:
        return self.classes

    def checked_labels(self) -> tuple[str, ...]:
        # a file may hold labels that a loss ignores: the trainer, who knows which, checks them
        return ()

    def tops(self) -> dict[str, Shape]:
        if self.shape is not None:
            return super().tops()
        shapes = [shape[1:] for shape, _ in self.headers()]
        shapes[0] = self.transformed(shapes[0])
        return dict(zip(self.tops_, shapes, strict=True))

    def label_tops(self) -> frozenset[str]:
        if self.shape is not None:
            return super().label_tops()
        pairs = zip(self.tops_, self.headers(), strict=True)
        return frozenset(top for top, (shape, is_integer) in pairs if is_integer and len(shape) == 1)

    def problems(self) -> Iterator[Problem]:
        if self.arrays and len(self.arrays) != len(self.tops_):
            message = f"arrays has {len(self.arrays)} names for {len(self.tops_)} tops"
            yield Problem("E658", "arrays", message, "one name a top")
        yield from super().problems()
