"""What shapes and colours are called, and the words of the captions."""

from __future__ import annotations

KINDS = ("circle", "square", "triangle", "star", "cross", "ring", "bar", "moon")
"""Class k, from 1 on, is ``KINDS[k - 1]``; class 0 is the background."""

COLOURS = {
    "red": (0.90, 0.12, 0.12),
    "green": (0.12, 0.75, 0.18),
    "blue": (0.15, 0.28, 0.95),
    "yellow": (0.95, 0.88, 0.12),
    "purple": (0.60, 0.15, 0.80),
    "cyan": (0.12, 0.82, 0.88),
    "orange": (1.00, 0.50, 0.05),
    "white": (0.96, 0.96, 0.96),
}
"""Red, green and blue from 0 to 1."""

END, START = 0, 1
"""Words of every vocabulary: END ends a caption and fills what is left of it."""

COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "many")
RELATIONS = (("left", "of"), ("right", "of"), ("above",), ("below",))

VOCABULARY = (
    "<end>",
    "<start>",
    "a",
    "an",
    "shape",
    "shapes",
    *COUNTS,
    *sorted({word for words in RELATIONS for word in words}),
    *COLOURS,
    *KINDS,
)
"""The words by their numbers, whatever the classes of a source."""


def class_names(classes: int) -> tuple[str, ...]:
    """Return what classes 0 to ``classes`` - 1 are called."""
    return ("background", *KINDS)[:classes]
