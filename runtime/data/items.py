"""What a reader gives: one array a top, first axis the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from runtime.errors import DataError

AnyArray = NDArray[np.generic]


class Rows(Protocol):
    """Samples by number: an array, or something that makes them when asked."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples first."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of a value."""

    def __getitem__(self, samples: NDArray[np.int64], /) -> AnyArray:
        """Return the samples of these numbers."""


@dataclass(frozen=True, kw_only=True)
class Items:
    """Samples in file order.

    Attributes
    ----------
    arrays : tuple of Rows
        One a top. Pictures are N H W C (the axis of the channels last), everything else as in the file.
    pictures : bool
        Whether the first array is N H W C.
    numbers : ndarray of int64 or None
        The number of each sample in its file, where it is not its position (digits' halves).
    """

    arrays: tuple[Rows, ...]
    pictures: bool
    numbers: NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """Number of samples."""
        return self.arrays[0].shape[0]

    def number(self, position: int) -> int:
        """Return the number by which a user finds a sample in the file."""
        return position if self.numbers is None else int(self.numbers[position])

    def item_shape(self, top: int) -> tuple[int, ...]:
        """Return the shape of a sample as the net sees it: C x H x W for pictures."""
        shape = self.arrays[top].shape[1:]
        if top == 0 and self.pictures:
            return (shape[2], shape[0], shape[1])
        return shape

    def is_label(self, top: int) -> bool:
        """Whether a top after the first holds class numbers."""
        return top > 0 and self.arrays[top].dtype.kind in "iub"


def channels_last(pictures: AnyArray) -> AnyArray:
    """Return N C H W pictures as N H W C, contiguous, so that a batch is a gather of whole rows."""
    count, channels, height, width = pictures.shape
    out = np.empty((count, height, width, channels), pictures.dtype)
    for channel in range(channels):  # three times as fast as one copy with an inner loop of C values
        out[..., channel] = pictures[:, channel]
    return out


def same_count(arrays: tuple[Rows, ...], names: tuple[str, ...], where: str) -> None:
    """Raise DataError unless all arrays have the same number of samples, at least one."""
    counts = [array.shape[0] for array in arrays]
    if len(set(counts)) > 1:
        text = ", ".join(f"{name} has {count}" for name, count in zip(names, counts, strict=True))
        raise DataError(f"{where}: different numbers of samples: {text}")
    if counts[0] == 0:
        raise DataError(f"{where}: no samples")
