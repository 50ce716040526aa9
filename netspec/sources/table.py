"""Columns of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netspec.sources import paths
from netspec.sources.base import Shape, Source
from netspec.spec.fields import Problem, field
from netspec.spec.registry import source
from runtime.data.recipe import CsvFile, Files


@source(name="csv")
class Csv(Source):
    """Columns of a table in text, ``columns: {x: [area, age], y: price}``; the first line names them.

    Tops
        The keys of ``columns``: a list of columns is a row of numbers, one column a single
        number; one of whole numbers may be a class. Mean and scale act on the first top.
    Files
        UTF-8, quotes as in RFC 4180. A value that is missing or no finite number is an error with
        its line and column.
    """

    path_fields: ClassVar[tuple[str, ...]] = (*Source.path_fields, "file")
    unused: ClassVar[tuple[str, ...]] = ("tops_", "split")

    file: str = field(doc="the table")
    columns: dict[str, str | tuple[str, ...]] = field(doc="top to a column, or to a list of columns")
    delimiter: str = field(",", doc='what stands between cells: `","`, `";"` or a tab, `"\\t"`')
    class_names: tuple[str, ...] = field((), doc="texts of a column of classes, in the order of their numbers")
    classes: int | None = field(None, minimum=1, doc="number of classes; labels beyond it are an error")

    def top_names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def usual_tops(self) -> None:
        return None

    def item(self) -> Shape:
        return self._shape(next(iter(self.columns.values())))

    def tops(self) -> dict[str, Shape]:
        return {top: self._shape(columns) for top, columns in self.columns.items()}

    def label_tops(self) -> frozenset[str]:
        declared = self.class_count() is not None
        return frozenset(top for top, columns in self.columns.items() if declared and isinstance(columns, str))

    def class_count(self) -> int | None:
        return len(self.class_names) or self.classes

    def checked_labels(self) -> tuple[str, ...]:
        return ()

    def files(self, test: bool) -> Files:
        columns = self.columns.values()
        return CsvFile(
            path=paths.find(self, "file", self.file),
            columns=tuple((names,) if isinstance(names, str) else names for names in columns),
            single=tuple(isinstance(names, str) for names in columns),
            delimiter=self.delimiter,
            class_names=self.class_names,
        )

    def problems(self) -> Iterator[Problem]:
        if not self.columns or not all(self.columns.values()):
            message = "columns names no column" + (" for a top" if self.columns else "")
            yield Problem("E664", "columns", message, "columns: {x: [area, age], y: price}")
            return
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            yield Problem("E664", "delimiter", "delimiter is one character, no quote", 'delimiter: ";"')
        if self.class_names and self.classes not in (None, len(self.class_names)):
            message = f"classes is {self.classes}, class_names has {len(self.class_names)}"
            yield Problem("E664", "classes", message, "leave classes out")
        yield from super().problems()

    @staticmethod
    def _shape(columns: str | tuple[str, ...]) -> Shape:
        return () if isinstance(columns, str) else (len(columns),)
