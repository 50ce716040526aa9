"""One row of the table of codes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A stable diagnostic code: what ``netspec explain CODE`` prints.

    ``text`` says what the code means, shows an example that provokes it, and
    what to do about it.
    """

    code: str
    title: str
    text: str
