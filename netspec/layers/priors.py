"""What SSD's layers have in common: predictions for the boxes of PriorBox."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from netspec.layers import boxes
from netspec.layers.axes import times
from netspec.layers.hints import name_of, through
from netspec.spec.layer import Layer, Problem, ShapeError, field

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape


class OverPriors(Layer):
    """Base of the layers that read loc (N x 4P), conf (N x C P) and priors (1 x 2 x 4P)."""

    num_classes: int = field(minimum=2, doc="classes, the background (0) included")
    share_location: bool = field(True, doc="one box for all classes; nothing else is offered")
    background_label_id: int = field(0, minimum=0, maximum=0, doc="the class of what is no object: 0")

    def problems(self) -> Iterator[Problem]:
        """Yield what is not offered."""
        yield from super().problems()
        if not self.share_location:
            message = "a box for each class is not offered: one serves all classes"
            yield Problem("E512", "share_location", message, "share_location: true")

    def check_priors(self, loc: Shape, conf: Shape, priors: Shape) -> int:
        """P, how many priors there are.

        Raises
        ------
        ShapeError
            Unless each has four offsets and a score for every class.
        """
        kind = type(self).__name__
        if len(priors) != 3 or priors[:2] != (1, 2) or priors[2] % 4:
            raise ShapeError(
                "E415",
                f"{kind} takes priors 1 x 2 x 4P from PriorBox, got {times(priors)}",
                "make them by {type: PriorBox}",
            )
        count = priors[2] // 4
        wanted = {"loc": 4, "conf": self.num_classes}
        for number, ((name, numbers), shape) in enumerate(zip(wanted.items(), (loc, conf), strict=True)):
            if len(shape) not in (2, 3) or shape[1:] not in ((count * numbers,), (count, numbers)):
                message = f"{count} priors need {name} N x {count * numbers}, {numbers} for each, got {times(shape)}"
                raise ShapeError("E415", message, self._hint(number, shape, count))
        if loc[0] != conf[0]:
            message = f"loc has {loc[0]} images, conf {conf[0]}"
            raise ShapeError("E415", message, "make both from the same maps")
        return count

    def _hint(self, number: int, shape: Shape, count: int) -> str | None:
        """How predictions get as many numbers as the priors need: put in a row, or of other classes."""
        numbers, have = (4, self.num_classes)[number], prod(shape[1:])
        if have == count * numbers:
            return through(name_of(self, number), "Flatten", "")
        if number == 1 and have % count == 0 and have >= 2 * count:
            return f"num_classes: {have // count}"
        return f"num_output: {numbers} for each prior of a place, in the layers that predict"

    @staticmethod
    def prior_parts(b: Builder, priors: Value) -> tuple[boxes.Box, boxes.Box]:
        """The priors' corners and their variances, 1 x P x 1 each."""
        table = b.reshape(b.stop_gradient(priors), (2, priors.shape[2] // 4, 4))
        return boxes.parts(b, b.slice(table, 0, 0, 1)), boxes.parts(b, b.slice(table, 0, 1, 2))
