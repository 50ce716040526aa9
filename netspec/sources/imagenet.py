"""ImageNet: its shape and classes, so that nets for it can be checked and costed without the pictures."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.sources.base import Shape
from netspec.sources.images import Images
from netspec.spec.fields import Problem, field
from netspec.spec.registry import source
from runtime.data.recipe import Files
from runtime.errors import UsageError


@source(name="imagenet")
class ImageNet(Images):
    """ImageNet's samples, 3 x crop_size x crop_size in 1,000 classes, read like ``images`` where it says from where.

    Tops
        data : 3 x crop_size x crop_size, label : 0 to 999.

    Notes
    -----
        Without ``list`` or ``folder`` it gives shapes only: ``check``, ``inspect``, ``plan`` and ``time``
        work, training does not.
    """

    classes: int | None = field(1000, minimum=1, doc="number of classes; labels beyond it are an error")

    def item(self) -> Shape:
        known = super().item()
        return known if self.list_ is not None or self.folder is not None or known[1] else (3, 0, 0)

    def files(self, test: bool) -> Files:
        if self.list_ is None and self.folder is None:
            raise UsageError(
                "source imagenet does not know where its pictures are: add list: or folder: to train and test "
                "(as for source images), or feed batches from Python"
            )
        return super().files(test)

    def _place_problems(self) -> Iterator[Problem]:
        if self.list_ is not None or self.folder is not None:
            yield from super()._place_problems()

    def _size_problems(self) -> Iterator[Problem]:
        if not self.crop_size:
            yield Problem("E657", None, "imagenet needs crop_size: its pictures have many sizes", "crop_size: 224")
        else:
            yield from super()._size_problems()
