"""Sizes of sliding windows: the formulas, and the numbers in them for messages.

Convolution floors, pooling ceils and clips, as Caffe; ``round`` decides
otherwise (LANGUAGE.md, Sizes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

NEAR = 64
"""How far a hint looks for a pad or a stride that fits."""


@dataclass(frozen=True)
class Reach:
    """What an element of a top sees of the bottom along each axis.

    Parameters
    ----------
    more
        Elements beside the first one.
    scale
        How far what neighbours see lies apart, in elements of the bottom.
    """

    more: tuple[Fraction, ...]
    scale: tuple[Fraction, ...]


@dataclass(frozen=True)
class Axis:
    """A window that slides along one axis.

    Parameters
    ----------
    name
        What lies along it: ``rows``, ``columns``, ``slices``, ``positions``.
    size, kernel, stride, pad, dilation
        In pixels; ``pad`` on each side.
    """

    name: str
    size: int
    kernel: int
    stride: int = 1
    pad: int = 0
    dilation: int = 1

    @property
    def extent(self) -> int:
        """F, the pixels from the first to the last one that a kernel touches."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def span(self) -> int:
        """N - F + 2 P: how far the window can slide."""
        return self.size - self.extent + 2 * self.pad

    @property
    def fits(self) -> bool:
        """Whether the stride divides the span."""
        return self.span % self.stride == 0

    def floor(self) -> int:
        """Windows that lie inside the padded map."""
        return self.span // self.stride + 1

    def ceil(self) -> int:
        """Windows needed to cover the padded map."""
        return -(-self.span // self.stride) + 1

    def pooled(self) -> int:
        """Caffe's pooling size: ``ceil``, less a last window that would start in the padding."""
        out = self.ceil()
        if self.pad > 0 and (out - 1) * self.stride >= self.size + self.pad:
            out -= 1
        return out

    def deconvolved(self) -> int:
        """S (N - 1) + F - 2 P, the inverse of ``floor``."""
        return self.stride * (self.size - 1) + self.extent - 2 * self.pad

    def unseen(self, out: int) -> int:
        """Pixels of the map (padding not counted) behind the last of ``out`` windows."""
        return min(self.size, max(0, self.size + self.pad - ((out - 1) * self.stride + self.extent)))

    def empty(self, out: int) -> bool:
        """Whether one of ``out`` windows holds no pixel of the map."""
        return (out - 1) * self.stride - self.pad >= self.size or self.extent <= self.pad

    def formula(self) -> str:
        """``(7 - 3 + 0)/3 + 1 = 2.33``: (N - F + 2 P)/S + 1 in numbers."""
        value = number(self.span / self.stride + 1)
        return f"({self.size} - {self.extent} + {2 * self.pad})/{self.stride} + 1 = {value}"

    def inverse_formula(self) -> str:
        """``2*(7 - 1) + 4 - 2 = 14``: S (N - 1) + F - 2 P in numbers."""
        return f"{self.stride}*({self.size} - 1) + {self.extent} - {2 * self.pad} = {self.deconvolved()}"


def number(value: float) -> str:
    """With two decimals at most, without trailing zeros."""
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def misfit(axis: Axis) -> bool:
    """Whether a floored window loses pixels of the map that it was meant to see.

    A kernel smaller than its stride samples on purpose, and what is dropped may
    be only padding.
    """
    return not axis.fits and axis.extent >= axis.stride and axis.unseen(axis.floor()) > 0


def misfit_message(axes: Sequence[Axis]) -> str:
    """``does not fit: ..`` for the axes that do not; equal ones are told once."""
    parts = []
    for axis in {replace(a, name=""): a for a in axes}.values():
        lost = axis.unseen(axis.floor())
        told = f"the last {lost} of {axis.size} {axis.name} {'is' if lost == 1 else 'are'} never seen"
        parts.append(f"{axis.formula()}; {told if lost else 'some padding is left over'}")
    return "does not fit: " + "; ".join(parts)


def misfit_hint(axes: Sequence[Axis], fits: Callable[[Axis], bool]) -> str:
    """``pad 1 or stride 2 fits``: the nearest pad and stride that suit all axes.

    Empty where no pad below the kernel and no stride up to twice the present
    one does.
    """
    first = axes[0]
    found = []
    pads = range(first.pad + 1, max(first.pad + 2, min(first.extent, first.pad + NEAR)))
    pad = next((p for p in pads if all(fits(replace(a, pad=p)) for a in axes)), None)
    if pad is not None:
        found.append(f"pad {pad}")
    # the smaller of two equally near strides first: it loses fewer pixels
    strides = [s for d in range(1, min(first.stride, NEAR) + 1) for s in (first.stride - d, first.stride + d) if s > 0]
    stride = next((s for s in strides if all(replace(a, stride=s).fits for a in axes)), None)
    if stride is not None:
        found.append(f"stride {stride}")
    return f"{' or '.join(found)} fits" if found else ""
