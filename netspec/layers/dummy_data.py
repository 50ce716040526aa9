"""DummyData."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.fillers.constant import Constant
from netspec.layers import axes
from netspec.spec.layer import Filler, Layer, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class DummyData(Layer):
    """Blobs made by fillers, drawn anew in every iteration.

    Shapes
        -> each top : ``shape``, or its entry there: ``shape: {data: [8, 3], label: [8]}``.
    Gradient
        None.
    Source
        Caffe ``DummyDataLayer``.
    Example
        - {name: noise, type: DummyData, shape: [3, 6, 6], data_filler: gaussian}
        - {name: sum, type: Expression, bottom: [x, noise], expr: x + noise}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (0, 0)
    tops: ClassVar[tuple[int, int | None]] = (1, None)

    shape: dict[str, tuple[int, ...]] | tuple[int, ...] = field(
        minimum=1, doc="sizes of every top, batch first, or a mapping from tops to sizes"
    )
    data_filler: tuple[Filler, ...] = field((), doc="one for all tops, or one for each; default: 0")

    def shapes(self) -> tuple[Shape, ...]:
        sizes = self.shape if isinstance(self.shape, dict) else dict.fromkeys(self._tops(), self.shape)
        if sizes.keys() != set(self._tops()):
            message = f"shape names {', '.join(sizes)}, the tops are {', '.join(self._tops())}"
            raise ShapeError("E418", message, f"top: [{', '.join(sizes)}]", "shape")
        if len(self.data_filler) not in (0, 1, len(sizes)):
            message = f"{len(self.data_filler)} fillers for {len(sizes)} tops"
            raise ShapeError("E423", message, "write one, or one for each top", "data_filler")
        for filler, top in zip(self._fillers(), self._tops(), strict=True):
            axes.check_filler(filler, sizes[top], "data_filler")
        return tuple(sizes[top] for top in self._tops())

    def _tops(self) -> tuple[str, ...]:
        return self.top_names or (self.name,)

    def _fillers(self) -> tuple[Filler, ...]:
        given = self.data_filler or (Constant(value=0.0),)
        return given if len(given) > 1 else given * len(self._tops())

    def lower(self, b: Builder) -> tuple[Value, ...]:
        made = []
        for top, filler, shape in zip(self._tops(), self._fillers(), self.shapes(), strict=True):
            made.append(filler.lower(b, shape, b.stream(f"{self.name}.{top}")))
        return tuple(made)
