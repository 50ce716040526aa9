"""Scenes of coloured shapes with everything known about them: the blobs alone, for now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from netspec.sources.base import Shape, Source
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.fields import Problem, field
from netspec.spec.registry import source
from runtime.data.recipe import Files
from runtime.errors import UsageError

SIZE = 64


@source(name="shapes")
class Shapes(Source):
    """Pictures of coloured shapes, with their classes, boxes, masks, depth, motion and captions.

    Tops
        Any of these; N is the batch, S ``size``, R ``rois``, O ``objects``, C ``classes`` (the background
        is class 0), T ``steps``: data, left, right : N x 3 x S x S; label : N, or N R beside rois;
        rois : N R x 5 (picture, x1, y1, x2, y2); box_target, box_inside, box_outside : N R x 4 C;
        gt_boxes : N x O x 5 (x1, y1, x2, y2, class; class 0: none); flow : N x 2 x S x S; depth,
        mask : N x 1 x S x S; caption, next_word, cont : T x N.

    Notes
    -----
        Its pictures are not made yet: ``check``, ``inspect``, ``plan`` and ``time`` work, training does not.
    """

    unused: ClassVar[tuple[str, ...]] = ("split",)

    size: int = field(SIZE, minimum=8, doc="height and width of a picture", unit="pixels")
    rois: int = field(32, minimum=1, doc="regions a picture")
    objects: int = field(8, minimum=1, doc="room for so many boxes a picture")
    classes: int = field(5, minimum=2, doc="kinds of shapes, the background as class 0")
    words: int = field(1000, minimum=2, doc="words of the captions")
    steps: int = field(16, minimum=1, doc="words of a caption, time first")

    def usual_tops(self) -> None:
        return None

    def item(self) -> Shape:
        return (3, self.size, self.size)

    def class_count(self) -> int:
        return self.classes

    def variables(self) -> dict[str, int]:
        return {"classes": self.classes, "words": self.words}

    def tops(self) -> dict[str, Shape]:
        shapes = self.shapes(1)
        axes = self.axes()
        return {top: shape[: axes[top]] + shape[axes[top] + 1 :] for top, shape in shapes.items()}

    def axes(self) -> dict[str, int]:
        return {top: int(top in ("caption", "next_word", "cont")) for top in self.tops_}

    def shapes(self, batch: int) -> dict[str, Shape]:
        return {top: _SHAPES[top](self, batch) for top in self.tops_}

    def label_tops(self) -> frozenset[str]:
        return frozenset(("label", "mask", "caption", "next_word")).intersection(self.tops_)

    def files(self, test: bool) -> Files:
        raise UsageError("source shapes declares its blobs only: its pictures are not made yet")

    def problems(self) -> Iterator[Problem]:
        unknown = [top for top in self.tops_ if top not in _SHAPES]
        if unknown:
            hint = did_you_mean(unknown[0], _SHAPES) or f"its tops are {', '.join(_SHAPES)}"
            yield Problem("E662", "tops_", f"shapes has no top `{unknown[0]}`", hint)
            return
        yield from super().problems()


def _picture(channels: int) -> Callable[[Shapes, int], Shape]:
    def shape(source: Shapes, batch: int) -> Shape:
        return (batch, *source.transformed((channels, source.size, source.size)))

    return shape


def _regions(*item: str) -> Callable[[Shapes, int], Shape]:
    sizes: dict[str, Callable[[Shapes], int]] = {"5": lambda s: 5, "4C": lambda s: 4 * s.classes}

    def shape(source: Shapes, batch: int) -> Shape:
        return (batch * source.rois, *(sizes[size](source) for size in item))

    return shape


def _label(source: Shapes, batch: int) -> Shape:
    return _regions()(source, batch) if "rois" in source.tops_ else (batch,)


def _words(source: Shapes, batch: int) -> Shape:
    return (source.steps, batch)


_SHAPES: dict[str, Callable[[Shapes, int], Shape]] = {
    **dict.fromkeys(("data", "left", "right"), _picture(3)),
    "label": _label,
    "rois": _regions("5"),
    **dict.fromkeys(("box_target", "box_inside", "box_outside"), _regions("4C")),
    "gt_boxes": lambda source, batch: (batch, source.objects, 5),
    "flow": _picture(2),
    **dict.fromkeys(("depth", "mask"), _picture(1)),
    **dict.fromkeys(("caption", "next_word", "cont"), _words),
}
