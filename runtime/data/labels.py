"""Labels of a source: whole numbers in a range, or an error that names the sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.errors import DataError


def check_range(
    name: str,
    top: str,
    rows: NDArray[Any],
    classes: int,
    number: Callable[[int], int],
    ignore: int | None = None,
    place: Callable[[int], str] = lambda k: "",
) -> None:
    """Raise DataError at the first label that is not a whole number in ``[0, classes)``, nor ``ignore``.

    Parameters
    ----------
    name, top : str
        The source and its top, for the message.
    rows : ndarray
        Labels, a row a sample.
    number : callable
        The number by which a user finds the sample of a row.
    place : callable
        Where in its sample the label of a column is, for the message.
    """
    wrong = (rows < 0) | (rows >= classes)
    if ignore is not None:
        wrong &= rows != ignore
    if rows.dtype.kind == "f":
        wrong |= rows != np.floor(rows)
    if not wrong.any():
        return
    sample, column = np.argwhere(wrong)[0]
    used = rows if ignore is None else rows[rows != ignore]
    from_one = used.min() == 1 and used.max() == classes
    found = f"sample {number(int(sample))} has {top} {rows[sample, column]}"
    raise DataError(
        f"{name}: {found}, expected 0 to {classes - 1}{place(int(column))}"
        + (f"; the labels are 1 to {classes}: labels start at 0, take 1 off" if from_one else "")
    )


def place_in(shape: tuple[int, ...], k: int) -> str:
    """Return `` (at [3, 5])``, where element ``k`` of a sample of this shape is; nothing for a single label."""
    if not shape:
        return ""
    return f" (at [{', '.join(str(int(i)) for i in np.unravel_index(k, shape))}])"
