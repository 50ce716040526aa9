"""Characters or words of a text."""

from __future__ import annotations

from typing import Any, ClassVar

from netspec.sources import paths
from netspec.sources.base import Shape, Source
from netspec.spec.fields import field
from netspec.spec.registry import source
from runtime.data import words
from runtime.data.files import read_utf8
from runtime.data.recipe import Files, TextFile


@source(name="text")
class Text(Source):
    """Characters or words of a text as classes, time first: T x N, cut into N streams that go on from batch to batch.

    Tops
        data : characters, label : the characters one later, cont : 0 at the first place of a
        stream, else 1 (may be left out of ``tops``). All are ``steps`` x N.
    Order
        The file (its ``part``) is cut into ``batch_size`` streams of one length; column j of a
        batch goes on where that of the last one ended, so that a state carried over fits. What
        does not fill ``steps`` places at a stream's end is left out. A sample is ``steps`` places.
    Classes
        The different characters of the whole file in the order of their code points.
        With ``by: word`` runs of letters and digits, punctuation marks and ends of lines, the commonest
        first; if there are more than ``classes``, the rarer ones are one word, ``<unk>``, the last.
        ``$classes`` is what ``classes`` says: ``check`` opens no file.
    Files
        UTF-8.
    """

    path_fields: ClassVar[tuple[str, ...]] = ("file",)
    unused: ClassVar[tuple[str, ...]] = ("scale", "mean", "mean_file", "pad", "crop_size", "mirror", "split", "shuffle")

    tops_: tuple[str, ...] = field(("data", "label", "cont"), doc="names of the blobs: characters, next ones, marks")
    file: str = field(doc="the text")
    steps: int = field(50, minimum=1, doc="places of a batch along time")
    classes: int | None = field(
        None, minimum=1, doc="different characters: a file with more is an error; or words: the rarer ones become one"
    )
    by: str = field("character", choices=("character", "word"), doc="what is a place of the text")

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.between_words = " " if self.by == "word" else ""

    def vocabulary(self) -> tuple[str, ...]:
        text = read_utf8(paths.find(self, "file", self.file))
        return words.vocabulary(words.split(text), self.classes) if self.by == "word" else tuple(sorted(set(text)))

    def apart(self, text: str) -> list[str]:
        return words.split(text) if self.by == "word" else list(text)

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
        path = paths.find(self, "file", self.file)
        return TextFile(path=path, steps=self.steps, words=self.by == "word", most=self.classes)
