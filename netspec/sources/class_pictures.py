"""The base of the sources of small pictures with a class each, which can also come in pairs."""

from __future__ import annotations

from netspec.sources.base import Shape, Source
from netspec.spec.fields import field

PAIR = ("left", "right", "same")


class ClassPictures(Source):
    """Pictures of ten classes, or pairs of them and whether their classes are the same."""

    pairs: bool = field(
        False,
        doc="tops left, right, same: each sample beside another one, drawn anew each epoch; same is 1 in half of them",
    )

    def top_names(self) -> tuple[str, ...]:
        return PAIR if self.pairs and self.tops_ == Source.specs["tops_"].default else self.tops_

    def class_count(self) -> int:
        return 2 if self.pairs else 10

    def gives_pairs(self) -> bool:
        return self.pairs

    def tops(self) -> dict[str, Shape]:
        if not self.pairs:
            return super().tops()
        picture = self.transformed(self.item())
        return dict(zip(self.top_names(), (picture, picture, ()), strict=True))

    def label_tops(self) -> frozenset[str]:
        return frozenset(self.top_names()[-1:])

    def usual_tops(self) -> tuple[str, ...]:
        return PAIR if self.pairs else ("data", "label")
