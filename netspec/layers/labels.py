"""Labels against scores, and what a loss is divided by."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances
from netspec.spec.layer import Layer, Measure, Problem, ShapeError, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


SMALLEST = 1e-20
"""Below it the logarithm of a probability is not taken (Caffe's kLOG_THRESHOLD)."""


class Ignoring(Layer):
    """Base of the layers that leave out the places with one label."""

    ignore_label: int | None = field(None, doc="label of the places that do not count")


class Classified(Ignoring):
    """Base of the layers that compare scores N x C x .. with labels N x .., class numbers from 0 to C - 1."""

    bottoms: ClassVar[tuple[int, int | None]] = (2, 2)
    label_bottoms: ClassVar[tuple[int, ...]] = (1,)

    axis: int = field(1, doc="the axis of the classes")

    def label_range(self, x: Shape, label: Shape, *more: Shape) -> tuple[int, int | None]:
        """Return the classes, and the label that is left out."""
        return x[axes.canonical(self.axis, len(x))], self.ignore_label

    def aligned(self, b: Builder, x: Value, label: Value) -> tuple[int, Value, Value | None]:
        """The axis of the classes, the labels with size 1 along it, and where they count (None: everywhere)."""
        axis = axes.canonical(self.axis, x.rank)
        column = label_column(b, x, label, axis)
        return axis, column, counted(b, column, self.ignore_label)


class Normalised(Ignoring):
    """Base of the losses with Caffe's ``loss_param``: what is left out, and the divisor."""

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

    def metric(self, top: int) -> Measure | None:
        """Return that a batch of a test weighs as many places as it has that count, where the loss is divided so."""
        if top or self.ignore_label is None or self._how() != "VALID":
            return None
        return Measure("mean", weight="counted")

    def _how(self) -> str:
        return self.normalization if self.normalize is None else "VALID" if self.normalize else "BATCH_SIZE"

    def divisor(self, b: Builder, mask: Value | None, places: int, samples: int) -> float | Value:
        """What the summed loss is divided by, at least 1.

        Parameters
        ----------
        mask
            b1, true where a place counts; None where all do.
        places, samples
            Places in all, and N.
        """
        how = self._how()
        if how == "VALID" and mask is not None:
            return b.maximum(count_places(b, mask), 1.0)
        return float(max(1, {"FULL": places, "VALID": places, "BATCH_SIZE": samples, "NONE": 1}[how]))


class ClassWeighted(Normalised):
    """Base of the losses over labels in which a class may weigh more than another."""

    class_weights: tuple[float, ...] = field((), minimum=0, doc="factor on the loss of each label; default: all 1")

    def check_weights(self, classes: int) -> None:
        """Raise ShapeError unless there is a weight for each class, or none at all."""
        if self.class_weights and len(self.class_weights) != classes:
            message = f"class_weights has {len(self.class_weights)} values for {classes} classes"
            raise ShapeError("E512", message, "give one for each class", "class_weights")

    def weighted(self, b: Builder, loss: Value, column: Value, scores: Shape, axis: int) -> Value:
        """The losses of the places times the weights of their labels; the divisor stays what it is."""
        if not self.class_weights:
            return loss
        along = [1] * len(scores)
        along[axis] = scores[axis]
        weights = b.reshape(b.literal([float(w) for w in self.class_weights]), tuple(along))
        return loss * picked(b, b.broadcast_to(weights, scores), column, axis)


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


def entropy(b: Builder, x: Value, column: Value, axis: int) -> Value:
    """``logsumexp(x) - x[label]``: -log of the softmax at the label, size 1 along the class axis."""
    return b.logsumexp(x, axis) - picked(b, x, column, axis)


def places(b: Builder, x: Value, axis: int) -> Value:
    """Scores as a table, a place a row, a class a column."""
    others = [k for k in range(x.rank) if k != axis]
    return b.reshape(b.transpose(x, [*others, axis]), (prod(x.shape[k] for k in others), x.shape[axis]))


def safe_log(b: Builder, p: Value) -> Value:
    """``log max(p, 1e-20)``, whose slope below 1e-20 is 1e20, as Caffe's: a probability of 0 still learns."""
    low = p < SMALLEST
    return b.log(b.maximum(p, SMALLEST)) + b.where(low, (p - b.stop_gradient(p)) * (1.0 / SMALLEST), 0.0)


def focal(b: Builder, entropy: Value, gamma: float) -> Value:
    """``(1 - q)^gamma (-log q)`` of cross-entropies -log q."""
    if gamma == 0:
        return entropy
    wrong = b.maximum(1.0 - b.exp(-entropy), 0.0)  # rounded, it may be below 0
    return distances.power(b, wrong, gamma) * entropy


def counted(b: Builder, label: Value, ignore_label: int | None) -> Value | None:
    """True where the label counts; None if all do."""
    return None if ignore_label is None else b.not_equal(label, ignore_label)


def count_places(b: Builder, mask: Value) -> Value:
    """How many places count, shape (); a test weighs the batch by them."""
    found = b.as_scalar(b.sum(mask))
    b.statistic("counted", found)
    return found


def total(b: Builder, x: Value, mask: Value | None, divisor: float | Value) -> Value:
    """Sum of x where it counts, divided; a single number."""
    kept = x if mask is None else b.where(mask, x, 0.0)
    if isinstance(divisor, float):
        return b.as_scalar(b.sum(kept * (1.0 / divisor)))  # one step: the factor is part of the sum's formula
    return b.as_scalar(b.sum(kept)) / divisor
