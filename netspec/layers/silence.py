"""Silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.spec.layer import Layer, Shape, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Silence(Layer):
    """Reads blobs and makes nothing: they are no outputs of the net.

    Shapes
        any bottoms; no top.
    Gradient
        None.
    Source
        Caffe ``SilenceLayer``.
    Example
        - {name: parts, type: Slice, top: [first, second, third]}
        - {type: Silence, bottom: [second, third]}
        - {name: relu, type: ReLU, bottom: first}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (1, None)
    tops: ClassVar[tuple[int, int | None]] = (0, 0)

    def shapes(self, *bottoms: Shape) -> tuple[Shape, ...]:
        return ()

    def lower(self, b: Builder, *bottoms: Value) -> tuple[Value, ...]:
        return ()
