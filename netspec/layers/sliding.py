"""What Convolution, Deconvolution and Pooling have in common: the window and how it moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from netspec.layers.axes import map_axes
from netspec.layers.windows import Axis, Reach, misfit_hint, misfit_message
from netspec.spec.layer import Layer, Problem, ShapeError, field

if TYPE_CHECKING:
    from netspec.spec.layer import Shape
    from runtime.ops import Pair


WORDS = {"kernel": "kernel_size", "stride": "stride", "pad": "pad"}
"""How the fields of one side begin (``kernel_h``), and the field for both."""

NAMES = {1: ("positions",), 2: ("rows", "columns"), 3: ("slices", "rows", "columns")}
"""What lies along each axis behind N x C, by their number."""

MAPS = {1: "N x C x L", 2: "N x C x H x W", 3: "N x C x D x H x W"}


IGNORED_ENGINE = "engine is read and ignored: the compiler chooses the kernels"


class Sliding(Layer):
    """Base of the layers with a window: one value for all sides, [height, width], or the h and w fields.

    ``dimensions`` are the numbers of axes that the window may slide along;
    [depth, height, width] where it is three.
    """

    dimensions: ClassVar[tuple[int, ...]] = (2,)

    instead: ClassVar[dict[str, tuple[str, ...]]] = {
        **Layer.instead,
        **{whole: (f"{word}_h", f"{word}_w") for word, whole in WORDS.items()},
        **{f"{word}_{side}": (whole,) for word, whole in WORDS.items() for side in "hw"},
    }

    kernel_size: tuple[int, ...] = field((), minimum=1, doc="window: one side, or height and width", unit="pixels")
    kernel_h: int | None = field(None, minimum=1, doc="height of the window", unit="pixels")
    kernel_w: int | None = field(None, minimum=1, doc="width of the window", unit="pixels")
    stride: tuple[int, ...] = field((1,), minimum=1, doc="step of the window: one, or down and right", unit="pixels")
    stride_h: int | None = field(None, minimum=1, doc="step down", unit="pixels")
    stride_w: int | None = field(None, minimum=1, doc="step right", unit="pixels")
    pad: tuple[int, ...] = field((0,), minimum=0, doc="zeros on each side: one, or rows and columns", unit="pixels")
    pad_h: int | None = field(None, minimum=0, doc="rows of zeros above and below", unit="pixels")
    pad_w: int | None = field(None, minimum=0, doc="columns of zeros left and right", unit="pixels")

    engine: str | None = field(None, choices=("DEFAULT", "CAFFE", "CUDNN"), doc="ignored: the compiler chooses")

    def problems(self) -> Iterator[Problem]:
        """Yield what is said twice, of the wrong length, or without effect."""
        yield from super().problems()
        if self.engine is not None:
            yield Problem("W121", "engine", IGNORED_ENGINE, "drop engine", "warning")
        for word, name in WORDS.items():
            sides = getattr(self, f"{word}_h"), getattr(self, f"{word}_w")
            if self.said(name) and sides != (None, None):
                hint = f"keep {name}, or {word}_h and {word}_w"
                yield Problem("E511", name, f"{name} and {word}_h/{word}_w say the same", hint)
        for name in WORDS.values():
            yield from self.too_long(name)

    def too_long(self, name: str) -> Iterator[Problem]:
        """Yield a list with more values than a window has sides."""
        values, most = getattr(self, name), max(self.dimensions)
        if len(values) > most:
            got, kept = (", ".join(map(str, v)) for v in (values, values[:most]))
            yield Problem("E512", name, f"{name} has {len(values)} values: [{got}]", f"{name}: [{kept}]")

    def said(self, name: str) -> bool:
        """Whether field ``name`` was given, in a spec or in Python."""
        return self.given(name) or getattr(self, name) != self.specs[name].default

    def kernel_missing(self) -> Iterator[Problem]:
        """Yield the side of the kernel that is not given."""
        if self.kernel_size:
            return
        if self.kernel_h is None and self.kernel_w is None:
            yield Problem("E502", None, f"{type(self).__name__} needs kernel_size", "kernel_size: 3")
        elif self.kernel_h is None or self.kernel_w is None:
            have, lacks = ("kernel_h", "kernel_w") if self.kernel_w is None else ("kernel_w", "kernel_h")
            yield Problem("E502", have, f"{have} is given, {lacks} is not", f"{lacks}: {getattr(self, have)}")

    @property
    def kernel(self) -> Pair:
        """(height, width) of the window."""
        return self._pair(self.kernel_size, self.kernel_h, self.kernel_w)

    @property
    def steps(self) -> Pair:
        """Strides (down, right)."""
        return self._pair(self.stride, self.stride_h, self.stride_w)

    @property
    def pads(self) -> Pair:
        """Rows and columns of padding on each side."""
        return self._pair(self.pad, self.pad_h, self.pad_w)

    @property
    def holes(self) -> Pair:
        """Dilations (down, right)."""
        return 1, 1

    def positive(self, axis: Axis, out: int, x: Shape, inverse: bool = False) -> int:
        """``out`` if there is at least one window along ``axis``.

        Parameters
        ----------
        x
            Shape of the bottom: what is advised fits all its axes.
        inverse
            Whether the size is that of a Deconvolution.

        Raises
        ------
        ShapeError
            With the formula and what would fit.
        """
        if out >= 1:
            return out
        kernels, pads = zip(*(_fitting(a, inverse) for a in self.axes(x)), strict=True)
        kernel, pad = (max(kernels), min(pads)) if inverse else (min(kernels), max(pads))
        parts = []
        if axis.dilation == 1 and kernel >= 1 and self.spelled("kernel_size", axis) == "kernel_size":
            parts.append(f"kernel_size {kernel}")
        if pad >= 0 and self.spelled("pad", axis) == "pad":
            parts.append(f"pad {pad}")
        formula = axis.inverse_formula() if inverse else axis.formula()
        hint = f"{' or '.join(parts)} fits" if parts else None
        field = self.spelled("kernel_size", axis)
        raise ShapeError("E410", f"the output would have {out} {axis.name}: {formula}", hint, field)

    def fitted(self, axis: Axis, out: int, x: Shape) -> int:
        """Return ``out`` if it is a size, and one that ``round`` allows; else ShapeError."""
        made = self.positive(axis, out, x)
        self.check_exact(axis, x)
        return made

    def check_exact(self, axis: Axis, x: Shape) -> None:
        """Raise ShapeError where ``round: exact`` is asked for and the stride does not fit."""
        if self.round == "exact" and not axis.fits:
            hint = self.fitting(x, lambda a: a.fits)
            raise ShapeError("E411", misfit_message([axis]), hint, self.spelled("stride", axis))

    def fitting(self, x: Shape, fits: Callable[[Axis], bool]) -> str | None:
        """``pad 1 or stride 2 fits``; None if nothing does, or where sides have fields of their own."""
        along = self.axes(x)
        plain = all(self.spelled(name, axis) == name for name in ("stride", "pad") for axis in along)
        return misfit_hint(along, fits) or None if plain else None

    def spelled(self, name: str, axis: Axis) -> str:
        """The field that decides along ``axis``: ``stride``, or ``stride_h`` where that is given."""
        side = f"{name.removesuffix('_size')}_{'w' if axis.name == 'columns' else 'h'}"
        return name if getattr(self, side) is None else side

    def _pair(self, values: tuple[int, ...], h: int | None, w: int | None) -> Pair:
        low, high = (values[0], values[-1]) if values else (1, 1)
        return low if h is None else h, high if w is None else w

    def sides(self, name: str, count: int) -> tuple[int, ...]:
        """What ``kernel_size``, ``stride``, ``pad`` or ``dilation`` says for each of ``count`` axes.

        Raises
        ------
        ShapeError
            Where it has values for another number of axes.
        """
        values: tuple[int, ...] = getattr(self, name, (1,)) or (1,)
        word = name.removesuffix("_size")
        given = [side for side in "hw" if getattr(self, f"{word}_{side}", None) is not None]
        if given and count != 2:
            field = f"{word}_{given[0]}"
            message = f"{field} is for {MAPS[2]}, the bottom is {MAPS[count]}"
            raise ShapeError("E512", message, f"{name}: {getattr(self, field)}", field)
        if len(values) not in (1, count):
            along = "1 axis" if count == 1 else f"{count} axes"
            message = f"{name} has {len(values)} values, {MAPS[count]} has {along} to slide along"
            kept = (*values, *values[-1:] * count)[:count]
            hint = f"{name}: {kept[0] if len(set(kept)) == 1 else list(kept)}"
            raise ShapeError("E512", message, hint, name)
        if count == 2:
            return self._pair(values, getattr(self, f"{word}_h", None), getattr(self, f"{word}_w", None))
        return values * count if len(values) == 1 else values

    def window(self, count: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Kernel, strides, pads and dilations along each of ``count`` axes."""
        kernel, stride, pad, dilation = (self.sides(n, count) for n in (*WORDS.values(), "dilation"))
        return kernel, stride, pad, dilation

    def axes(self, x: Shape) -> tuple[Axis, ...]:
        """The window along each axis behind N x C: the rows and the columns of an N x C x H x W bottom."""
        count = len(map_axes(type(self).__name__, x, self.dimensions)) - 2
        return tuple(map(Axis, NAMES[count], x[2:], *self.window(count)))

    def sees(self, x: Shape) -> Reach:
        """What an element of the top sees of a bottom of this shape."""
        along = self.axes(x)
        return Reach(tuple(Fraction(a.extent - 1) for a in along), tuple(Fraction(a.stride) for a in along))


def _fitting(axis: Axis, inverse: bool) -> Pair:
    """The largest kernel and the smallest pad that leave one window (of a Deconvolution: smallest and largest)."""
    if inverse:
        reach = axis.stride * (axis.size - 1)
        return 2 * axis.pad - reach + 1, (reach + axis.extent - 1) // 2
    return axis.size + 2 * axis.pad, -(-(axis.extent - axis.size) // 2)
