"""Which steps behind a product can run where its sums are at hand, as trees over those sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from runtime import ops
from runtime.expr import Expr, arg
from runtime.ops import Shape
from runtime.plan import Step, View
from runtime.vector.emit import working_dtype

OWN = 0
"""The operand of the trees that stands for the product's sums."""

CHANNELS = (0, 2, 3)
"""Axes of a sum for each channel."""


@dataclass
class Behind:
    """What is fused behind a product.

    Parameters
    ----------
    result
        What the product makes.
    stored
        Trees by the views that they are stored to; operand ``OWN`` is the product's sum.
    reads
        Views of the operands, the result first.
    gathered
        ``Reduce`` and ``Moments`` steps for each channel, with their trees.
    rest
        Steps that are left over, in order.
    """

    result: View
    stored: dict[View, Expr]
    reads: list[View]
    gathered: list[tuple[Step, list[Expr]]] = field(default_factory=list)
    rest: tuple[Step, ...] = ()
    made: dict[View, Expr] = field(default_factory=dict)

    @classmethod
    def of(cls, step: Step, result: View, sums: bool = False) -> Behind:
        """The steps that can be fused; reductions among them if ``sums``.

        A map joins if it has the result's shape, works in its precision, and
        reads nothing that another thread of the kernel may have written. What a
        later map writes over is not stored.
        """
        found = cls(result, {result: arg(OWN)}, [result], made={result: arg(OWN)})
        for n, part in enumerate(step.epilogue):
            if not found._fits(part) or not (sums or isinstance(part.op, ops.Map)):
                found.rest = step.epilogue[n:]
                break
            if isinstance(part.op, ops.Map):
                found._take(part)
            else:
                found.gathered.append((part, found._trees(part)))
        return found

    @property
    def listed(self) -> list[tuple[Expr, View]]:
        """Trees and where they are stored."""
        return [(tree, view) for view, tree in self.stored.items()]

    def _fits(self, part: Step) -> bool:
        written = [v for v in part.writes if v is not None]
        if _shape_of(part) != self.result.shape or not isinstance(part.op, ops.Map | ops.Reduce | ops.Moments):
            return False
        if not isinstance(part.op, ops.Map) and part.op.axes != CHANNELS:
            return False
        if working_dtype([v.dtype for v in (*part.reads, *written)], self.result.dtype) != self.result.dtype:
            return False
        sums = [v for step, _ in self.gathered for v in step.writes if v is not None]
        if any(_touches(v, s) for v in part.reads if v not in self.made for s in (*self.stored, *sums)):
            return False
        others = [*self.reads[1:], *part.reads, *self.stored]
        return not any(_touches(v, o) for v in written for o in others if v != o)

    def _take(self, part: Step) -> None:
        op = cast(ops.Map, part.op)
        trees = self._trees(part)
        targets = [(tree, target) for tree, target in zip(trees, part.writes, strict=True) if target is not None]
        self.stored.update((target, tree) for tree, target in targets)
        for tree, target in zip(op.results, part.writes, strict=True):
            if target is not None:
                self.made.pop(target, None)
                if target.dtype == self.result.dtype or target.dtype == tree.dtype == "b1":
                    self.made[target] = self.stored[target]

    def _trees(self, part: Step) -> list[Expr]:
        """The trees of a step, over our operands."""
        trees = [arg(0)] if isinstance(part.op, ops.Moments) else list(cast(ops.Map, part.op).results)
        kinds = {cast(int, x.value): x.dtype for tree in trees for x in tree.walk() if x.op == "arg"}
        operands = {}
        for k, view in enumerate(part.reads):
            if view not in self.made and view not in self.reads:
                self.reads.append(view)
            operands[k] = self.made[view] if view in self.made else arg(self.reads.index(view), kinds.get(k, "float"))
        return [tree.substitute(operands) for tree in trees]


def fused(step: Step, result: View) -> tuple[list[tuple[Expr, View]], list[View], tuple[Step, ...]]:
    """Of the maps behind a product: trees and where they are stored, the views read, the steps left over."""
    found = Behind.of(step, result)
    return found.listed, found.reads, found.rest


def _shape_of(part: Step) -> Shape:
    """The shape over which a step runs."""
    return part.op.shape if isinstance(part.op, ops.Map | ops.Reduce) else part.reads[0].shape


def _touches(a: View, b: View) -> bool:
    (low, high), (start, end) = a.extent(), b.extent()
    return a.memory == b.memory and low < end and start < high
