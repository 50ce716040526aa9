"""The list of the zoo as a table."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.reports import tables
from netspec.zoo import Entry

COLUMNS = ("net", "task", "input", "parameters", "flops", "")


def to_text(found: Sequence[Entry], width: int | None = None) -> str:
    """The table that ``netspec zoo`` prints."""
    rows = [
        (
            row.name,
            row.task,
            "" if row.input is None else tables.shape(row.input),
            tables.count(row.params),
            tables.scaled(row.flops_forward),
            row.title,
        )
        for row in found
    ]
    return tables.text(tables.table(COLUMNS, rows, right=(3, 4), wrap=(5,), drop=(5,)), width=width)
