"""Datasets of HDF5 files."""

from __future__ import annotations

from netspec.sources import paths
from netspec.sources.arrays import Arrays
from netspec.sources.base import Shape
from netspec.spec.registry import source
from runtime.data.hdf5_file import headers_of
from runtime.data.recipe import Files, Hdf5Files


@source(name="hdf5")
class Hdf5(Arrays):
    """Datasets of an HDF5 file, the first axis counts the samples; needs the extra ``hdf5`` (h5py).

    Tops
        They name the datasets, any number of them; integers in one axis are labels. With ``shape``
        (of a sample of the first top) the others are labels and no file is opened before it is read.
    Files
        ``file`` is an HDF5 file, or a text that lists some, one a line, relative to it: their
        samples follow each other.
    Source
        Caffe ``HDF5Data``.
    """

    def files(self, test: bool) -> Files:
        path = paths.find(self, "file", self.file)
        return Hdf5Files(path=path, arrays=self.wanted(), item=self.shape)

    def headers(self) -> list[tuple[Shape, bool]]:
        return headers_of(paths.find(self, "file", self.file), self.wanted())
