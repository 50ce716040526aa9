"""Numbers and names as people read them, and tables of them.

Whatever comes from a user is escaped here: rich's markup would swallow a blob
named ``[conv1]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text


def count(n: float) -> str:
    """A count with thousands apart: 60,192,808."""
    return f"{n:,.0f}"


def scaled(n: float, unit: str = "") -> str:
    """A count in three digits with its power of 1,000: ``1.13 G``."""
    for power, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(n) >= power:
            return f"{n / power:.3g} {prefix}{unit}"
    return f"{n:.3g} {unit}".rstrip()


def size(n: float) -> str:
    """Bytes: ``38.5 MB`` (powers of 1,000)."""
    return scaled(n, "B")


def shape(dims: Iterable[int]) -> str:
    """A shape: ``64 x 20 x 24 x 24``; of a scalar, ``scalar``."""
    return " x ".join(map(str, dims)) or "scalar"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> Table:
    """A plain table; the columns numbered in ``right`` hold numbers."""
    numbers = set(right)
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for k, name in enumerate(columns):
        made.add_column(Text(name), justify="right" if k in numbers else "left", no_wrap=k in numbers)
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def text(*parts: Table | str, width: int | None = None) -> str:
    """Tables and lines one below the other, as plain text.

    Parameters
    ----------
    width
        Columns of the terminal; as wide as needed if None.
    """
    console = Console(width=width or 400, color_system=None, force_terminal=False, highlight=False, markup=False)
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"
