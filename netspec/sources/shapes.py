"""Scenes of coloured shapes, drawn from a seed, with everything known about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from netspec.sources.base import Shape, Source
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.fields import Problem, field
from netspec.spec.registry import source
from runtime.data.recipe import Files, ShapeScenes
from runtime.data.shapes.names import KINDS, VOCABULARY, class_names

SIZE = 64
TRAINED, TESTED = 10_000, 500
_SENTENCES = ("caption", "next_word")


@source(name="shapes")
class Shapes(Source):
    """Pictures of coloured shapes, with their classes, boxes, masks, depth, motion and captions: nothing to download.

    Tops
        Any of these; N is the batch, S ``size``, R ``rois``, O ``objects``, C ``classes`` (0: the
        background), T ``steps``.
        data, or left and right (before and after the motion) : N x 3 x S x S, red, green, blue,
        (level - 128) / 128 for a level from 0 to 255, then ``mean`` and ``scale``;
        label : N, the class of the nearest shape; beside rois N R, theirs;
        mask : N x 1 x S x S, the class of each pixel; depth : N x 1 x S x S, 1 to 2 for shapes, 3
        behind them; flow : N x 2 x S x S, pixels to the right and down from left to right;
        gt_boxes : N x O x 5 (x1, y1, x2, y2, class; class 0: none; corners belong to the box);
        rois : N R x 5 (picture, x1, y1, x2, y2), half of them near a box; box_target, box_inside,
        box_outside : N R x 4C, as ProposalTarget's with an overlap of 0.5;
        caption, next_word, cont : T x N.
    Pictures
        1 to ``objects`` shapes of a radius of ``radius size / depth`` pixels, turned at random, striped,
        hazy where far away, on a textured background. Nearer ones hide others; what is hidden by more
        than 60 % is not there. Between left and right each moves and turns by up to 5.6 degrees; the
        background moves half as far.
    Classes
        background, circle, square, triangle, star, cross, ring, bar, moon; the first ``classes``.
        Colours say nothing of them.
    Captions
        `<start> three shapes a red circle left of a blue square <end>`: the nearest shape and the
        next. Words are numbers below ``words``; next_word is one later and -1 beyond the end,
        cont is 0 at the start and there.
    Halves
        Each has scenes of its own, functions of ``seed`` and of their number: the same bits on every
        machine. ``count`` is 10,000 to train and 500 to test unless given.
    """

    levels: ClassVar[tuple[float, float]] = (-1.0, 127 / 128)
    unused: ClassVar[tuple[str, ...]] = ("pad", "crop_size", "mirror", "mean_file", "root")

    size: int = field(SIZE, minimum=8, maximum=4096, doc="height and width of a picture", unit="pixels")
    rois: int = field(32, minimum=1, doc="regions a picture")
    objects: int = field(8, minimum=1, maximum=64, doc="shapes a picture, at most: room for so many boxes")
    classes: int = field(5, minimum=2, maximum=len(KINDS) + 1, doc="kinds of shapes, the background as class 0")
    words: int = field(1000, minimum=len(VOCABULARY), doc="word numbers of the captions: room for so many")
    steps: int = field(16, minimum=1, doc="words of a caption, time first; longer ones are cut")
    count: int | None = field(None, minimum=1, doc="pictures of this half; default: 10000 to train, 500 to test")
    seed: int = field(0, minimum=0, doc="which pictures")
    radius: float = field(0.2, above=0, maximum=0.45, doc="radius of the nearest shapes, of the side of a picture")
    noise: float = field(0.04, minimum=0, maximum=1, doc="standard deviation of a pixel, black to white being 1")
    motion: float = field(
        4.0, minimum=0, maximum=256, doc="how far shapes move along each axis, at most", unit="pixels"
    )

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.class_names = class_names(self.classes)

    def vocabulary(self) -> tuple[str, ...]:
        return VOCABULARY

    def usual_tops(self) -> None:
        return None

    def item(self) -> Shape:
        return (3, self.size, self.size)

    def class_count(self) -> int:
        return self.classes

    def label_count(self, top: str) -> int:
        return self.words if top in _SENTENCES else self.classes

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
        return frozenset(("label", "mask", *_SENTENCES)).intersection(self.tops_)

    def checked_labels(self) -> tuple[str, ...]:
        return ()

    def files(self, test: bool) -> Files:
        return ShapeScenes(
            size=self.size,
            classes=self.classes,
            objects=self.objects,
            rois=self.rois,
            steps=self.steps,
            radius=self.radius,
            noise=self.noise,
            motion=self.motion,
            count=self.count or (TESTED if test else TRAINED),
            seed=self.seed,
            test=test,
        )

    def problems(self) -> Iterator[Problem]:
        unknown = [top for top in self.tops_ if top not in _SHAPES]
        if unknown:
            hint = did_you_mean(unknown[0], _SHAPES) or f"its tops are {', '.join(_SHAPES)}"
            yield Problem("E662", "tops_", f"shapes has no top `{unknown[0]}`", hint)
            return
        yield from super().problems()


def _picture(channels: int) -> Callable[[Shapes, int], Shape]:
    return lambda source, batch: (batch, channels, source.size, source.size)


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
