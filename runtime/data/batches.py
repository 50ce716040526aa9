"""Batches by position: which samples, in which order, transformed, as a net takes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from runtime.data.counter import permutation
from runtime.data.items import AnyArray, Items
from runtime.data.recipe import Recipe
from runtime.data.transform import Transformer
from runtime.errors import DataError

Batch = dict[str, AnyArray]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream stands: samples ``cursor`` and on of the order of ``epoch`` come next."""

    epoch: int = 0
    cursor: int = 0


class Batches:
    """Makes the batch at a position; holds the samples, knows nothing of threads.

    The same position gives the same bits, whenever and in whichever thread it is asked for.
    """

    def __init__(self, recipe: Recipe, items: Items, seed: int, dtype: DTypeLike) -> None:
        self.recipe, self.items, self._seed = recipe, items, seed
        self._dtype = np.dtype(dtype)
        self.first = round(recipe.part[0] * items.count)
        self.count = round(recipe.part[1] * items.count) - self.first
        if self.count < 1:
            raise DataError(f"{recipe.name}: part {list(recipe.part)} of {items.count} samples is empty")
        self._transformer = Transformer(recipe.transform, items.arrays[0].shape[1:], items.pictures, seed, dtype)
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

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

    def order(self, epoch: int) -> NDArray[np.int64]:
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

    def _gather(self, samples: NDArray[np.int64], epochs: NDArray[np.int64]) -> Batch:
        batch: Batch = {}
        for index, (top, rows) in enumerate(zip(self.recipe.tops, self.items.arrays, strict=True)):
            values = rows[samples]
            if index == 0:
                values = self._transformer(values, epochs, samples)
                # N H W C in memory, N C H W to whoever looks: the net's own layout, copied in one go.
                batch[top] = np.moveaxis(values, 3, 1) if self.items.pictures else values
            elif self.items.is_label(index):
                batch[top] = values.astype(np.int32)
            else:
                batch[top] = values.astype(self._dtype)
        return batch
