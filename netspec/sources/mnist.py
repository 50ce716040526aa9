"""MNIST and Fashion-MNIST: the same four idx files under two names."""

from __future__ import annotations

from typing import ClassVar

from netspec.sources import paths
from netspec.sources.base import Shape
from netspec.sources.class_pictures import ClassPictures
from netspec.spec.registry import source
from runtime.data.recipe import Files, IdxFiles


@source(name="mnist")
class Mnist(ClassPictures):
    """Handwritten digits, 60,000 for training and 10,000 for test, 1 x 28 x 28, values 0 to 255.

    Tops
        data : 1 x 28 x 28, label : 0 to 9.
    Files
        ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``, ``t10k-..``, each with or without
        ``.gz``, in ``<root>/mnist/`` or ``<root>/``.
    Source
        Y. LeCun, C. Cortes, C. Burges.
    """

    title: ClassVar[str] = "MNIST"

    def item(self) -> Shape:
        return (1, 28, 28)

    def files(self, test: bool) -> Files:
        folders = paths.search_folders(self)
        half = "t10k" if test else "train"
        return IdxFiles(
            folders=folders,
            images=f"{half}-images-idx3-ubyte",
            labels=f"{half}-labels-idx1-ubyte",
            item=self.item(),
            hint=paths.hint(folders, self.type_name),
            title=self.title,
        )


@source(name="fashion-mnist")
class FashionMnist(Mnist):
    """Articles of clothing in MNIST's form: 60,000 and 10,000, 1 x 28 x 28, ten classes.

    Files
        Named like MNIST's, in ``<root>/fashion-mnist/`` or ``<root>/``.
    Source
        H. Xiao, K. Rasul, R. Vollgraf 2017.
    """

    title: ClassVar[str] = "Fashion-MNIST"
    class_names = (
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )  # fmt: skip
