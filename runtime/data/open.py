"""From a recipe to a stream: reads the files, checks what they claim."""

from __future__ import annotations

from functools import singledispatch

from numpy.typing import DTypeLike

from runtime.data import cifar, idx, npz, synthetic
from runtime.data.batches import Batches
from runtime.data.items import Items
from runtime.data.recipe import CifarFiles, DigitsFiles, IdxFiles, NpzFile, Recipe, SyntheticItems
from runtime.data.stream import Stream
from runtime.errors import ResourceError


def open_stream(recipe: Recipe, *, seed: int, dtype: DTypeLike = "float32", prefetch: bool | None = None) -> Stream:
    """Open a source: its files are read and checked now, so that nothing fails hours later.

    Parameters
    ----------
    recipe : Recipe
        What ``source.recipe(phase)`` gives.
    seed : int
        Decides the order of the samples and the random transforms.
    dtype : dtype
        ``float32`` or ``float64``.
    prefetch : bool, optional
        Make batches ahead in a thread; default: what the recipe says. The bits are the same either way.

    Raises
    ------
    DataError
        A file is missing, damaged, or disagrees with what the source declares.
    ResourceError
        The samples do not fit into memory.
    """
    try:
        items = read(recipe.files)
    except MemoryError as error:
        raise ResourceError(f"{recipe.name}: the samples do not fit into memory; take a smaller part") from error
    stream = Stream(Batches(recipe, items, seed, dtype), recipe.prefetch if prefetch is None else prefetch)
    if recipe.classes is not None and not isinstance(recipe.files, NpzFile):
        # An archive may hold labels that a loss ignores; the trainer, who knows which, checks those.
        for top in recipe.tops[1:]:
            stream.check_labels(top, recipe.classes)
    return stream


@singledispatch
def read(files: object) -> Items:
    """Read what a recipe names; one implementation a kind of files."""
    raise TypeError(f"no reader for {type(files).__name__}")


read.register(DigitsFiles, npz.read_digits)
read.register(IdxFiles, idx.read_pair)
read.register(CifarFiles, cifar.read_batches)
read.register(NpzFile, npz.read_npz)
read.register(SyntheticItems, synthetic.make)
