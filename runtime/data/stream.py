"""A stream of batches: endless and restorable for training, whole sweeps for tests."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from runtime.data.batches import Batch, Maker, Position
from runtime.data.items import AnyArray
from runtime.data.prefetch import Prefetch
from runtime.errors import UsageError


class Stream:
    """Samples of the source, or sources, of one phase.

    Attributes
    ----------
    batch_size : int
        Samples `next` gives unless told otherwise.
    position : Position
        Where the next batch begins; set it to go on from there, to the bit.
    """

    def __init__(self, batches: Maker, prefetch: bool) -> None:
        self._batches = batches
        self._threaded = prefetch
        self._position = Position()
        self._prefetch: Prefetch | None = None
        self._ahead: tuple[Batch, Position, int] | Exception | None = None
        self.batch_size = batches.batch_size

    def __len__(self) -> int:
        """Return the number of samples of the source (of its ``part``)."""
        return self._batches.count

    @property
    def tops(self) -> tuple[str, ...]:
        """Names of the blobs a batch has."""
        return self._batches.tops

    @property
    def position(self) -> Position:
        """Where the next batch begins."""
        return self._position

    @position.setter
    def position(self, position: Position) -> None:
        if position.epoch < 0 or not 0 <= position.cursor < len(self):
            raise UsageError(
                f"{self._batches.name}: no position {position.cursor} in epoch {position.epoch}, "
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
        ahead, self._ahead = self._ahead, None
        if isinstance(ahead, Exception):
            raise ahead
        if ahead is not None and ahead[2] == size:
            batch, self._position, _ = ahead
        else:
            batch, self._position = self._make(size)
        return batch

    def peek(self) -> Batch | None:
        """Return what `next` will give, without moving ``position``; None where it will raise."""
        if self._ahead is None:
            try:
                self._ahead = (*self._make(self.batch_size), self.batch_size)
            except Exception as error:  # whatever it is, the next batch may never be asked for
                self._ahead = error
        return None if isinstance(self._ahead, Exception) else self._ahead[0]

    def _make(self, size: int) -> tuple[Batch, Position]:
        """The batch at ``position``, and the position behind it."""
        if not self._threaded:
            return self._batches.make(self._position, size)
        if self._prefetch is None or self._prefetch.size != size:
            self.close()
            self._prefetch = Prefetch(self._batches, self._position, size)
            weakref.finalize(self, self._prefetch.stop)
        return self._prefetch.take()

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
        self._batches.check_labels(top, classes, ignore, places)

    def first_values(self) -> AnyArray:
        """Return the first top of the first batch, transformed: for warnings about their range."""
        batch, _ = self._batches.make(Position(), self.batch_size)
        return batch[self.tops[0]]

    def close(self) -> None:
        """Stop reading ahead; the stream goes on from ``position`` when asked again."""
        self._ahead = None
        if self._prefetch is not None:
            self._prefetch.stop()
            self._prefetch = None
