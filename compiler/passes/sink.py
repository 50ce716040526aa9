"""sink: a sum of many products becomes one product of their stacked operands.

The gradient of a weight that a loop uses in each of T steps is
sum over t of A_t' B_t. Where the operands of all steps lie behind each other
that is one product, A' B with A = (A_1, A_2, ..), whose sums run over the rows
of all steps: one large product takes a fraction of the time of T small ones and
their sum. What lies in an array of all steps already (slices of one, operands
of a concatenation) is read there; the rest is concatenated, so that each
operand is written where the array wants it. The same holds for sums over axis 0
(the gradient of a bias).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.ir import Graph, Op, Value
from compiler.passes.simplify import drop_dead
from runtime.expr import Expr, arg
from runtime.ops import Concat, ConvWeightGrad, Map, Matmul, Primitive, Reduce, Reshape, Shape, Slice
from runtime.plan import Refusal

LEAST_TERMS = 4
"""Fewer products are not stacked: two towers that share weights would move their activations for it."""


def sink(graph: Graph) -> Graph:
    """Replaces sums of products; why others are left is noted for ``netspec plan``."""
    if not any(_is_long_sum(op) for op in graph.ops):
        return graph
    stacks = _Stacks(graph)
    gone: set[Op] = set()
    before: dict[int, list[Op]] = {}
    for op in graph.ops:
        if not _is_long_sum(op):
            continue
        at = stacks.latest(op)
        why, made = _sunk(op, stacks, at)
        if made:
            gone.add(op)
            before.setdefault(at, []).extend(made)
        elif why:
            layers = tuple(dict.fromkeys(o.layer for o in op.origin))
            graph.refusals.append(Refusal(layers, f"a sum of {len(op.inputs)} gradients stays: {why}"))
    kept = [[*before.get(k, ()), *([] if op in gone else [op])] for k, op in enumerate(graph.ops)]
    graph.ops = [op for ops in (*kept, before.get(len(kept), [])) for op in ops]
    return drop_dead(graph)


def _is_long_sum(op: Op) -> bool:
    """Whether the operation adds up many values, each once."""
    if not isinstance(op.prim, Map) or len(op.inputs) < LEAST_TERMS or len(op.prim.results) != 1:
        return False
    tree = op.prim.results[0]
    return len(op.outputs) == 1 and all(n.op in ("add", "arg") for n in tree.walk()) and _leaves(tree) == len(op.inputs)


def _leaves(tree: Expr) -> int:
    """How often a sum reads any operand."""
    counts: dict[Expr, int] = {}
    for n in tree.walk():
        counts[n] = 1 if n.op == "arg" else sum(counts[a] for a in n.args)
    return counts[tree]


def _sunk(total: Op, stacks: _Stacks, at: int) -> tuple[str, list[Op]]:
    """Why a sum stays, or the operations that take its place; neither for a sum that is not of products."""
    makers = [v.op for v in total.inputs]
    first = makers[0]
    if first is None or any(op is None or type(op.prim) is not type(first.prim) for op in makers):
        return "", []
    terms = [op for op in makers if op is not None]
    axes = _stacked_axes(first)
    if axes is None:
        return "", []
    why = _refusal(terms, axes, stacks)
    if why:
        return why, []
    # the gradients of a loop that runs forwards come in from the last step
    terms = max((terms[::-1], terms), key=lambda order: stacks.known(order, len(axes), at))
    ops: list[Op] = []
    operands = [stacks.stack([op.inputs[k] for op in terms], total, at, ops) for k in range(len(axes))]
    prim = _with_rows(first.prim, operands[0].shape)
    ops.append(Op(prim, operands, total.outputs, total.segment, {o for op in (*terms, total) for o in op.origin}))
    return "", ops


def _stacked_axes(op: Op) -> tuple[int, ...] | None:
    """The axis of each operand that the operation sums over, None if it is no such sum."""
    prim = op.prim
    if isinstance(prim, Matmul) and op.inputs[0].rank == 2:
        return (0 if prim.transpose_a else 1), (1 if prim.transpose_b else 0)
    if isinstance(prim, ConvWeightGrad):
        return (0, 0)
    if isinstance(prim, Reduce) and prim.op == "sum" and prim.axes[:1] == (0,) and prim.results == (arg(0),):
        return (0,) if len(op.inputs) == 1 and op.inputs[0].shape == prim.shape else None
    return None


def _refusal(terms: Sequence[Op], axes: Sequence[int], stacks: _Stacks) -> str:
    first = terms[0]
    if any(op.prim != first.prim for op in terms):
        return "the products differ"
    for op in terms:
        if len(stacks.readers.get(op.outputs[0], ())) != 1 or op.outputs[0] in stacks.roots:
            return "something else reads one of the products"
    for k, axis in enumerate(axes):
        shapes = {op.inputs[k].shape for op in terms}
        if len(shapes) != 1:
            return "the operands' shapes differ"
        if axis != 0:
            return "the products sum over columns, which are no rows of an array of all steps"
    return ""


def _with_rows(prim: Primitive, shape: Shape) -> Primitive:
    """The primitive over the stacked operands; a reduction states its shape."""
    return Reduce(prim.op, prim.results, prim.axes, shape) if isinstance(prim, Reduce) else prim


@dataclass(frozen=True)
class _Place:
    """Rows of a stack: its value, and from which row on."""

    whole: Value
    start: int


class _Stacks:
    """Arrays of all steps: those that there are, and those that the pass makes."""

    def __init__(self, graph: Graph):
        self.position = {v: k for k, op in enumerate(graph.ops) for v in op.outputs}
        self.at = {op: k for k, op in enumerate(graph.ops)}
        self.ends = {op.segment: k + 1 for k, op in enumerate(graph.ops)}
        self.readers = graph.consumers()
        self.roots = set(graph.roots())
        self.places: dict[Value, list[_Place]] = {}
        for op in graph.ops:
            if isinstance(op.prim, Concat) and op.prim.axis == 0:
                start = 0
                for v in op.inputs:
                    self.places.setdefault(v, []).append(_Place(op.outputs[0], start))
                    start += v.shape[0]
            elif isinstance(op.prim, Slice) and op.prim.axis == 0:
                self.places.setdefault(op.outputs[0], []).append(_Place(op.inputs[0], op.prim.start))

    def latest(self, op: Op) -> int:
        """The position that the operation could move down to: its first reader's, or that of the next segment."""
        readers = (self.at[reader] for v in op.outputs for reader in self.readers.get(v, ()))
        return min([self.ends[op.segment], *readers])

    def known(self, terms: Sequence[Op], operands: int, at: int) -> int:
        """How many operands of the terms lie in an array in this order."""
        return sum(self._found(_bases([op.inputs[k] for op in terms]), at) is not None for k in range(operands))

    def stack(self, parts: list[Value], total: Op, at: int, ops: list[Op]) -> Value:
        """All parts one behind the other: an array that is there at position ``at``, a part of one, or a new one."""
        bases = _bases(parts)
        place = self._found(bases, at)
        rows = len(parts) * parts[0].shape[0]
        if place is None:
            whole = self._concatenated(bases, total, ops)
        elif rows == place.whole.shape[0]:
            whole = place.whole
        else:
            cut = Slice(0, place.start, place.start + rows)
            whole = _emit(cut, (place.whole,), (rows, *bases[0].shape[1:]), total, ops)
        shape = (rows, *parts[0].shape[1:])
        return whole if whole.shape == shape else _emit(Reshape(shape), (whole,), shape, total, ops)

    def _found(self, parts: list[Value], at: int) -> _Place | None:
        """The rows of an array, made before position ``at``, that hold the parts in order."""
        rows = parts[0].shape[0]
        for place in self.places.get(parts[0], ()):
            if self.position.get(place.whole, -1) >= at:
                continue
            wanted = (_Place(place.whole, place.start + k * rows) for k in range(len(parts)))
            if all(p in self.places.get(v, ()) for v, p in zip(parts, wanted, strict=True)):
                return place
        return None

    def _concatenated(self, parts: list[Value], total: Op, ops: list[Op]) -> Value:
        rows = parts[0].shape[0]
        shape = (len(parts) * rows, *parts[0].shape[1:])
        whole = _emit(Concat(0), tuple(parts), shape, total, ops)
        for k, v in enumerate(parts):
            self.places.setdefault(v, []).append(_Place(whole, k * rows))
        return whole


def _bases(parts: list[Value]) -> list[Value]:
    """What the parts are renamings of, if all are of one shape."""
    bases = [_unshaped(v) for v in parts]
    return parts if any(v.shape != bases[0].shape for v in bases) else bases


def _unshaped(v: Value) -> Value:
    """What a reshape that keeps the rows was made of, so that it can be written where the stack wants it."""
    while v.op is not None and isinstance(v.op.prim, Reshape) and v.op.inputs[0].shape[:1] == v.shape[:1]:
        v = v.op.inputs[0]
    return v


def _emit(prim: Primitive, inputs: tuple[Value, ...], shape: Shape, total: Op, ops: list[Op]) -> Value:
    result = Value(shape, inputs[0].dtype, builder=total.outputs[0].builder)
    ops.append(Op(prim, inputs, (result,), total.segment, total.origin))
    return result
