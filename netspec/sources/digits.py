"""The handwritten digits that are in the package."""

from __future__ import annotations

from typing import ClassVar

from netspec.sources.base import Shape
from netspec.sources.class_pictures import ClassPictures
from netspec.spec.registry import source
from runtime.data.recipe import DigitsFiles, Files


@source(name="digits")
class Digits(ClassPictures):
    """1,797 real handwritten digits, 1 x 8 x 8, values 0 to 16, in the package: no download.

    Tops
        data : 1 x 8 x 8, label : 0 to 9.
    Halves
        test = every sample whose index is divisible by 5 (360), train = the others (1,437).
    Source
        UCI "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, CC BY 4.0.
    """

    levels: ClassVar[tuple[float, float]] = (0.0, 16.0)

    def item(self) -> Shape:
        return (1, 8, 8)

    def files(self, test: bool) -> Files:
        return DigitsFiles(test=test)
