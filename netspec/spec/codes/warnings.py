"""W1xx: what is allowed but probably not meant. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = ()
