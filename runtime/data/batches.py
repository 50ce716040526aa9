"""Batches by position: which samples, in which order, transformed, as a net takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from runtime.data.counter import permutation
from runtime.data.items import AnyArray, Items
from runtime.data.labels import check_range, place_in
from runtime.data.recipe import Recipe
from runtime.data.transform import Transformer
from runtime.errors import DataError

Batch = dict[str, AnyArray]
Samples = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream stands: samples ``cursor`` and on of the order of ``epoch`` come next."""

    epoch: int = 0
    cursor: int = 0


class Maker(Protocol):
    """Makes the batch at a position; holds the samples, knows nothing of threads.

    The same position gives the same bits, whenever and in whichever thread it is asked for.
    """

    @property
    def name(self) -> str:
        """The source as a user calls it."""

    @property
    def tops(self) -> tuple[str, ...]:
        """Names of the blobs of a batch."""

    @property
    def batch_size(self) -> int:
        """Samples a batch unless told otherwise."""

    @property
    def count(self) -> int:
        """Samples of an epoch."""

    def make(self, position: Position, size: int) -> tuple[Batch, Position]:
        """Return the batch of ``size`` samples from a position on, and the position after it."""

    def check_labels(self, top: str, classes: int, ignore: int | None, places: Samples | None) -> None:
        """Raise DataError at the first label out of range."""


class Ordered:
    """The samples of one source in the order they come; a subclass makes them."""

    def __init__(self, recipe: Recipe, part: tuple[int, int], seed: int) -> None:
        """Take the first sample of a part, and how many there are."""
        self.recipe, self._seed = recipe, seed
        self.name, self.tops, self.batch_size = recipe.name, recipe.tops, recipe.batch_size
        self.first, self.count = part
        self._order: tuple[int, Samples] = (-1, np.empty(0, np.int64))

    def make(self, position: Position, size: int) -> tuple[Batch, Position]:
        """Return the batch of ``size`` samples from a position on, and the position after it.

        Over the end of an epoch it goes on with the first of the next.
        """
        pieces, epochs = [], []
        epoch, cursor, missing = position.epoch, position.cursor, size
        while missing:
            taken = self.order(epoch)[cursor : cursor + missing]
            pieces.append(taken)
            epochs.append(np.full(len(taken), epoch, np.int64))
            missing -= len(taken)
            cursor += len(taken)
            if cursor == self.count:
                epoch, cursor = epoch + 1, 0
        return self._gather(np.concatenate(pieces), np.concatenate(epochs)), Position(epoch, cursor)

    def order(self, epoch: int) -> Samples:
        """Return the positions in the file of an epoch's samples, in the order they come."""
        if not self.recipe.shuffle:
            epoch = 0
        known, order = self._order
        if known != epoch:
            if self.recipe.shuffle:
                order = permutation(self._seed, epoch, self.count) + self.first
            else:
                order = np.arange(self.first, self.first + self.count, dtype=np.int64)
            self._order = (epoch, order)
        return order

    def _gather(self, samples: Samples, epochs: Samples) -> Batch:
        """Return the batch of these samples, drawn upon in these epochs."""
        raise NotImplementedError


class Batches(Ordered):
    """The batches of one source whose samples are `Items`."""

    def __init__(self, recipe: Recipe, items: Items, seed: int, dtype: DTypeLike) -> None:
        super().__init__(recipe, part_of(recipe, items.count), seed)
        self.items = items
        self._dtype = np.dtype(dtype)
        self._transformer = self._made_ready(seed)

    def _made_ready(self, seed: int) -> Transformer:
        shape = self.items.arrays[0].shape[1:]
        return Transformer(self.recipe.transform, shape, self.items.pictures, seed, self._dtype)

    def check_labels(self, top: str, classes: int, ignore: int | None, places: Samples | None) -> None:
        """Raise DataError at the first label out of range, named by its number in the file."""
        index = self.tops.index(top)
        if index == 0 and (self.items.pictures or self.recipe.transform.changes):
            return  # numbers of its own making
        labels = self.items.arrays[index][np.arange(self.first, self.first + self.count, dtype=np.int64)]
        rows: NDArray[Any] = labels.reshape(len(labels), -1)
        rows = rows if places is None else rows[:, places]
        check_range(
            self.name,
            top,
            rows,
            classes,
            lambda row: self.items.number(self.first + row),
            ignore,
            lambda column: place_in(labels.shape[1:], column if places is None else int(places[column])),
        )

    def _gather(self, samples: Samples, epochs: Samples) -> Batch:
        batch: Batch = {}
        for index, (top, rows) in enumerate(zip(self.tops, self.items.arrays, strict=True)):
            if index == 0:
                batch[top] = self._pictures(self._transformer, samples, epochs)
            elif self.items.is_label(index):
                batch[top] = rows[samples].astype(np.int32)
            else:
                batch[top] = rows[samples].astype(self._dtype)
        return batch

    def _pictures(self, transformer: Transformer, samples: Samples, epochs: Samples) -> AnyArray:
        """The first array's samples, transformed."""
        values = transformer(self.items.arrays[0][samples], epochs, samples)
        # N H W C in memory, N C H W to whoever looks: the net's own layout, copied in one go.
        return np.moveaxis(values, 3, 1) if self.items.pictures else values


def part_of(recipe: Recipe, count: int) -> tuple[int, int]:
    """Return the first sample of a recipe's part, and how many there are.

    Raises
    ------
    DataError
        None is left.
    """
    first = round(recipe.part[0] * count)
    left = round(recipe.part[1] * count) - first
    if left < 1:
        raise DataError(f"{recipe.name}: part {list(recipe.part)} of {count} samples is empty")
    return first, left
