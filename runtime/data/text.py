"""Characters or words of a text as class numbers, in batches that go on where the last ones ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from runtime.data import words
from runtime.data.batches import Batch, Position, Samples, part_of
from runtime.data.files import read_utf8
from runtime.data.recipe import Recipe, TextFile
from runtime.errors import DataError, UsageError


def read_text(path: Path) -> tuple[str, NDArray[np.int32]]:
    """Return the characters of a file in the order of their code points, and each place's number among them.

    Raises
    ------
    DataError
        The file is missing, empty, or not UTF-8.
    """
    text = read_utf8(path)
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    there, places = np.unique(points, return_inverse=True)
    return "".join(map(chr, there.tolist())), places.astype(np.int32)


def read_words(path: Path, most: int | None = None) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the words of a file, the commonest first, and each place's number among them.

    With ``most``, words beyond that many are ``<unk>``, the last.

    Raises
    ------
    DataError
        The file is missing, empty, or not UTF-8.
    """
    said = words.split(read_utf8(path))
    known = words.vocabulary(said, most)
    numbers = {word: k for k, word in enumerate(known)}
    last = len(known) - 1
    return known, np.fromiter((numbers.get(word, last) for word in said), np.int32, len(said))


class TextBatches:
    """Batches T x N of a text cut into N streams: column j of a batch goes on where that of the last one ended.

    With S = (characters - 1) // N, stream j is the characters j S to j S + S; an epoch has S // T batches. Up to T - 1
    characters at the end of each stream are left out. A sample is T characters of a stream.

    Tops: the characters; the characters one later; 0 at the first place of a stream, else 1. Words alike.
    """

    def __init__(self, recipe: Recipe, files: TextFile, dtype: DTypeLike) -> None:
        """Read the text.

        Raises
        ------
        DataError
            Missing, not UTF-8, or too short for one batch.
        """
        self.name, self.tops, self.batch_size = recipe.name, recipe.tops, recipe.batch_size
        self._path, self._dtype, self._steps = files.path, np.dtype(dtype), files.steps
        self._classes = recipe.classes
        self._unit = "words" if files.words else "characters"
        self.alphabet: Sequence[str]
        self.alphabet, numbers = read_words(files.path, files.most) if files.words else read_text(files.path)
        first, count = part_of(recipe, len(numbers))
        self._numbers = numbers[first : first + count]
        self._length = (count - 1) // self.batch_size
        self._windows = self._length // self._steps
        if self._windows < 1:
            needed = self.batch_size * self._steps + 1
            raise DataError(
                f"{files.path}: {count} {self._unit} are too few for one batch of {self.batch_size} x {self._steps} "
                f"steps: {needed} are needed; take a smaller batch_size, or fewer steps"
            )
        self.count = self._windows * self.batch_size
        if recipe.classes is not None:
            self.check_labels(self.tops[0], recipe.classes, None, None)

    def make(self, position: Position, size: int) -> tuple[Batch, Position]:
        """Return the batch at a position, and the position after it.

        Raises
        ------
        UsageError
            Another size than the streams were cut for, or a position within a batch.
        """
        if size != self.batch_size or position.cursor % size:
            raise UsageError(
                f"{self.name}: cut into {self.batch_size} streams, it has no batch of {size} from sample "
                f"{position.cursor} on; keep the batch size of the spec"
            )
        window = position.cursor // size
        starts = np.arange(size) * self._length + window * self._steps
        places = np.arange(self._steps)[:, np.newaxis] + starts
        cont = np.ones(places.shape, self._dtype)
        if window == 0:
            cont[0] = 0
        arrays = (self._numbers[places], self._numbers[places + 1], cont)
        ends = window + 1 == self._windows
        after = Position(position.epoch + 1, 0) if ends else Position(position.epoch, position.cursor + size)
        return dict(zip(self.tops, arrays[: len(self.tops)], strict=True)), after

    def check_labels(self, top: str, classes: int, ignore: int | None, places: Samples | None) -> None:
        """Raise DataError if the text has more characters (words) than there are classes."""
        if top in self.tops[:2] and len(self.alphabet) > classes:
            count, declared = len(self.alphabet), self._classes
            known = declared is not None and declared >= count
            remedy = f"a layer must take {count} (num_output, input_dim)" if known else f"say classes: {count}"
            raise DataError(f"{self._path}: {count} different {self._unit}, the net takes {classes} classes; {remedy}")
