"""Several sources that make one batch together."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.data.batches import Batch, Maker, Position, Samples
from runtime.errors import DataError


class JointBatches:
    """The blobs of several makers side by side, each going through its own samples.

    Each takes as many samples as the others, so that the position of the first one, which is that of
    all, says where every one stands; sources of one length are shuffled alike and stay in step.

    Parameters
    ----------
    parts : sequence of Maker
        Distinct tops.
    same_count : bool
        Refuse sources of different lengths: a test takes each sample once.
    """

    def __init__(self, parts: Sequence[Maker], same_count: bool) -> None:
        self._parts = tuple(parts)
        first = parts[0]
        self.name = " + ".join(part.name for part in parts)
        self.tops = tuple(top for part in parts for top in part.tops)
        self.batch_size, self.count = first.batch_size, first.count
        counts = [part.count for part in parts]
        if same_count and len(set(counts)) > 1:
            text = ", ".join(f"{part.name} has {part.count} samples" for part in parts)
            raise DataError(f"{text}: sources that are tested together need as many, each counts once")

    def make(self, position: Position, size: int) -> tuple[Batch, Position]:
        """Return the batch of ``size`` samples of each source, and the position of the first after it."""
        passed = position.epoch * self.count + position.cursor
        batch: Batch = {}
        for part in self._parts:
            made, after = part.make(Position(*divmod(passed, part.count)), size)
            batch |= made
            if part is self._parts[0]:
                position = after
        return batch, position

    def check_labels(self, top: str, classes: int, ignore: int | None, places: Samples | None) -> None:
        """Raise DataError at the first label out of range of the source that gives ``top``."""
        part = next(part for part in self._parts if top in part.tops)
        part.check_labels(top, classes, ignore, places)
