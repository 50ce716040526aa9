"""The table of diagnostic codes; append to the file whose kind fits, a code never changes its meaning.

E1xx reading, E2xx language (variables, blocks, expressions, overrides), E3xx
wiring, E4xx shapes and sizes, E5xx fields and values, E6xx solver and data,
W1xx warnings.
"""

from __future__ import annotations

from netspec.spec.codes import data, fields, files, language, reading, shapes, solver, warnings, wiring
from netspec.spec.codes.entry import Code

_TABLES = (
    reading.CODES,
    language.CODES,
    files.CODES,
    wiring.CODES,
    shapes.CODES,
    fields.CODES,
    solver.CODES,
    data.CODES,
    warnings.CODES,
)
CODES: dict[str, Code] = {entry.code: entry for table in _TABLES for entry in table}
assert len(CODES) == sum(map(len, _TABLES)), "a diagnostic code is defined twice"

__all__ = ["CODES", "Code"]
