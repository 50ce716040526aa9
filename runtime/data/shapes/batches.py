"""Batches of scenes: only what the asked for blobs need is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike, NDArray

from runtime.data.batches import Batch, Ordered, Samples, part_of
from runtime.data.recipe import Recipe, ShapeScenes
from runtime.data.shapes import boxes, captions, maps, picture, raster, regions, scene
from runtime.data.shapes.names import VOCABULARY
from runtime.errors import DataError

Blob = NDArray[np.generic]


class View:
    """The pictures of some samples and all that is known of them, made when first asked for."""

    def __init__(self, files: ShapeScenes, samples: Samples) -> None:
        self.files, self.samples = files, samples
        drawn = scene.draw_scene(files, samples)
        self.scene, self.windows, self.slots, self.seen = raster.visible(drawn, files.size)

    @cached_property
    def boxes(self) -> scene.Reals:
        """N x O x 5."""
        return boxes.boxes(self.scene, self.windows, self.seen)

    @cached_property
    def regions(self) -> regions.Regions:
        """Rows for each region."""
        return regions.regions(self.files, self.samples, self.boxes)

    @cached_property
    def captions(self) -> dict[str, NDArray[np.int32]]:
        """T x N each."""
        return captions.captions(self.scene, self.files.steps)

    @cached_property
    def first(self) -> raster.Grid:
        """N x S x S x 3."""
        return self._picture(self.scene, self.windows, 0)

    @cached_property
    def second(self) -> raster.Grid:
        """N x S x S x 3, after the motion."""
        moved = self.scene.later()
        return self._picture(moved, raster.outline(moved, self.files.size), 1)

    @property
    def main(self) -> NDArray[np.int32]:
        """The class of the nearest shape, 0 without any."""
        return self.boxes[:, 0, 4].astype(np.int32)

    def _picture(self, moved: scene.Scene, windows: raster.Windows, frame: int) -> raster.Grid:
        drift = self.scene.drift * frame
        ground = picture.background(self.files, self.samples, drift)
        return picture.finished(self.files, picture.painted(ground, moved, windows), self.samples, frame)


_MADE: dict[str, Callable[[View], Blob]] = {
    "data": lambda view: view.first,
    "left": lambda view: view.first,
    "right": lambda view: view.second,
    "rois": lambda view: view.regions.rois,
    "box_target": lambda view: view.regions.target,
    "box_inside": lambda view: view.regions.weight,
    "box_outside": lambda view: view.regions.weight,
    "gt_boxes": lambda view: view.boxes,
    "mask": lambda view: maps.classes(view.scene, view.slots),
    "depth": lambda view: maps.depths(view.scene, view.slots),
    "flow": lambda view: maps.flow(view.scene, view.slots),
    "caption": lambda view: view.captions["caption"],
    "next_word": lambda view: view.captions["next_word"],
    "cont": lambda view: view.captions["cont"],
}
_PICTURES = ("data", "left", "right")
_WHOLE = ("label", "mask", "caption", "next_word")


class ShapeBatches(Ordered):
    """Batches of the source ``shapes``; a top's name says what it is."""

    def __init__(self, recipe: Recipe, files: ShapeScenes, seed: int, dtype: DTypeLike) -> None:
        """Nothing is made yet.

        Raises
        ------
        DataError
            The ``part`` holds no picture.
        """
        super().__init__(recipe, part_of(recipe, files.count), seed)
        self._files, self._dtype = files, np.dtype(dtype)

    def check_labels(self, top: str, classes: int, ignore: int | None, places: Samples | None) -> None:
        """Raise DataError if the source has more classes, or words, than a layer takes."""
        if top not in _WHOLE:
            return
        words = top in ("caption", "next_word")
        there, what = (len(VOCABULARY), "words") if words else (self._files.classes, "classes")
        if there > classes:
            raise DataError(
                f"{self.name}: {top} has {there} {what}, the net takes {classes}; "
                f"a layer must take {there} (num_output, input_dim)"
            )
        if top == "next_word" and ignore != -1:
            raise DataError(f"{self.name}: next_word is -1 where a caption has ended; give the loss ignore_label: -1")

    def _gather(self, samples: Samples, epochs: Samples) -> Batch:
        view = View(self._files, samples)
        return {top: self._finished(top, self._made(view, top)) for top in self.tops}

    def _made(self, view: View, top: str) -> Blob:
        if top == "label":
            return view.regions.label if "rois" in self.tops else view.main
        return _MADE[top](view)

    def _finished(self, top: str, blob: Blob) -> Blob:
        """A picture with mean and scale, N C H W over N H W C memory; labels in int32, all else in the net's dtype."""
        if top not in _PICTURES:
            return blob.astype(np.int32 if top in _WHOLE else self._dtype, copy=False)
        values = blob.astype(self._dtype, copy=False)
        change = self.recipe.transform
        if change.mean:
            values = values - np.asarray(change.mean, self._dtype)
        if change.scale != 1.0:
            values = values * np.asarray(change.scale, self._dtype)
        return np.moveaxis(values, 3, 1)
