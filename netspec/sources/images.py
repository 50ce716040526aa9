"""Pictures in files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netspec.sources import paths
from netspec.sources.base import Shape, Source
from netspec.spec.fields import Problem, field
from netspec.spec.registry import source
from runtime.data.recipe import Files, ImageFiles


@source(name="images")
class Images(Source):
    """Pictures that a list names or a folder holds, decoded as they are wanted; needs the extra ``images`` (Pillow).

    Tops
        data : 3 x H x W (red, green, blue; Caffe has blue first), or 1 x H x W with
        ``is_color: false``, values 0 to 255; label : the class.
    Files
        ``list``: lines ``path class``, paths relative to ``root_folder``, else to the list.
        ``folder``: one subfolder for each of ``classes``, numbered in the order of their names, or
        of ``class_names``; the classes take turns, so that a ``part`` has its share of each.
    Sizes
        ``new_height`` and ``new_width`` scale every picture, ``resize`` its shorter side; then
        ``crop_size`` cuts. One of ``crop_size``, both of ``new_..`` or ``shape`` (which all
        pictures then have) tells the shape without opening one.
    Source
        Caffe ``ImageData``.
    """

    path_fields: ClassVar[tuple[str, ...]] = (*Source.path_fields, "list_", "folder", "root_folder")
    unused: ClassVar[tuple[str, ...]] = ("split",)

    list_: str | None = field(None, doc="a text with a picture and its class a line")
    folder: str | None = field(None, doc="a folder with one subfolder a class")
    root_folder: str | None = field(None, doc="what the list's paths are relative to; default: the list's folder")
    new_height: int = field(0, minimum=0, doc="scale to so many rows", unit="pixels")
    new_width: int = field(0, minimum=0, doc="scale to so many columns", unit="pixels")
    resize: int = field(0, minimum=0, doc="scale the shorter side to this, the other alike", unit="pixels")
    is_color: bool = field(True, doc="three channels, or one of grey")
    shape: tuple[int, int, int] | None = field(None, minimum=1, doc="shape of every picture, C x H x W")
    classes: int | None = field(None, minimum=1, doc="number of classes; labels beyond it are an error")
    class_names: tuple[str, ...] = field((), doc="the subfolders in the order of their numbers")

    def item(self) -> Shape:
        if self.new_height and self.new_width:
            return (self.channels, self.new_height, self.new_width)
        return self.shape if self.shape is not None else (self.channels, 0, 0)

    @property
    def channels(self) -> int:
        """3 or 1."""
        return self.shape[0] if self.shape is not None else 3 if self.is_color else 1

    def resizing(self) -> tuple[int, ...]:
        if self.new_height:
            return (self.new_height, self.new_width)
        return (self.resize,) if self.resize else ()

    def class_count(self) -> int | None:
        return len(self.class_names) or self.classes

    def files(self, test: bool) -> Files:
        name = "folder" if self.folder is not None else "list_"
        path = paths.find(self, name, getattr(self, name))
        base = path if self.folder is not None else path.parent
        if self.root_folder is not None:
            base = paths.find(self, "root_folder", self.root_folder)
        height, width = self.item()[1:]
        return ImageFiles(
            path=path,
            base=base,
            is_folder=self.folder is not None,
            channels=self.channels,
            resize=self.resizing(),
            size=(height, width) if height else None,
            least=self.crop_size - 2 * self.pad if not height else 0,
            classes=self.class_count() if self.folder is not None else None,
            class_names=self.class_names,
        )

    def problems(self) -> Iterator[Problem]:
        yield from self._place_problems()
        yield from self._size_problems()
        if self.class_names and self.classes not in (None, len(self.class_names)):
            message = f"classes is {self.classes}, class_names has {len(self.class_names)}"
            yield Problem("E664", "classes", message, "leave classes out")
        yield from super().problems()

    def _place_problems(self) -> Iterator[Problem]:
        if (self.list_ is None) == (self.folder is None):
            message = f"{self.type_name} needs " + (
                "list or folder" if self.list_ is None else "one of list and folder"
            )
            hint = "list: train.txt, with lines `path class`; or folder: train, with a subfolder a class"
            yield Problem("E665", None if self.list_ is None else "folder", message, hint)
        elif self.folder is not None and self.class_count() is None:
            message = "a folder needs classes or class_names: training and test must number its subfolders alike"
            yield Problem("E665", "folder", message, "classes: 10")
        if self.folder is not None and self.root_folder is not None:
            yield Problem("E663", "root_folder", "a folder has no use for root_folder", "leave root_folder out")

    def _size_problems(self) -> Iterator[Problem]:
        if bool(self.new_height) != bool(self.new_width):
            name = "new_height" if self.new_height else "new_width"
            message = "new_height and new_width go together"
            yield Problem("E661", name, message, "resize: 256 scales the shorter side, and keeps the form")
        elif self.new_height and (self.resize or self.shape is not None):
            name = "resize" if self.resize else "shape"
            yield Problem("E661", name, f"new_height and new_width say the size, and so does {name}", f"drop {name}")
        elif self.shape is not None and self.shape[0] not in (1, 3):
            yield Problem("E661", "shape", f"pictures have 1 or 3 channels, got {self.shape[0]}", "shape: [3, H, W]")
        elif not (self.new_height or self.shape is not None or self.crop_size):
            message = f"nothing tells the size of the pictures of {self.type_name}"
            yield Problem("E661", None, message, "crop_size: 224, or new_height and new_width, or shape: [3, H, W]")
