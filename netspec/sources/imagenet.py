"""ImageNet: its shape alone, so that nets for it can be checked and costed without the pictures."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.sources.base import Shape, Source
from netspec.spec.fields import Problem
from netspec.spec.registry import source
from runtime.data.recipe import Files
from runtime.errors import UsageError


@source(name="imagenet")
class ImageNet(Source):
    """The shape of ImageNet's samples, 3 x crop_size x crop_size in 1,000 classes.

    Tops
        data : 3 x crop_size x crop_size, label : 0 to 999.

    Notes
    -----
        Reading pictures is not there yet: ``check``, ``inspect``, ``plan`` and ``time`` work, training does not.
    """

    def item(self) -> Shape:
        return (3, self.crop_size, self.crop_size)

    def class_count(self) -> int:
        return 1000

    def files(self, test: bool) -> Files:
        raise UsageError(
            "source imagenet gives shapes only, it cannot read pictures yet; "
            "train on npz, cifar10 or synthetic, or feed batches from Python"
        )

    def problems(self) -> Iterator[Problem]:
        if not self.crop_size:
            yield Problem("E657", None, "imagenet needs crop_size: its pictures have many sizes", "crop_size: 224")
            return
        yield from super().problems()
