"""Differences of which some are not known: what L1Loss and LpqLoss have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from netspec.layers import axes, distances, labels
from netspec.spec.layer import Layer, Measure, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


class Differences(Layer):
    """Base of the losses over x : N x .. and t, as many (else 0), that leave out where x - t is NaN."""

    bottoms: ClassVar[tuple[int, int | None]] = (1, 2)
    is_loss: ClassVar[bool] = True

    l2_prescale_by_channels: bool = field(False, doc="the mean over the channels in place of their sum")
    normalize_by_num_entries: bool = field(False, doc="divide by the places that are not NaN, not by N")

    def shapes(self, x: Shape, target: Shape | None = None) -> Shape:
        if target is not None:
            axes.same_count(x, target, "targets")
        return ()

    def metric(self, top: int) -> Measure | None:
        return Measure("mean", weight="counted") if self.normalize_by_num_entries else None

    def lower(self, b: Builder, x: Value, target: Value | None = None) -> Value:
        d = x if target is None else x - b.reshape(target, x.shape)
        known = b.equal(d, d)
        terms = self.terms(b, b.where(known, d, 0.0))
        if not self.normalize_by_num_entries:
            return distances.mean_over_samples(b, terms, distances.samples(x))
        places = labels.count_places(b, known) * (1.0 / _channels(x))
        return b.as_scalar(b.sum(terms)) / b.maximum(places, 1.0)

    def terms(self, b: Builder, d: Value) -> Value:
        """Return what is summed: of each difference, or of each place."""
        raise NotImplementedError(type(self).__name__)

    def over_channels(self, b: Builder, terms: Value) -> Value:
        """Their sum over axis 1, or with ``l2_prescale_by_channels`` their mean."""
        total = b.sum(terms, 1)
        return total * (1.0 / _channels(terms)) if self.l2_prescale_by_channels else total


def _channels(x: Value) -> int:
    return max(1, x.shape[1]) if x.rank > 1 else 1
