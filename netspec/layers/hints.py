"""Remedies for bottoms that do not fit, as a user can type them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.spec.layer import Layer, Shape


def name_of(layer: Layer, number: int) -> str:
    """A bottom as the entry names it."""
    return layer.bottom_names[number] if number < len(layer.bottom_names) and layer.bottom_names else ".."


def through(name: str, kind: str, fields: str, *more: str) -> str:
    """A layer of type ``kind`` to put between the bottom ``name``, with others beside it, and the layer."""
    blobs = f"[{', '.join((name, *more))}]" if more else name
    return f"read `{name}` through {{name: .., type: {kind}, bottom: {blobs}{', ' * bool(fields)}{fields}}}"


def reshaped(name: str, got: Shape, wanted: Shape, free: int) -> str | None:
    """How a blob gets the axes that are wanted, if it has as many values; ``free``: the axis of the batch."""
    if prod(got) != prod(wanted) or not got:
        return None
    if got != wanted and got == wanted[::-1]:
        return through(name, "Permute", f"order: {list(range(len(got)))[::-1]}")
    sizes = [-1 if k == free else n for k, n in enumerate(wanted)]
    return through(name, "Reshape", f"shape: {sizes}")


def declared(name: str, wanted: Sequence[int], batch: int = 0) -> str:
    """The input of that shape; ``batch``: the number of its axis of samples."""
    sizes = [n for k, n in enumerate(wanted) if k != batch]
    return f"inputs: {{{name}: {{shape: {sizes}, batch: {batch}}}}}" if batch else f"inputs: {{{name}: {sizes}}}"


def made_alike(name: str, got: Shape, other: str, wanted: Shape) -> str | None:
    """What makes N x C x H x W maps as large as others, or their channels as many."""
    if len(got) != len(wanted) or got[0] != wanted[0]:
        return None
    if got[1] == wanted[1] and len(got) == 4:
        return through(name, "Interp", "", other)
    if got[2:] == wanted[2:] and len(got) in (3, 4, 5):
        return through(name, "Convolution", f"kernel_size: 1, num_output: {wanted[1]}")
    return through(name, "InnerProduct", f"num_output: {wanted[1]}") if len(got) == 2 else None


def reordered(layer: Layer, shapes: Sequence[Shape], fits: Callable[..., bool]) -> str | None:
    """The bottoms in an order that fits, if there is one."""
    if len(layer.bottom_names) != len(shapes):
        return None
    for order in list(permutations(range(len(shapes))))[1:]:
        if fits(*(shapes[k] for k in order)):
            return f"bottom: [{', '.join(layer.bottom_names[k] for k in order)}]"
    return None
