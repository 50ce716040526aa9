"""CIFAR-10 from its binary batches."""

from __future__ import annotations

from netspec.sources import paths
from netspec.sources.base import Shape
from netspec.sources.class_pictures import ClassPictures
from netspec.spec.registry import source
from runtime.data.recipe import CifarFiles, Files

FOLDER = "cifar-10-batches-bin"


@source(name="cifar10")
class Cifar10(ClassPictures):
    """Small colour pictures of ten kinds, 50,000 and 10,000, 3 x 32 x 32 (R, G, B), values 0 to 255.

    Tops
        data : 3 x 32 x 32, label : 0 to 9.
    Files
        ``data_batch_1.bin`` .. ``data_batch_5.bin``, ``test_batch.bin`` in ``<root>/cifar10/`` or
        ``<root>/``, or in a folder ``cifar-10-batches-bin`` in one of them.
    Source
        A. Krizhevsky 2009.
    """

    class_names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    def item(self) -> Shape:
        return (3, 32, 32)

    def files(self, test: bool) -> Files:
        folders = paths.search_folders(self, FOLDER)
        names = ("test_batch.bin",) if test else tuple(f"data_batch_{i}.bin" for i in range(1, 6))
        return CifarFiles(folders=folders, names=names, hint=paths.hint(folders, self.type_name))
