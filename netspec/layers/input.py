"""Input."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Layer, Shape, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Input(Layer):
    """Blobs that the caller feeds.

    Shapes
        -> each top : ``shape``, batch included (``inputs:`` at the top of a spec gives the
        shape of one item instead).
    Gradient
        Kept for the caller on demand.
    Source
        Caffe ``InputLayer``.
    Example
        - {name: image, type: Input, shape: [2, 3, 6, 6]}
        - {name: relu, type: ReLU}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (0, 0)
    tops: ClassVar[tuple[int, int | None]] = (1, None)
    fed: ClassVar[bool] = True

    shape: tuple[int, ...] = field(minimum=1, doc="sizes of every top, batch first")

    def shapes(self) -> tuple[Shape, ...]:
        return (self.shape,) * max(1, len(self.top_names))

    def lower(self, b: Builder) -> tuple[Value, ...]:
        return tuple(b.input(name, self.shape) for name in self.top_names or (self.name,))
