"""E3xx: wiring, bottoms and tops. Append only."""

from __future__ import annotations

from netspec.spec.codes.entry import Code

CODES: tuple[Code, ...] = ()
