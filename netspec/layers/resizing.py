"""What Interp and Resample share: a size, a matrix for each side, two products."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes
from netspec.layers.windows import Reach
from netspec.spec.layer import Layer, Problem, Shape, ShapeError, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.layers.interpolation import Matrix
    from runtime.ops import Pair

FEW, SMALL = 4, 1 << 20
"""Up to so many channels fill a vector so badly that a matrix is spread over them, if it is small then."""


class Resizing(Layer):
    """Base of the layers that give maps another height and width, by fields or as a second bottom has them."""

    bottoms: ClassVar[tuple[int, int | None]] = (1, 2)
    size_fields: ClassVar[tuple[str, ...]] = ("height", "width")  # then those that scale

    height: int | None = field(None, minimum=1, doc="rows of the top", unit="pixels")
    width: int | None = field(None, minimum=1, doc="columns of the top", unit="pixels")

    def problems(self) -> Iterator[Problem]:
        """Yield a size that is said twice, or by half."""
        yield from super().problems()
        sides = {"height": self.height, "width": self.width}
        have = [name for name, size in sides.items() if size is not None]
        factor = next((name for name in self.size_fields[2:] if getattr(self, name) is not None), None)
        if have and factor is not None:
            yield Problem("E511", factor, f"{factor} and height, width say the same", "keep one of them")
        elif len(have) == 1:
            lacks = "width" if have == ["height"] else "height"
            yield Problem("E502", have[0], f"{have[0]} is given, {lacks} is not", f"{lacks}: {sides[have[0]]}")

    def size(self, height: int, width: int) -> Pair:
        """Height and width that the fields make of those of the bottom."""
        if self.height is not None and self.width is not None:
            return self.height, self.width
        return self.scaled(height, width)

    def scaled(self, height: int, width: int) -> Pair:
        """Height and width of the bottom, scaled."""
        raise NotImplementedError(type(self).__name__)

    def matrix(self, outputs: int, samples: int) -> Matrix:
        """The weights along one axis, outputs x samples."""
        raise NotImplementedError(type(self).__name__)

    def border(self) -> Pair:
        """Rows and columns added before and behind the map, negative where they are cut off."""
        return 0, 0

    def _said(self) -> list[str]:
        return [name for name in self.size_fields if getattr(self, name) != self.specs[name].default]

    def shapes(self, x: Shape, like: Shape | None = None) -> Shape:
        kind = type(self).__name__
        n, c, h, w = axes.four_axes(kind, x)
        if like is not None:
            return n, c, *axes.four_axes(kind, like)[2:]
        if not self._said():
            message = f"{kind} needs a size: {', '.join(self.size_fields)} or a second bottom that has it"
            raise ShapeError("E502", message, f"{self.size_fields[0]}: {2 * h}, {self.size_fields[1]}: {2 * w}")
        more = sum(self.border())
        height, width = self.size(h + more, w + more)
        for name, size, made in (("rows", h, height), ("columns", w, width)):
            if made < 1 or size + more < 1:
                message = f"the output would have {min(made, size + more)} {name}, of {size}"
                hint = "height: 1, width: 1 in its place"
                if size + more < 1:
                    hint = "cut off less: pad_beg: 0, pad_end: 0"
                raise ShapeError("E410", message, hint, self._said()[0])
        return n, c, height, width

    def warnings(self, *bottoms: Shape) -> Iterator[Problem]:
        """Yield a warning for a size that a second bottom overrules."""
        yield from super().warnings(*bottoms)
        for name in self._said() if len(bottoms) > 1 else ():
            yield Problem("W125", name, f"{name} has no effect: the second bottom gives the size", "drop it", "warning")

    def sees(self, x: Shape, like: Shape | None = None) -> Reach:
        """What a pixel of the top sees: the most samples that a row of the matrix weighs."""
        sides = list(zip(self.shapes(x, like)[2:], (n + sum(self.border()) for n in x[2:]), strict=True))
        spans = (_span(self.matrix(outputs, samples)) for outputs, samples in sides)
        return Reach(tuple(map(Fraction, spans)), tuple(Fraction(samples, outputs) for outputs, samples in sides))

    def lower(self, b: Builder, x: Value, like: Value | None = None) -> Value:
        _, _, height, width = self.shapes(x.shape, None if like is None else like.shape)
        if self.border() != (0, 0):
            x = b.pad(x, ((0, 0), (0, 0), self.border(), self.border()))
        return resized(b, x, self.matrix(height, x.shape[2]), self.matrix(width, x.shape[3]))


def resized(b: Builder, x: Value, rows: Matrix, columns: Matrix) -> Value:
    """``rows x columns'`` for each map of an N x C x H x W value.

    Taken with the channels innermost, where they lie; what changes nothing costs nothing.
    """
    n, c, h, w = x.shape
    tall, wide = len(rows), len(columns)
    # the order that multiplies less
    columns_first = h * wide * (w + tall) <= tall * w * (h + wide)
    y = b.transpose(x, (0, 2, 3, 1))
    for along_columns in (columns_first, not columns_first):
        if along_columns and not _is_identity(columns):
            y = _along_columns(b, y, columns)
        elif not along_columns and not _is_identity(rows):
            across = y.shape[2]
            y = b.matmul(b.literal([rows]), b.reshape(y, (n, h, across * c)))
            y = b.reshape(y, (n, tall, across, c))
    return b.transpose(y, (0, 3, 1, 2))


def _along_columns(b: Builder, y: Value, columns: Matrix) -> Value:
    """The product for each row of an N x H x W x C value."""
    n, h, w, c = y.shape
    wide = len(columns)
    if c <= FEW and w * wide * c * c <= SMALL:
        y = b.matmul(b.reshape(y, (n * h, w * c)), b.literal(_spread(columns, c)))
    else:
        y = b.matmul(b.literal([columns]), b.reshape(y, (n * h, w, c)))
    return b.reshape(y, (n, h, wide, c))


def _spread(columns: Matrix, channels: int) -> Matrix:
    """W C x Wo C: each weight for every channel, from samples to outputs."""
    made = [[0.0] * (len(columns) * channels) for _ in range(len(columns[0]) * channels)]
    for i, weights in enumerate(columns):
        for k, weight in enumerate(weights):
            for c in range(channels if weight else 0):
                made[k * channels + c][i * channels + c] = weight
    return made


def _span(matrix: Matrix) -> int:
    """The longest way from the first to the last sample of an output."""
    used = ([k for k, weight in enumerate(row) if weight] for row in matrix)
    return max(found[-1] - found[0] for found in used)


def _is_identity(matrix: Matrix) -> bool:
    square = len(matrix) == len(matrix[0])
    return square and all(weight == (i == k) for i, row in enumerate(matrix) for k, weight in enumerate(row))
