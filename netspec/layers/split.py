"""Split."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Layer, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Split(Layer):
    """Several names for one blob; any number of layers may read a blob without it.

    Shapes
        x : any -> each top : same.
    Gradient
        The sum over the tops.
    Source
        Caffe ``SplitLayer``.
    Example
        - {name: both, type: Split, top: [left, right]}
        - {name: sum, type: Eltwise, bottom: [left, right]}
    """

    tops: ClassVar[tuple[int, int | None]] = (1, None)
    passes_on: ClassVar[bool] = True
    moves_only: ClassVar[bool] = True

    def shapes(self, x: Shape) -> tuple[Shape, ...]:
        return (x,) * max(1, len(self.top_names))

    def lower(self, b: Builder, x: Value) -> tuple[Value, ...]:
        return (x,) * max(1, len(self.top_names))
