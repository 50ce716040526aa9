"""A sentence for each picture: how many shapes, what the nearest is, and where it is from the next."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runtime.data.shapes.names import COLOURS, COUNTS, END, KINDS, RELATIONS, START, VOCABULARY
from runtime.data.shapes.scene import Scene

_NUMBERS = {word: k for k, word in enumerate(VOCABULARY)}
_COLOURS = tuple(COLOURS)


def caption(scene: Scene, picture: int) -> list[str]:
    """Return the words about one picture, ``three shapes a red circle left of a blue square``; none about an empty one.

    The relation is along the axis on which the two centres are farther apart.
    """
    there = np.flatnonzero(scene.kind[picture])
    if not len(there):
        return []
    said = [COUNTS[min(len(there), len(COUNTS)) - 1], "shape" if len(there) == 1 else "shapes"]
    described = [
        [*_coloured(int(scene.colour[picture, k])), KINDS[scene.kind[picture, k] - 1]] for k in there[:2].tolist()
    ]
    said += described[0]
    if len(there) > 1:
        one, other = there[:2]
        across = scene.x[picture, one] - scene.x[picture, other]
        down = scene.y[picture, one] - scene.y[picture, other]
        which = int(across > 0) if abs(across) >= abs(down) else 2 + int(down > 0)
        said += [*RELATIONS[which], *described[1]]
    return said


def _coloured(colour: int) -> tuple[str, str]:
    """The colour with its article."""
    name = _COLOURS[colour]
    return "an" if name[0] in "aeiou" else "a", name


def captions(scene: Scene, steps: int) -> dict[str, NDArray[np.int32]]:
    """Return caption, next_word and cont, each ``steps`` x N.

    A caption begins with ``<start>``; next_word is one word later, ends with ``<end>`` and is -1 beyond; cont is 1
    where a caption goes on, 0 at its start and beyond its end. A caption longer than ``steps`` is cut.
    """
    n = len(scene.kind)
    word = np.full((steps, n), END, np.int32)
    following = np.full((steps, n), -1, np.int32)
    cont = np.zeros((steps, n), np.int32)
    for k in range(n):
        numbers = [START, *(_NUMBERS[w] for w in caption(scene, k)), END]
        length = min(steps, len(numbers) - 1)
        word[:length, k] = numbers[:length]
        following[:length, k] = numbers[1 : length + 1]
        cont[1:length, k] = 1
    return {"caption": word, "next_word": following, "cont": cont}
