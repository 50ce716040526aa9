"""What Convolution, Deconvolution and Pooling have in common: the window and how it moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers.windows import Axis, misfit_hint, misfit_message
from netspec.spec.layer import Layer, Problem, ShapeError, field

if TYPE_CHECKING:
    from netspec.spec.layer import Shape

Pair = tuple[int, int]

WORDS = {"kernel": "kernel_size", "stride": "stride", "pad": "pad"}
"""How the fields of one side begin (``kernel_h``), and the field for both."""


class Sliding(Layer):
    """Base of the layers with a window: one value for both sides, [height, width], or the h and w fields."""

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
            message = "engine is read and ignored: the compiler chooses the kernels"
            yield Problem("W121", "engine", message, "drop engine", "warning")
        for word, name in WORDS.items():
            sides = getattr(self, f"{word}_h"), getattr(self, f"{word}_w")
            if self.said(name) and sides != (None, None):
                hint = f"keep {name}, or {word}_h and {word}_w"
                yield Problem("E511", name, f"{name} and {word}_h/{word}_w say the same", hint)
        for name in WORDS.values():
            yield from two_at_most(name, getattr(self, name))

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
            Shape of the bottom: what is advised fits its rows and its columns.
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

    def check_exact(self, axis: Axis, x: Shape) -> None:
        """Raise ShapeError where ``round: exact`` is asked for and the stride does not fit."""
        if self.round == "exact" and not axis.fits:
            hint = self.fitting(x, lambda a: a.fits)
            raise ShapeError("E411", misfit_message([axis]), hint, self.spelled("stride", axis))

    def fitting(self, x: Shape, fits: Callable[[Axis], bool]) -> str | None:
        """``pad 1 or stride 2 fits``; None if nothing does, or where rows and columns have fields of their own."""
        rows, columns = self.axes(x)
        plain = all(self.spelled(name, axis) == name for name in ("stride", "pad") for axis in (rows, columns))
        return misfit_hint((rows, columns), fits) or None if plain else None

    def spelled(self, name: str, axis: Axis) -> str:
        """The field that decides along ``axis``: ``stride``, or ``stride_h`` where that is given."""
        side = f"{name.removesuffix('_size')}_{'h' if axis.name == 'rows' else 'w'}"
        return name if getattr(self, side) is None else side

    def _pair(self, values: tuple[int, ...], h: int | None, w: int | None) -> Pair:
        low, high = (values[0], values[-1]) if values else (1, 1)
        return low if h is None else h, high if w is None else w

    def axes(self, x: Shape) -> tuple[Axis, Axis]:
        """The window along the rows and along the columns of an N x C x H x W bottom."""
        made = [
            Axis(name, x[2 + k], self.kernel[k], self.steps[k], self.pads[k], self.holes[k])
            for k, name in enumerate(("rows", "columns"))
        ]
        return made[0], made[1]


def _fitting(axis: Axis, inverse: bool) -> Pair:
    """The largest kernel and the smallest pad that leave one window (of a Deconvolution: smallest and largest)."""
    if inverse:
        reach = axis.stride * (axis.size - 1)
        return 2 * axis.pad - reach + 1, (reach + axis.extent - 1) // 2
    return axis.size + 2 * axis.pad, -(-(axis.extent - axis.size) // 2)


def two_at_most(name: str, values: tuple[int, ...]) -> Iterator[Problem]:
    """Yield a problem for a list that is neither one value nor [height, width]."""
    if len(values) > 2:
        got = ", ".join(map(str, values))
        yield Problem("E512", name, f"{name} has {len(values)} values: [{got}]", f"{name}: [{values[0]}, {values[1]}]")
