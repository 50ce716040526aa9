"""Characters of a text."""

from __future__ import annotations

from typing import ClassVar

from netspec.sources import paths
from netspec.sources.base import Shape, Source
from netspec.spec.fields import field
from netspec.spec.registry import source
from runtime.data.recipe import Files, TextFile


@source(name="text")
class Text(Source):
    """Characters of a text as classes, time first: T x N, cut into N streams that go on from batch to batch.

    Tops
        data : characters, label : the characters one later, cont : 0 at the first place of a
        stream, else 1 (may be left out of ``tops``). All are ``steps`` x N.
    Order
        The file (its ``part``) is cut into ``batch_size`` streams of one length; column j of a
        batch goes on where that of the last one ended, so that a state carried over fits. What
        does not fill ``steps`` places at a stream's end is left out. A sample is ``steps`` places.
    Classes
        The different characters of the whole file in the order of their code points.
        ``$classes`` is what ``classes`` says: ``check`` opens no file.
    Files
        UTF-8.
    """

    path_fields: ClassVar[tuple[str, ...]] = ("file",)
    unused: ClassVar[tuple[str, ...]] = ("scale", "mean", "mean_file", "pad", "crop_size", "mirror", "split", "shuffle")

    tops_: tuple[str, ...] = field(("data", "label", "cont"), doc="names of the blobs: characters, next ones, marks")
    file: str = field(doc="the text")
    steps: int = field(50, minimum=1, doc="places of a batch along time")
    classes: int | None = field(None, minimum=1, doc="different characters; a file with more is an error")

    def item(self) -> Shape:
        return (self.steps,)

    def tops(self) -> dict[str, Shape]:
        return dict.fromkeys(self.tops_, self.item())

    def axes(self) -> dict[str, int]:
        return dict.fromkeys(self.tops_, 1)

    def label_tops(self) -> frozenset[str]:
        return frozenset(self.tops_[:2])

    def class_count(self) -> int | None:
        return self.classes

    def checked_labels(self) -> tuple[str, ...]:
        return ()

    def usual_tops(self) -> tuple[str, ...]:
        return ("data", "label", "cont")[: 2 if len(self.tops_) == 2 else 3]

    def files(self, test: bool) -> Files:
        return TextFile(path=paths.find(self, "file", self.file), steps=self.steps)
