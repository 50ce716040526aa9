"""What is told of one sample: classes, a mask, boxes, words or numbers, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from netspec.graph import Shape
from netspec.reports import tables
from netspec.spec.render import escaped

SHOWN_VALUES = 8
"""Numbers of a blob that a line shows."""

SHOWN_BOXES = 20
LEAST_SHARE = 0.0005


@dataclass(frozen=True)
class Named:
    """A class by its number, and by its name where one is known."""

    number: int
    name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return ``class`` and ``name``."""
        return {"class": self.number, "name": self.name}

    def __str__(self) -> str:
        """Return the name, else the number."""
        return str(self.number) if self.name is None else escaped(self.name)


@dataclass(frozen=True)
class Classes:
    """The best classes with their scores, the best first; ``shares``: the scores of all classes sum to 1."""

    best: tuple[tuple[Named, float], ...]
    shares: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"classes": [{**found.to_dict(), "score": number(score)} for found, score in self.best]}

    def text(self) -> str:
        """Return ``7 (99.8 %), 9 (0.1 %)``; shares that would be shown as 0 are left out."""
        shown = [(k, s) for n, (k, s) in enumerate(self.best) if not n or not self.shares or s >= LEAST_SHARE]
        return ", ".join(f"{found} ({_score(score, self.shares)})" for found, score in shown)


@dataclass(frozen=True)
class Mask:
    """How many pixels each class has, the most first, and the file of the mask if one was written."""

    pixels: tuple[tuple[Named, int], ...]
    size: Shape
    path: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "size": list(self.size),
            "pixels": [{**found.to_dict(), "count": count} for found, count in self.pixels],
            "mask": self.path,
        }

    def text(self) -> str:
        """Return ``circle 12.5 %, background 87.5 %, mask in F``."""
        total = sum(count for _, count in self.pixels)
        shares = ", ".join(f"{found} {100 * count / total:.1f} %" for found, count in self.pixels)
        return shares + (f", mask in {escaped(self.path)}" if self.path else "")


@dataclass(frozen=True)
class Box:
    """An object: class, score, and x1, y1, x2, y2 in pixels of what the net sees."""

    found: Named
    score: float
    corners: tuple[float, float, float, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        corners = [round(x, 2) for x in self.corners]
        return {**self.found.to_dict(), "score": number(self.score), "box": corners}


@dataclass(frozen=True)
class Boxes:
    """What was found, by falling score, and the file of the picture with the boxes if one was written."""

    boxes: tuple[Box, ...]
    path: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"boxes": [box.to_dict() for box in self.boxes], "picture": self.path}

    def text(self) -> str:
        """Return one box after the other: ``circle (98.1 %) at 3, 4 to 20, 31``."""
        lines = [
            f"{box.found} ({_score(box.score, True)}) at {box.corners[0]:.0f}, {box.corners[1]:.0f} "
            f"to {box.corners[2]:.0f}, {box.corners[3]:.0f}"
            for box in self.boxes[:SHOWN_BOXES]
        ]
        if len(self.boxes) > SHOWN_BOXES:
            lines.append(f"and {len(self.boxes) - SHOWN_BOXES} more")
        return ("; ".join(lines) or "nothing") + (f", drawn in {escaped(self.path)}" if self.path else "")


@dataclass(frozen=True)
class Words:
    """A sentence."""

    words: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"words": list(self.words), "text": " ".join(self.words)}

    def text(self) -> str:
        """Return the sentence."""
        return escaped(" ".join(self.words))


@dataclass(frozen=True)
class Values:
    """Numbers as they are; ``values`` row by row."""

    shape: Shape
    values: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"shape": list(self.shape), "values": [number(value) for value in self.values]}

    def text(self) -> str:
        """Return a few numbers, and how many there are."""
        shown = "  ".join(f"{value:.4g}" for value in self.values[:SHOWN_VALUES])
        more = f" .. ({tables.shape(self.shape)})" if len(self.values) > SHOWN_VALUES else ""
        return shown + more


Finding = Classes | Mask | Boxes | Words | Values


@dataclass(frozen=True)
class Prediction:
    """What was found in one sample, by blob."""

    input: str
    outputs: dict[str, Finding]


@dataclass(frozen=True)
class Predictions:
    """The answer of ``netspec predict``; ``files`` are blobs written as a whole: name -> path and shape."""

    name: str
    predictions: list[Prediction]
    files: dict[str, tuple[str, Shape]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "name": self.name,
            "predictions": [
                {"input": each.input, "outputs": {blob: found.to_dict() for blob, found in each.outputs.items()}}
                for each in self.predictions
            ],
            "blobs": {blob: {"path": path, "shape": list(shape)} for blob, (path, shape) in self.files.items()},
        }

    def to_text(self) -> str:
        """Return one line a sample, or one a sample and blob."""
        lines = []
        for each in self.predictions:
            for blob, found in each.outputs.items():
                what = f"{escaped(blob)} " if len(each.outputs) > 1 else ""
                lines.append(f"{escaped(each.input)}: {what}{found.text()}")
        lines += [
            f"{escaped(blob)}: {tables.shape(shape)} in {escaped(path)}" for blob, (path, shape) in self.files.items()
        ]
        return "".join(f"{line}\n" for line in lines)


def number(value: float) -> float | str:
    """A number as JSON has it: one that is not finite as a word."""
    return value if isfinite(value) else str(value)


def named(numbers: Sequence[int], names: Sequence[str]) -> list[Named]:
    """Classes with their names; none for numbers beyond them."""
    return [Named(k, names[k] if k < len(names) else None) for k in numbers]


def _score(score: float, is_share: bool) -> str:
    return f"{100 * score:.1f} %" if is_share else f"{score:.4g}"
