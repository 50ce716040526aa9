"""Axes and shapes: what several layers check alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from netspec.spec.layer import Filler, ShapeError

if TYPE_CHECKING:
    from netspec.spec.layer import Shape


def times(shape: Sequence[int]) -> str:
    """A shape for a message: ``64 x 3 x 32 x 32``."""
    return " x ".join(map(str, shape)) or "a single number"


def canonical(axis: int, rank: int, field: str = "axis", end: bool = False) -> int:
    """``axis`` counted from the front; negative ones count from the end.

    Parameters
    ----------
    end
        Whether ``rank`` itself is allowed (the place behind the last axis).

    Raises
    ------
    ShapeError
        When there is no such axis.
    """
    limit = rank + end
    if -limit <= axis < limit:
        return axis % limit
    raise ShapeError(
        "E417",
        f"{field} {axis} is not there: the bottom has {rank} axes",
        f"write {field} from {-limit} to {limit - 1}" if limit else None,
        field,
    )


def four_axes(kind: str, x: Shape) -> Shape:
    """``x`` if it is N x C x H x W.

    Raises
    ------
    ShapeError
        Otherwise.
    """
    if len(x) == 4:
        return x
    # a vector becomes channels, a series of vectors rows: [0, 0, 1, 1], [0, 0, 0, 1]
    shape = ", ".join("0" if k < len(x) else "1" for k in range(4))
    hint = f"put a Reshape before it: shape: [{shape}]" if 0 < len(x) < 4 else None
    raise ShapeError("E413", f"{kind} works on N x C x H x W, its bottom is {times(x)}", hint)


def channelled(kind: str, x: Shape) -> Shape:
    """``x`` if it is N x C x ..

    Raises
    ------
    ShapeError
        Otherwise.
    """
    if len(x) < 2:
        hint = "put a Reshape before it: shape: [0, 1]" if x else None
        raise ShapeError("E413", f"{kind} works on N x C x .., its bottom is {times(x)}", hint)
    return x


def per_channel(x: Shape) -> Shape:
    """The shape 1 x C x 1 x ..: a value for each channel that broadcasts to x."""
    return 1, x[1], *(1,) * (len(x) - 2)


def rows(x: Shape) -> Shape:
    """N x everything else."""
    return x[0], prod(x[1:])


def map_axes(kind: str, x: Shape, dimensions: Sequence[int]) -> Shape:
    """``x`` if it has as many axes behind N x C as one of ``dimensions`` says; else ShapeError, as `four_axes`."""
    return x if len(x) - 2 in dimensions else four_axes(kind, x)


def same_count(x: Shape, target: Shape, what: str) -> None:
    """Raises ShapeError unless both have as many samples and as many values."""
    if x[:1] != target[:1] or prod(x) != prod(target):
        message = f"the {what} must have as many values as the prediction: {times(x)} against {times(target)}"
        places = prod(x[2:])
        fits = x[:1] == target[:1] and len(x) > 1 and prod(target[1:]) % places == 0
        hint = f"num_output: {prod(target[1:]) // places} in the layer that predicts" if fits else None
        raise ShapeError("E415", message, hint)


def check_filler(filler: Filler | None, shape: Shape, field: str) -> None:
    """Raises ShapeError if ``filler`` cannot fill a parameter of this shape."""
    why = None if filler is None else filler.problem(shape)
    if why is not None:
        raise ShapeError("E423", why, "take a number" if field.startswith("bias") else "take xavier or msra", field)


def check_fillers(weight: Filler | None, bias: Filler | None, shapes: Mapping[str, Shape]) -> None:
    """Raises ShapeError if a filler cannot fill its parameters: ``bias`` those whose names begin so."""
    for name, shape in shapes.items():
        is_bias = name.startswith("bias")
        check_filler(bias if is_bias else weight, shape, "bias_filler" if is_bias else "weight_filler")
