"""A drawing of a net in one of its forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from netspec.drawing.dot import to_dot
from netspec.drawing.folding import collapse, fold
from netspec.drawing.mermaid import to_mermaid
from netspec.drawing.picture import Picture
from netspec.drawing.reading import picture_of
from netspec.drawing.svg import to_svg
from netspec.graph import Net
from netspec.spec.diagnostics import did_you_mean
from runtime.errors import StateError, UsageError

FORMS: dict[str, Callable[[Picture], str]] = {"svg": to_svg, "dot": to_dot, "mmd": to_mermaid}
"""By the suffix of the file."""


def draw(net: Net, depth: int | None = None, unfold: bool = False) -> Picture:
    """Return what a drawing of a net shows.

    Parameters
    ----------
    depth
        Blocks inside so many others are drawn as one vertex each; None: all are boxes.
    unfold
        Draw every turn of a repeated block; otherwise those that are alike are drawn once.
    """
    picture = picture_of(net)
    picture = picture if unfold else fold(picture)
    return picture if depth is None else collapse(picture, depth)


def form_of(path: Path) -> str:
    """Return the form that a file's suffix asks for.

    Raises
    ------
    UsageError
        None does.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMS:
        hint = did_you_mean(suffix, FORMS) if suffix else None
        raise UsageError(f"{path}: a drawing is .svg, .dot or .mmd" + (f"; {hint}" if hint else ""))
    return suffix


def write(path: Path, text: str) -> None:
    """Write a drawing.

    Raises
    ------
    StateError
        It cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StateError(f"{path}: not written: {error.strerror} (errno {error.errno})") from error
