"""Filter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import indices
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field, layer

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


@layer
class Filter(Layer):
    """The samples that the last bottom selects, moved to the front.

    Shapes
        one or more of N x .., then selector : N (or N x 1 x ..), 0 or not
        -> one top for each but the selector, of the same shape; one more top,
        if named, gets the number of samples kept, a single number.
    Formula
        Top k begins with the selected samples of bottom k in their order; what is behind
        them is ``fill``.
    Gradient
        A kept sample gets its place's gradient, the others 0; the selector has none.
    Source
        Caffe ``FilterLayer``. There the tops shrink to the samples kept; here shapes do not
        depend on data, so the tops keep N places. To leave the rest out of a loss, fill the
        labels with what it ignores: ``fill: [0, -1]`` with ``ignore_label: -1``.
    Example
        inputs: {x: [4], label: [], use: []}
        layers:
          - {name: kept, type: Filter, bottom: [x, label, use], top: [x_kept, label_kept, count], fill: [0, -1]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (2, None)
    tops: ClassVar[tuple[int, int | None]] = (1, None)
    passes_on: ClassVar[bool] = True
    moves_each: ClassVar[bool] = True

    fill: tuple[float, ...] = field((0.0,), doc="what stands behind the samples kept: one value, or one a top")

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if not self.fill:
            yield Problem("E512", "fill", "fill is empty", "fill: 0")

    def shapes(self, *bottoms: Shape) -> tuple[Shape, ...]:
        *data, selector = bottoms
        for x in data:
            indices.check_one_a_sample(x, selector, "selector")
        named = len(self.top_names) or len(data)
        if named not in (len(data), len(data) + 1):
            makes = f"{len(data)} {'top' if len(data) == 1 else 'tops'}, or {len(data) + 1} with the count"
            message = f"Filter makes {makes}; {named} are named"
            raise ShapeError("E306", message, None, "top")
        if len(self.fill) not in (1, len(data)):
            raise ShapeError(
                "E512", f"fill has {len(self.fill)} values for {len(data)} data bottoms", "one, or one each", "fill"
            )
        return (*data, ())[:named]

    def lower(self, b: Builder, *bottoms: Value) -> tuple[Value, ...]:
        *data, selector = bottoms
        n = selector.shape[0]
        column, row = b.index((n, n), 0), b.index((n, n), 1)
        keep = b.to_float(b.not_equal(b.reshape(selector, (n,)), 0))
        # the place of sample j is the number of those kept before it; place i takes the sample that it belongs to
        place = b.reshape(b.sum(b.where(row < column, b.reshape(keep, (1, n)), 0.0), 1), (1, n))
        chosen = b.where(b.equal(b.to_float(column), place), b.reshape(keep, (1, n)), 0.0)
        source = b.apply("to_int", b.reshape(b.sum(chosen * b.to_float(row + 1), 1), (n,))) - 1
        count = b.as_scalar(b.sum(keep))
        fills = self.fill * len(data) if len(self.fill) == 1 else self.fill
        made = [self._moved(b, x, source, fill) for x, fill in zip(data, fills, strict=True)]
        return (*made, count)[: len(self.top_names) or len(data)]

    @staticmethod
    def _moved(b: Builder, x: Value, source: Value, fill: float) -> Value:
        y = b.gather(x, source)
        if fill == 0:
            return y
        there = b.reshape(source, (x.shape[0], *(1,) * (x.rank - 1))) >= 0
        return b.where(there, y, fill if x.kind == "float" else int(fill))
