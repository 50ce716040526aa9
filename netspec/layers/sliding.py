"""What Convolution, Deconvolution and Pooling have in common: the window and how it moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from netspec.layers.windows import Axis
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


def two_at_most(name: str, values: tuple[int, ...]) -> Iterator[Problem]:
    """Yield a problem for a list that is neither one value nor [height, width]."""
    if len(values) > 2:
        got = ", ".join(map(str, values))
        yield Problem("E512", name, f"{name} has {len(values)} values: [{got}]", f"{name}: [{values[0]}, {values[1]}]")


def positive(axis: Axis, out: int, formula: str) -> int:
    """``out`` if there is at least one window.

    Raises
    ------
    ShapeError
        With the formula and what would fit.
    """
    if out >= 1:
        return out
    pad = -(-(axis.extent - axis.size) // 2)
    hint = f"kernel_size {axis.size} or pad {pad} fits" if axis.dilation == 1 else f"pad {pad} fits"
    raise ShapeError("E410", f"the output would have {out} {axis.name}: {formula}", hint, "kernel_size")
