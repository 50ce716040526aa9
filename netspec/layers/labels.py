"""Labels against scores, and what a loss is divided by."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from netspec.layers import axes
from netspec.spec.layer import Layer, Problem, ShapeError, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


class Normalised(Layer):
    """Base of the losses with Caffe's ``loss_param``: what is left out, and the divisor."""

    ignore_label: int | None = field(None, doc="label of the places that do not count")
    normalization: str = field(
        "VALID",
        choices=("FULL", "VALID", "BATCH_SIZE", "NONE"),
        doc="the loss is divided by all places, those that count, the samples, or 1",
    )
    normalize: bool | None = field(None, doc="Caffe's old form: true is VALID, false is BATCH_SIZE")

    def problems(self) -> Iterator[Problem]:
        """Yield a divisor that is said twice."""
        yield from super().problems()
        if self.normalize is not None and self.given("normalization"):
            yield Problem("E511", "normalize", "normalization and normalize say the same", "keep normalization")

    def divisor(self, b: Builder, mask: Value | None, places: int, samples: int) -> float | Value:
        """What the summed loss is divided by, at least 1.

        Parameters
        ----------
        mask
            b1, true where a place counts; None where all do.
        places, samples
            Places in all, and N.
        """
        how = self.normalization if self.normalize is None else "VALID" if self.normalize else "BATCH_SIZE"
        if how == "VALID" and mask is not None:
            return b.maximum(b.as_scalar(b.sum(mask)), 1.0)
        return float(max(1, {"FULL": places, "VALID": places, "BATCH_SIZE": samples, "NONE": 1}[how]))


def column_shape(x: Shape, axis: int) -> Shape:
    """``x`` with size 1 along the class axis: the shape of labels beside scores."""
    return *x[:axis], 1, *x[axis + 1 :]


def class_axis(axis: int, x: Shape, label: Shape) -> int:
    """The axis of the classes, counted from the front.

    Raises
    ------
    ShapeError
        When there is none, or one label is not there for each column of scores.
    """
    check_order(x, label)
    found = axes.canonical(axis, len(x))
    check_labels(x, label, found)
    return found


def check_order(x: Shape, label: Shape) -> None:
    """Raise ShapeError for labels in place of scores."""
    if len(x) < 2 <= len(label):
        message = f"scores come first, then labels: got {axes.times(x)} and {axes.times(label)}"
        raise ShapeError("E416", message, "swap the bottoms")


def check_labels(x: Shape, label: Shape, axis: int) -> None:
    """Raises ShapeError unless there is one label for each column of scores."""
    wanted = x[:axis] + x[axis + 1 :]
    if label in (wanted, column_shape(x, axis)) or _squeezed(label) == _squeezed(wanted):
        return
    hint = None
    if len(x) == 4 and label == x[:1] and axis == 1:
        hint = "the scores are still a map: put an InnerProduct, or a Pooling with global_pooling, before the loss"
    elif len(x) == 2 and len(label) > 1:
        hint = "labels are class numbers, one a sample, not one-hot rows"
    raise ShapeError("E416", f"scores {axes.times(x)} need labels {axes.times(wanted)}, got {axes.times(label)}", hint)


def _squeezed(shape: Shape) -> Shape:
    return tuple(n for n in shape if n != 1)


def label_column(b: Builder, x: Value, label: Value, axis: int) -> Value:
    """The labels in the shape of the scores with size 1 along the class axis."""
    return b.reshape(label, column_shape(x.shape, axis))


def picked(b: Builder, x: Value, column: Value, axis: int) -> Value:
    """``x[label]``: the score of the labelled class, size 1 along the class axis."""
    hit = b.equal(b.index(x.shape, axis), column)
    return b.sum(b.where(hit, x, 0.0), axis)


def counted(b: Builder, label: Value, ignore_label: int | None) -> Value | None:
    """True where the label counts; None if all do."""
    return None if ignore_label is None else b.not_equal(label, ignore_label)


def total(b: Builder, x: Value, mask: Value | None, divisor: float | Value) -> Value:
    """Sum of x where it counts, divided; a single number."""
    kept = x if mask is None else b.where(mask, x, 0.0)
    if isinstance(divisor, float):
        return b.as_scalar(b.sum(kept * (1.0 / divisor)))  # one step: the factor is part of the sum's formula
    return b.as_scalar(b.sum(kept)) / divisor


def flat_rows(x: Shape) -> Shape:
    """N x everything else."""
    return x[0], prod(x[1:])
