"""From a recipe to a stream: reads the files, checks what they claim."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

from numpy.typing import DTypeLike

from runtime.data import cifar, hdf5, idx, images, npz, synthetic, table
from runtime.data.batches import Batches, Maker
from runtime.data.items import Items
from runtime.data.joint import JointBatches
from runtime.data.pairs import PairBatches
from runtime.data.recipe import (
    CifarFiles,
    CsvFile,
    DigitsFiles,
    Hdf5Files,
    IdxFiles,
    ImageFiles,
    JointRecipe,
    NpzFile,
    Recipe,
    ShapeScenes,
    SyntheticItems,
    TextFile,
)
from runtime.data.shapes.batches import ShapeBatches
from runtime.data.stream import Stream
from runtime.data.text import TextBatches
from runtime.errors import ResourceError


def open_stream(
    recipe: Recipe | JointRecipe,
    *,
    seed: int,
    dtype: DTypeLike = "float32",
    prefetch: bool | None = None,
    batch_size: int | None = None,
) -> Stream:
    """Open a source: its files are read and checked now, so that nothing fails hours later.

    Parameters
    ----------
    recipe : Recipe or JointRecipe
        What ``source.recipe(phase)`` gives.
    seed : int
        Decides the order of the samples and the random transforms.
    dtype : dtype
        ``float32`` or ``float64``.
    prefetch : bool, optional
        Make batches ahead in a thread; default: what the recipe says. The bits are the same either way.
    batch_size : int, optional
        In place of the recipe's.

    Raises
    ------
    DataError
        A file is missing, damaged, or disagrees with what the source declares.
    UsageError
        An extra that reads such files is not installed.
    ResourceError
        The samples do not fit into memory.
    """
    if isinstance(recipe, JointRecipe):
        parts = [_maker(part, seed, dtype, batch_size) for part in recipe.parts]
        made: Maker = JointBatches(parts, recipe.same_count)
    else:
        made = _maker(recipe, seed, dtype, batch_size)
    return Stream(made, recipe.prefetch if prefetch is None else prefetch)


def _maker(recipe: Recipe, seed: int, dtype: DTypeLike, batch_size: int | None) -> Maker:
    if batch_size is not None:
        recipe = replace(recipe, batch_size=batch_size)
    try:
        if isinstance(recipe.files, TextFile):
            return TextBatches(recipe, recipe.files, dtype)
        if isinstance(recipe.files, ShapeScenes):
            return ShapeBatches(recipe, recipe.files, seed, dtype)
        items = read(recipe.files)
    except MemoryError as error:
        raise ResourceError(f"{recipe.name}: the samples do not fit into memory; take a smaller part") from error
    batches = (PairBatches if recipe.pairs else Batches)(recipe, items, seed, dtype)
    if recipe.classes is not None:
        for top in recipe.labels:
            batches.check_labels(top, recipe.classes, None, None)
    return batches


@singledispatch
def read(files: object) -> Items:
    """Read what a recipe names; one implementation a kind of files."""
    raise TypeError(f"no reader for {type(files).__name__}")


read.register(DigitsFiles, npz.read_digits)
read.register(IdxFiles, idx.read_pair)
read.register(CifarFiles, cifar.read_batches)
read.register(NpzFile, npz.read_npz)
read.register(SyntheticItems, synthetic.make)
read.register(CsvFile, table.read_table)
read.register(Hdf5Files, hdf5.read_hdf5)
read.register(ImageFiles, images.read_images)
