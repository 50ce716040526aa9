"""Made-up samples, for trials of speed and for tests."""

from __future__ import annotations

from netspec.sources.base import Shape, Source
from netspec.spec.fields import field
from netspec.spec.registry import source
from runtime.data.recipe import Files, SyntheticItems


@source(name="synthetic")
class Synthetic(Source):
    """Samples made from a seed: a smooth pattern a class plus noise, so that a net can learn them.

    Tops
        data : ``shape``, values about -1 to 1, label : 0 to ``classes`` - 1.

    Notes
    -----
        The same samples on every machine; the test half has other noise than the training half.
    """

    shape: tuple[int, ...] = field((3, 32, 32), minimum=1, doc="shape of a sample, C x H x W or any other")
    classes: int = field(10, minimum=1, doc="number of classes")
    samples: int = field(1000, minimum=1, doc="samples in each half")
    seed: int = field(0, minimum=0, doc="which samples")

    def item(self) -> Shape:
        return self.shape

    def class_count(self) -> int:
        return self.classes

    def files(self, test: bool) -> Files:
        return SyntheticItems(item=self.shape, classes=self.classes, samples=self.samples, seed=self.seed, test=test)
