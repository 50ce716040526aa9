"""A stream of batches: endless and restorable for training, whole sweeps for tests."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.data.batches import Batch, Batches, Position
from runtime.data.items import AnyArray
from runtime.data.prefetch import Prefetch
from runtime.errors import DataError, UsageError


class Stream:
    """Samples of a source in one phase.

    Attributes
    ----------
    batch_size : int
        Samples `next` gives unless told otherwise.
    position : Position
        Where the next batch begins; set it to go on from there, to the bit.
    """

    def __init__(self, batches: Batches, prefetch: bool) -> None:
        self._batches = batches
        self._threaded = prefetch
        self._position = Position()
        self._prefetch: Prefetch | None = None
        self.batch_size = batches.recipe.batch_size

    def __len__(self) -> int:
        """Return the number of samples of the source (of its ``part``)."""
        return self._batches.count

    @property
    def tops(self) -> tuple[str, ...]:
        """Names of the blobs a batch has."""
        return self._batches.recipe.tops

    @property
    def position(self) -> Position:
        """Where the next batch begins."""
        return self._position

    @position.setter
    def position(self, position: Position) -> None:
        if position.epoch < 0 or not 0 <= position.cursor < len(self):
            raise UsageError(
                f"{self._batches.recipe.name}: no position {position.cursor} in epoch {position.epoch}, "
                f"the source has {len(self)} samples"
            )
        self.close()
        self._position = position

    def next(self, size: int | None = None) -> Batch:
        """Return the next batch; over the end of an epoch it goes on with the next one.

        Parameters
        ----------
        size : int, optional
            Samples, default ``batch_size``.

        Returns
        -------
        dict of str to ndarray
            Pictures N C H W over N H W C memory, the net's dtype; labels int32, shape (N,).

        Raises
        ------
        DataError
            What reading ahead met.
        """
        size = self.batch_size if size is None else size
        if not self._threaded:
            batch, self._position = self._batches.make(self._position, size)
            return batch
        if self._prefetch is None or self._prefetch.size != size:
            self.close()
            self._prefetch = Prefetch(self._batches, self._position, size)
            weakref.finalize(self, self._prefetch.stop)
        batch, self._position = self._prefetch.take()
        return batch

    def sweep(self, size: int | None = None, batches: int | None = None) -> Iterator[Batch]:
        """Yield batches from the first sample on, without moving ``position``.

        Parameters
        ----------
        size : int, optional
            Samples a batch, default ``batch_size``.
        batches : int, optional
            How many; default: the whole source once, the last batch with what is left.
        """
        size = self.batch_size if size is None else size
        place = Position()
        if batches is None:
            for start in range(0, len(self), size):
                batch, place = self._batches.make(place, min(size, len(self) - start))
                yield batch
            return
        for _ in range(batches):
            batch, place = self._batches.make(place, size)
            yield batch

    def check_labels(
        self, top: str, classes: int, ignore: int | None = None, places: NDArray[np.int64] | None = None
    ) -> None:
        """Raise DataError at the first label that is not a whole number in ``[0, classes)``, nor ``ignore``.

        Only the samples of ``part`` are looked at, of each only the elements ``places`` (row by row) if given;
        the message names the sample by its number in the file.
        """
        items = self._batches.items
        index = self.tops.index(top)
        if index == 0:
            return
        first, last = self._batches.first, self._batches.first + len(self)
        labels = items.arrays[index][np.arange(first, last, dtype=np.int64)]
        rows: NDArray[Any] = labels.reshape(len(labels), -1)
        rows = rows if places is None else rows[:, places]
        wrong = (rows < 0) | (rows >= classes)
        if ignore is not None:
            wrong &= rows != ignore
        if rows.dtype.kind == "f":
            wrong |= rows != np.floor(rows)
        if wrong.any():
            sample, place = np.argwhere(wrong)[0]
            used = rows if ignore is None else rows[rows != ignore]
            from_one = used.min() == 1 and used.max() == classes
            raise DataError(
                f"{self._batches.recipe.name}: sample {items.number(first + int(sample))} has {top} "
                f"{rows[sample, place]}, expected 0 to {classes - 1}"
                + (f"; the labels are 1 to {classes}: labels start at 0, take 1 off" if from_one else "")
            )

    def first_values(self, samples: int = 64) -> AnyArray:
        """Return the first top of the first samples, transformed: for warnings about their range."""
        batch, _ = self._batches.make(Position(), min(samples, len(self)))
        return batch[self.tops[0]]

    def close(self) -> None:
        """Stop reading ahead; the stream goes on from ``position`` when asked again."""
        if self._prefetch is not None:
            self._prefetch.stop()
            self._prefetch = None
