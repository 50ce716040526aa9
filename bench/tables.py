"""Markdown tables and the formats of their cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Lines of a table whose first ``left`` columns are text, the others numbers."""
    head = f"| {' | '.join(columns)} |"
    rule = f"|{' --- |' * left}{' ---: |' * (len(columns) - left)}"
    return [head, rule, *(f"| {' | '.join(row)} |" for row in rows), ""]


def ms(times: Sequence[float] | None) -> str:
    """Shortest of some times in ms, and their median in brackets."""
    if not times:
        return "-"
    ordered = sorted(times)
    half = len(ordered) // 2
    middle = (ordered[half] + ordered[~half]) / 2
    return f"{number(ordered[0])} ({number(middle)})"


def number(x: float | None, digits: int = 3) -> str:
    """Three significant digits, never an exponent; ``-`` for nothing."""
    if x is None:
        return "-"
    return f"{x:.{digits}g}" if abs(x) < 10 ** (digits - 1) and abs(x) >= 1e-3 else f"{x:.0f}"


def times(x: float | None) -> str:
    """A ratio."""
    return "-" if x is None else f"{x:.2f}"


def megabytes(x: float | None) -> str:
    """Bytes as MB (10^6)."""
    return "-" if x is None else f"{x / 1e6:.0f}"


def percent(x: float | None) -> str:
    """A share of one."""
    return "-" if x is None else f"{100 * x:.0f} %"
