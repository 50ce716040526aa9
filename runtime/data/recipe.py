"""What to read and how to transform it, as plain data (no NumPy here).

A recipe is made by an entry of ``netspec.sources`` and opened by
`runtime.data.open.open_stream`; between the two, nothing has touched a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Transform:
    """Caffe's ``transform_param`` on the first top, in this order: pad, crop, mirror, mean, scale.

    ``y = (x - mean) * scale``. ``random`` is true in training: the crop's place
    and the mirror are drawn; otherwise the crop is the centre and nothing is mirrored.

    Attributes
    ----------
    pad : int
        Pixels of zeros on each border, before the crop.
    crop : int
        Side of the square crop in pixels; 0 means none.
    mirror : bool
        Flip left and right with probability 1/2, when ``random``.
    mean : tuple of float
        Empty, one value, or one a channel.
    mean_file : Path or None
        ``.npy`` of the shape of an item before pad and crop.
    scale : float
        Factor after the mean is taken off.
    random : bool
        Draw, or take the centre.
    """

    pad: int = 0
    crop: int = 0
    mirror: bool = False
    mean: tuple[float, ...] = ()
    mean_file: Path | None = None
    scale: float = 1.0
    random: bool = False

    @property
    def changes(self) -> bool:
        """Whether values come out other than they went in."""
        return bool(self.mean) or self.mean_file is not None or self.scale != 1.0


@dataclass(frozen=True, kw_only=True)
class DigitsFiles:
    """The 1,797 digits in the package; ``test`` takes every index divisible by 5."""

    test: bool


@dataclass(frozen=True, kw_only=True)
class IdxFiles:
    """A pair of idx files (images, labels), each as it is or with ``.gz``.

    ``folders`` are looked through in order; ``title`` begins and ``hint`` ends the message
    when none has the files.
    """

    folders: tuple[Path, ...]
    images: str
    labels: str
    item: tuple[int, ...]
    hint: str
    title: str = "the data set"


@dataclass(frozen=True, kw_only=True)
class CifarFiles:
    """CIFAR-10's binary batches: records of 1 label byte and 3,072 pixel bytes (3 x 32 x 32)."""

    folders: tuple[Path, ...]
    names: tuple[str, ...]
    hint: str
    title: str = "CIFAR-10"


@dataclass(frozen=True, kw_only=True)
class NpzFile:
    """Arrays of an ``.npz`` archive, first axis = samples; ``arrays`` are their keys, one a top."""

    path: Path
    arrays: tuple[str, ...]
    item: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SyntheticItems:
    """Made-up samples: a smooth pattern a class plus noise, the same on every machine."""

    item: tuple[int, ...]
    classes: int
    samples: int
    seed: int
    test: bool


@dataclass(frozen=True, kw_only=True)
class ShapeScenes:
    """Scenes of coloured shapes: what is drawn, and how large; the two halves share no scene.

    Attributes
    ----------
    size : int
        Height and width of a picture in pixels.
    classes, objects, rois, steps : int
        Kinds of shapes and the background, shapes a picture at most, regions a picture, words of a caption.
    radius : float
        Of the nearest shapes, of the side of a picture.
    noise : float
        Standard deviation of a pixel, of 1 from black to white.
    motion : float
        How far a shape moves along each axis at most, in pixels.
    count, seed : int
        Pictures of this half; which ones.
    """

    size: int
    classes: int
    objects: int
    rois: int
    steps: int
    radius: float
    noise: float
    motion: float
    count: int
    seed: int
    test: bool


@dataclass(frozen=True, kw_only=True)
class CsvFile:
    """Columns of a table with a header, ``columns`` and whether it is a ``single`` one for each top.

    A cell that is one of ``class_names`` counts as its number among them.
    """

    path: Path
    columns: tuple[tuple[str, ...], ...]
    single: tuple[bool, ...]
    delimiter: str = ","
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TextFile:
    """A text, its characters in windows of ``steps``; or its words, the ``most`` commonest if that is given."""

    path: Path
    steps: int
    words: bool = False
    most: int | None = None


@dataclass(frozen=True, kw_only=True)
class Hdf5Files:
    """Datasets of an HDF5 file, or of those that a text file lists; ``arrays`` are their names, one a top."""

    path: Path
    arrays: tuple[str, ...]
    item: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """Pictures that a list names, or of a folder with one subfolder a class.

    Attributes
    ----------
    path : Path
        The list or the folder.
    base : Path
        What the list's relative paths are relative to; the folder.
    channels : int
        3 or 1.
    resize : tuple of int
        Nothing, the shorter side, or height and width, in pixels.
    size : tuple of int or None
        Height and width that all have then; None where they differ.
    least : int
        Pixels that the shorter side must have for the crop.
    classes : int or None
        Subfolders that there must be.
    class_names : tuple of str
        Subfolders in the order of their numbers; empty: sorted.
    """

    path: Path
    base: Path
    is_folder: bool
    channels: int = 3
    resize: tuple[int, ...] = ()
    size: tuple[int, int] | None = None
    least: int = 0
    classes: int | None = None
    class_names: tuple[str, ...] = ()


Files = (
    DigitsFiles
    | IdxFiles
    | CifarFiles
    | NpzFile
    | SyntheticItems
    | ShapeScenes
    | CsvFile
    | TextFile
    | Hdf5Files
    | ImageFiles
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything `runtime.data.open.open_stream` needs to know of a source in a phase.

    Attributes
    ----------
    name : str
        The source as a user calls it (``mnist``), for messages.
    files : Files
        What to read.
    tops : tuple of str
        Blob names, the first one is what the transform acts on.
    batch_size : int
        Samples a batch.
    transform : Transform
        Applied to the first top.
    part : tuple of float
        ``[a, b)`` as fractions of the samples in file order.
    classes : int or None
        Labels lie in ``[0, classes)``; None when the source does not say.
    labels : tuple of str
        Tops that are looked at for that when the source is opened; others a loss may ignore.
    pairs : bool
        Tops are two samples and whether they are of one class.
    shuffle : bool
        A fresh seeded permutation each epoch.
    prefetch : bool
        Batches are made ahead by one thread.
    """

    name: str
    files: Files
    tops: tuple[str, ...]
    batch_size: int
    transform: Transform
    part: tuple[float, float] = (0.0, 1.0)
    classes: int | None = None
    labels: tuple[str, ...] = ()
    pairs: bool = False
    shuffle: bool = False
    prefetch: bool = False


@dataclass(frozen=True, kw_only=True)
class JointRecipe:
    """Several sources whose batches are one; ``same_count``: they must have as many samples."""

    parts: tuple[Recipe, ...]
    same_count: bool = False

    @property
    def name(self) -> str:
        """The sources as a user calls them."""
        return " + ".join(part.name for part in self.parts)

    @property
    def prefetch(self) -> bool:
        """Whether batches are made ahead by one thread."""
        return any(part.prefetch for part in self.parts)
