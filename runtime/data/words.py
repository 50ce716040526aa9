"""The words of a text and their numbers (no NumPy here: a source says what its numbers stand for)."""

from __future__ import annotations

import re
from collections import Counter

UNKNOWN = "<unk>"
_WORD = re.compile(r"\n|\w+(?:'\w+)*|[^\w\s]")


def split(text: str) -> list[str]:
    """Return runs of letters and digits (apostrophes inside belong to them), punctuation marks, ends of lines."""
    return _WORD.findall(text)


def vocabulary(words: list[str], most: int | None = None) -> tuple[str, ...]:
    """Return the different words, the commonest first, of equally common ones the one that comes first.

    Of more than ``most``, those beyond the first ``most - 1`` are one, ``<unk>``, the last.
    """
    found = [word for word, _ in Counter(words).most_common()]
    if most is not None and len(found) > most:
        found = [*found[: most - 1], UNKNOWN]
    return tuple(found)
