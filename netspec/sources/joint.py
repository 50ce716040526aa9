"""Several sources of one phase, as one."""

from __future__ import annotations

from netspec.sources.base import Shape, Source
from netspec.spec.fields import Entry
from runtime.data.recipe import JointRecipe, Recipe


class Joint(Source):
    """The blobs of several sources side by side; made from a list in ``data``, never written as a type.

    Attributes
    ----------
    sources : tuple of Source
        At least two, with distinct tops and one batch size.
    """

    def __init__(self, sources: tuple[Source, ...]) -> None:
        Entry.__init__(self, batch_size=sources[0].batch_size)
        self.sources = sources
        self.mark = sources[0].mark
        self.marks = {key: mark for each in reversed(sources) for key, mark in each.marks.items()}

    def top_names(self) -> tuple[str, ...]:
        return tuple(top for each in self.sources for top in each.top_names())

    def tops(self) -> dict[str, Shape]:
        return {top: shape for each in self.sources for top, shape in each.tops().items()}

    def axes(self) -> dict[str, int]:
        return {top: axis for each in self.sources for top, axis in each.axes().items()}

    def shapes(self, batch: int) -> dict[str, Shape]:
        return {top: shape for each in self.sources for top, shape in each.shapes(batch).items()}

    def item(self) -> Shape:
        return self.sources[0].item()

    def label_tops(self) -> frozenset[str]:
        return frozenset().union(*(each.label_tops() for each in self.sources))

    def owner(self, top: str) -> Source:
        return next(each for each in self.sources if top in each.top_names())

    def variables(self) -> dict[str, int]:
        return {name: value for each in reversed(self.sources) for name, value in each.variables().items()}

    def recipe(self, phase: str) -> JointRecipe:
        parts = [each.recipe(phase) for each in self.sources]
        return JointRecipe(parts=tuple(p for p in parts if isinstance(p, Recipe)), same_count=phase == "test")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Joint) and self.sources == other.sources
