"""The base of every data source: common fields, tops and where files are looked for.

What the rest asks of a source::

    source.top_names()       ("data", "label")
    source.tops()            {"data": (1, 28, 28), "label": ()}   shapes of one sample
    source.shapes(64)        {"data": (64, 1, 28, 28), "label": (64,)}
    source.axes()            {"data": 0, "label": 0}              along which the samples lie
    source.label_tops()      {"label"}                            integers, i32 inside the net
    source.variables()       {"classes": 10}                      read-only variables of the spec
    source.batch_size        samples a batch
    source.recipe(phase)     -> runtime.data.recipe.Recipe
    runtime.data.open.open_stream(source.recipe(phase), seed=seed, dtype="float32") -> Stream

The last line is where NumPy comes in and files are opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netspec.sources import paths
from netspec.spec.entries import NAME
from netspec.spec.fields import Entry, Problem, field
from netspec.spec.registry import SOURCES
from runtime.data.recipe import Files, JointRecipe, Recipe, Transform

Shape = tuple[int, ...]


class Source(Entry):
    """A source of samples: what it gives, without opening a file where that can be known."""

    registry = SOURCES
    type_key = "source"
    path_fields: ClassVar[tuple[str, ...]] = ("mean_file",)
    class_names: tuple[str, ...] = ()
    """What the classes are called, in the order of their numbers, where the spec or the data set says it."""
    between_words: str = " "
    """What stands between two words of its `vocabulary`."""
    levels: ClassVar[tuple[float, float]] = (0.0, 255.0)
    """What black and white are in its pictures, before mean and scale."""

    tops_: tuple[str, ...] = field(("data", "label"), doc="names of the blobs it gives, images first")
    batch_size: int = field(1, minimum=1, doc="samples a batch")
    scale: float = field(1.0, doc="factor on each value, after the mean is taken off")
    mean: tuple[float, ...] = field((), alias="mean_value", doc="taken off each value: one number, or one a channel")
    mean_file: str | None = field(None, doc=".npy with the mean of an item before pad and crop")
    pad: int = field(0, minimum=0, doc="pixels of zeros on each border, before the crop", unit="pixels")
    crop_size: int = field(
        0, minimum=0, doc="side of a square crop: random in training, else the centre", unit="pixels"
    )
    mirror: bool = field(False, doc="flip left and right at random, in training only")
    part: tuple[float, ...] = field((0.0, 1.0), doc="[a, b): only these fractions of the samples, in file order")
    split: str | None = field(None, choices=("train", "test"), doc="which half of the data; default: the phase's own")
    shuffle: bool = field(True, doc="a fresh seeded permutation each epoch, in training only")
    root: str | None = field(None, doc="data root; stronger than NETSPEC_DATA")

    def item(self) -> Shape:
        """Return the shape of one sample of the first top before pad and crop, C x H x W for pictures."""
        raise NotImplementedError

    def class_count(self) -> int | None:
        """Return the number of classes, or None if nothing declares it."""
        return None

    def vocabulary(self) -> tuple[str, ...]:
        """Return the letters or words that the numbers of its sentences stand for; of a text, those of its file.

        Raises
        ------
        DataError
            The file cannot be read.
        """
        return ()

    def apart(self, text: str) -> list[str]:
        """Return the letters or words of a text as `vocabulary` has them."""
        return text.split() if self.between_words else list(text)

    def label_count(self, top: str) -> int | None:
        """Return how many different labels a blob may have: the classes, or the words of a sentence."""
        return self.class_count()

    def owner(self, top: str) -> Source:
        """Return the source that gives a blob: itself, where it is not several."""
        return self

    def files(self, test: bool) -> Files:
        """Return which files to read for the training or the test half."""
        raise NotImplementedError

    def top_names(self) -> tuple[str, ...]:
        """Return the names of its blobs; nothing is opened."""
        return self.tops_

    def tops(self) -> dict[str, Shape]:
        """Return blob name -> shape of one sample, after the transforms, without the batch axis."""
        names = self.top_names()
        shapes = (self.transformed(self.item()), *((),) * (len(names) - 1))
        return dict(zip(names, shapes, strict=True))

    def axes(self) -> dict[str, int]:
        """Return blob name -> the axis along which the samples of a batch lie."""
        return dict.fromkeys(self.top_names(), 0)

    def shapes(self, batch: int) -> dict[str, Shape]:
        """Return blob name -> shape of a batch."""
        axes = self.axes()
        return {name: (*item[: axes[name]], batch, *item[axes[name] :]) for name, item in self.tops().items()}

    def label_tops(self) -> frozenset[str]:
        """Return the tops that hold integers (class numbers)."""
        return frozenset(self.top_names()[1:])

    def variables(self) -> dict[str, int]:
        """Return the read-only variables this source declares (``$classes``)."""
        count = self.class_count()
        return {} if count is None else {"classes": count}

    def transformed(self, item: Shape) -> Shape:
        """Return what pad and crop make of an item's shape."""
        if len(item) != 3:
            return item
        if self.crop_size:
            return (item[0], self.crop_size, self.crop_size)
        return (item[0], item[1] + 2 * self.pad, item[2] + 2 * self.pad)

    def resizing(self) -> tuple[int, ...]:
        """Return what pictures are scaled to before pad and crop: nothing, the shorter side, or height and width."""
        return ()

    def transform(self, phase: str) -> Transform:
        """Return how its first top is transformed in a phase; random transforms act in ``train``."""
        return Transform(
            pad=self.pad,
            crop=self.crop_size,
            mirror=self.mirror,
            mean=self.mean,
            mean_file=None if self.mean_file is None else paths.resolve(self, "mean_file", self.mean_file),
            scale=self.scale,
            random=phase == "train",
        )

    def recipe(self, phase: str) -> Recipe | JointRecipe:
        """Return what to read and how to transform it in a phase.

        Parameters
        ----------
        phase : str
            ``train`` or ``test``; random transforms and the shuffle act in ``train``.
        """
        training = phase == "train"
        return Recipe(
            name=self.type_name,
            files=self.files((self.split or phase) != "train"),
            tops=self.top_names(),
            batch_size=self.batch_size,
            transform=self.transform(phase),
            part=(self.part[0], self.part[1]),
            classes=self.class_count(),
            labels=self.checked_labels(),
            pairs=self.gives_pairs(),
            shuffle=self.shuffle and training,
            prefetch=training,
        )

    def checked_labels(self) -> tuple[str, ...]:
        """Return the tops whose labels are held against the classes when the source is opened."""
        return self.top_names()[1:]

    def usual_tops(self) -> tuple[str, ...] | None:
        """Return what its tops are usually called, as many as it has; None for any number."""
        return ("data", "label")

    def gives_pairs(self) -> bool:
        """Whether a sample is two pictures and whether they are of one class."""
        return False

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between fields (codes E6xx)."""
        yield from _part_problems(self.part)
        yield from self._top_problems()
        for name in self.unused:
            if self.given(name):
                key = name.rstrip("_")
                yield Problem("E663", name, f"{self.type_name} has no use for {key}", f"leave {key} out")
        if self.mean and self.mean_file is not None:
            yield Problem("E652", "mean_file", "mean and mean_file are exclusive", "keep one of them")
        paths.naming_folder(self, "root")
        yield from paths.problems(self, self.path_fields)
        yield from self._item_problems()

    def _top_problems(self) -> Iterator[Problem]:
        names, usual = self.top_names(), self.usual_tops()
        if usual is not None and len(names) != len(usual):
            message = f"{self.type_name} gives {len(usual)} blobs, tops names {len(names)}"
            yield Problem("E662", "tops_", message, f"tops: [{', '.join(usual)}], or other names in this order")
        for k, name in enumerate(names):
            if not NAME.fullmatch(name) or name in names[:k]:
                why = "is named twice" if name in names[:k] else "cannot be a name"
                yield Problem("E662", "tops_", f"the top `{name}` {why}", "letters, digits, `_`, `-`, each name once")

    def _item_problems(self) -> Iterator[Problem]:
        item = self.known_item()
        if item is None:
            return
        if len(item) != 3:
            for name in ("pad", "crop_size", "mirror"):
                if getattr(self, name):
                    message = (
                        f"{name} needs pictures (C x H x W), the samples of {self.type_name} have {len(item)} axes"
                    )
                    yield Problem("E654", name, message, f"leave {name} out")
            return
        if len(self.mean) not in (0, 1, item[0]):
            message = f"mean has {len(self.mean)} values, {self.type_name} has {item[0]} channels"
            yield Problem("E655", "mean", message, f"write one value, or {item[0]}")
        side = min(item[1], item[2]) + 2 * self.pad
        if self.crop_size > side and item[1]:
            message = (
                f"crop_size {self.crop_size} does not fit in {side} pixels ({side - 2 * self.pad} + 2 * {self.pad})"
            )
            yield Problem("E656", "crop_size", message, f"crop_size of at most {side}, or pad")

    def known_item(self) -> Shape | None:
        """Return the item's shape if it is known without a file, else None."""
        return self.item()


def _part_problems(part: tuple[float, ...]) -> Iterator[Problem]:
    if len(part) != 2 or not 0 <= part[0] < part[1] <= 1:
        text = "[" + ", ".join(f"{p:g}" for p in part) + "]"
        yield Problem("E651", "part", f"part is {text}, expected [a, b] with 0 <= a < b <= 1", "part: [0, 0.8]")
