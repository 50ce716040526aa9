"""Tables of numbers in text, comma-separated: every cell that is no number is named by its place.

Source: RFC 4180.
"""

from __future__ import annotations

import csv
import difflib
import math
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from runtime.data.files import open_regular
from runtime.data.items import AnyArray, Items
from runtime.data.recipe import CsvFile
from runtime.errors import DataError

LONGEST_LINE = 1 << 20
"""Bytes of a line: a longer one is no table but a mistake, and csv would read it whole."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-"))
_WHOLE_LIMIT = 2.0**31
_SHOWN = 40


def read_table(files: CsvFile) -> Items:
    """Read the columns that the tops take.

    Raises
    ------
    DataError
        With file, line and column: no header, a column that is not there, a row of another length, a
        value missing, or a cell that is no finite number.
    """
    with open_regular(files.path) as stream:
        return _Reading(files, stream).run()


class _Lines:
    """The lines of a file for csv, the last record's kept to find a cell again."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path
        self.kept: list[str] = []
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        while read := self._stream.readline(LONGEST_LINE + 1):
            self.number += 1
            if len(read) > LONGEST_LINE:
                raise DataError(f"{self._path}:{self.number}: a line of more than {LONGEST_LINE} bytes")
            try:
                line = read.decode("utf-8-sig" if self.number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(f"{self._path}:{self.number}: not UTF-8: {error.reason}") from error
            self.kept.append(line)
            yield line


class _Reading:
    """One file being read."""

    def __init__(self, files: CsvFile, stream: IO[bytes]) -> None:
        self._files, self._path = files, files.path
        self._lines = _Lines(stream, files.path)
        self._rows = csv.reader(iter(self._lines), delimiter=files.delimiter, strict=True)
        self._plain = re.compile(rf"[0-9eE+\-. \r\n{re.escape(files.delimiter)}]*")
        self._names = {name: float(k) for k, name in enumerate(files.class_names)}

    def run(self) -> Items:
        header = self._record()
        if header is None:
            raise DataError(f"{self._path}: no header: the first line names the columns")
        header = [name.strip() for name in header]
        wanted = [self._index(header, name) for columns in self._files.columns for name in columns]
        values = array("d")
        while (record := self._record()) is not None:
            if len(record) != len(header):
                message = f"{len(record)} cells, the header has {len(header)} columns"
                raise DataError(f"{self._path}:{self._first}: {message}")
            row = self._plain_row([record[k] for k in wanted])
            values.extend(row or [self._number(record[k], k, header[k]) for k in wanted])
        if not values:
            raise DataError(f"{self._path}: no rows below the header")
        return self._items(np.array(values).reshape(-1, len(wanted)))

    def _plain_row(self, cells: list[str]) -> list[float] | None:
        """The numbers of a row without quotes, words or gaps, which most are; None for any other."""
        if len(self._lines.kept) != 1 or not self._plain.fullmatch(self._lines.kept[0]):
            return None
        try:
            row = list(map(float, cells))
        except ValueError:
            return None
        return row if math.isfinite(sum(row)) else None

    def _record(self) -> list[str] | None:
        """The next record that is not an empty line."""
        while True:
            self._lines.kept.clear()
            self._first = self._lines.number + 1
            try:
                record = next(self._rows, None)
            except csv.Error as error:
                raise DataError(f"{self._path}:{self._first}: {error}") from error
            if record != []:
                return record

    def _index(self, header: list[str], name: str) -> int:
        found = [k for k, other in enumerate(header) if other == name]
        if len(found) == 1:
            return found[0]
        there = ", ".join(other[:_SHOWN] or '""' for other in header[:12]) + (", .." if len(header) > 12 else "")
        how = "two columns are" if found else "no column is"
        near = [] if found else difflib.get_close_matches(name, header, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"{self._path}:{self._first}: {how} called {name!r}; the header names {there}{hint}")

    def _number(self, cell: str, k: int, name: str) -> float:
        text = cell.strip()
        if _NUMBER.fullmatch(text):
            value = float(text)
            if math.isfinite(value):
                return value
        if text in self._names:
            return self._names[text]
        shown = repr(cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "..")
        if text.lower() in _MISSING:
            message = "the value is missing" + (f" ({shown})" if text else "")
            raise DataError(f"{self._place(k)}: column {name}: {message}; fill it in or take the row out")
        known = f", nor one of the class_names {', '.join(self._names)}" if self._names else ""
        is_word = len(text) <= _SHOWN and text.isidentifier() and text.lower() not in ("inf", "infinity")
        hint = f"; if it names a class: class_names: [{text}, ..]" if is_word and not self._names else ""
        raise DataError(f"{self._place(k)}: column {name}: {shown} is no finite number{known}{hint}")

    def _place(self, k: int) -> str:
        """File, line and column of cell ``k`` of the record read last, both from 1."""
        text, quoted, at = "".join(self._lines.kept), False, 0
        while k:
            quoted ^= text[at] == '"'
            k -= text[at] == self._files.delimiter and not quoted
            at += 1
        before = text[:at]
        line = before.count("\n")
        return f"{self._path}:{self._first + line}:{at - (before.rfind(chr(10)) + 1) + 1}"

    def _items(self, table: NDArray[np.float64]) -> Items:
        arrays, start = [], 0
        for names, single in zip(self._files.columns, self._files.single, strict=True):
            mine = np.ascontiguousarray(table[:, start : start + len(names)])
            start += len(names)
            arrays.append(_whole(mine[:, 0]) if single else mine)
        return Items(arrays=tuple(arrays), pictures=False)


def _whole(column: AnyArray) -> AnyArray:
    """A column of whole numbers as integers: they may be classes."""
    same = bool(np.all((column == np.floor(column)) & (np.abs(column) < _WHOLE_LIMIT)))
    return column.astype(np.int64) if same else column
