"""fuse: maps into maps, into reduces and into the epilogues of products.

Three steps, each over the whole graph:

1. ``_inline``: a map's formula takes the place of its value wherever the value
   need not be in memory. What ``save`` kept, what a primitive other than map
   and reduce reads, and what would be dear to compute twice stays.
2. ``merge.merge_alike``: maps (and reduces) over the same shape that share an
   operand become one with several results.
3. ``epilogue.attach``: a map that reads a product's result runs on its rows.
"""

from __future__ import annotations

from math import prod

from compiler.ir import Graph, Op, Value, compact
from compiler.passes.epilogue import attach_epilogues
from compiler.passes.merge import merge_alike
from compiler.passes.save import LATER, inlines
from compiler.passes.simplify import drop_dead, fold
from runtime.expr import Expr, arg
from runtime.ops import Map, Reduce, Shape
from runtime.plan import Origin

MAX_OPERANDS = 10
"""Operands of one fused map: each needs a pointer and strides in registers."""
MAX_OPERATIONS = 60
"""Operations of one fused formula: beyond, registers spill and compiling drags."""
CHEAP_OPERATIONS = 6
"""A formula of so few plain operations is computed again rather than stored."""
DEAR = frozenset("exp log sqrt rsqrt sin cos tanh sigmoid erf div pow uniform normal".split())
PLACED = frozenset("index uniform normal".split())
"""Leaves that depend on where an element lies in the map's own shape."""


def fuse(graph: Graph) -> Graph:
    """Fuses maps; see the module."""
    graph = _Inliner(graph).run()
    graph = drop_dead(graph)
    merge_alike(graph)
    attach_epilogues(graph)
    return graph


def phase_of(segment: str) -> str:
    """Segments between which formulas may be inlined form one phase."""
    return "forward" if segment == "guard" else segment


class _Inliner:
    """Rebuilds the graph with maps inlined into the maps and reduces that read them."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.roots = set(graph.roots())
        self.consumers = graph.consumers()
        self.final = self._final_readers()
        self.number: dict[Value, int] = {}
        self.values: list[Value] = []
        self.trees: dict[tuple[Value, str], Expr] = {}
        self.origins: dict[Value, set[Origin]] = {}
        self.emitted: set[Value] = set()
        self.ops: list[Op] = []

    def run(self) -> Graph:
        for op in self.graph.ops:
            if isinstance(op.prim, Map):
                self._visit_map(op)
            elif isinstance(op.prim, Reduce):
                self._emit(op, op.prim.results, op.prim.shape)
            else:
                self.ops.append(op)
        self.graph.ops = self.ops
        return self.graph

    def _visit_map(self, op: Op) -> None:
        v = op.outputs[0]
        if v in self.roots or v in self.graph.saved or self._must_store(op):
            self._emit_value(v)
        # else: computed where it is read, or emitted on demand

    def _must_store(self, op: Op) -> bool:
        """Whether a reader in the map's own phase needs its value in memory."""
        v, phase = op.outputs[0], phase_of(op.segment)
        readers = self.consumers.get(v, [])
        if any(not inlines(r) for r in readers):
            return True
        if any(phase_of(r.segment) != phase and not self._crosses(op, r) for r in readers):
            return True
        own = [r for r in readers if phase_of(r.segment) == phase]
        if any(self._refuses(op, r) for r in own):
            return True
        return len(own) > 1 and len(self.final[v]) > 1 and not self._cheap(v, phase)

    def _final_readers(self) -> dict[Value, set[Op]]:
        """For each map, the operations of its phase that its formula ends in if all is inlined that may be."""
        final: dict[Value, set[Op]] = {}
        for op in reversed(self.graph.ops):
            if not isinstance(op.prim, Map):
                continue
            v, phase = op.outputs[0], phase_of(op.segment)
            found: set[Op] = set()
            for reader in self.consumers.get(v, []):
                if phase_of(reader.segment) != phase:
                    continue
                result = reader.outputs[0] if isinstance(reader.prim, Map) else None
                stored = result is None or result in self.roots or result in self.graph.saved or not final[result]
                found |= {reader} if stored else final[result]  # type: ignore[index]
            final[v] = found
        return final

    @staticmethod
    def _crosses(op: Op, reader: Op) -> bool:
        """Whether a later phase computes the map again: constants always, forward maps as ``save`` decided."""
        return not op.inputs or (phase_of(op.segment) == "forward" and reader.segment in LATER)

    def _cheap(self, v: Value, phase: str) -> bool:
        """Whether computing ``v`` in each of its readers moves fewer bytes than storing it once."""
        tree = self._tree(v, phase)
        if tree.operations > CHEAP_OPERATIONS or any(n.op in DEAR for n in tree.walk()):
            return False
        large = sum(self.values[k].shape == v.shape for k in tree.operands())
        readers = len(self.final[v])
        return readers * large <= large + 1 + readers

    def _refuses(self, op: Op, reader: Op) -> bool:
        """Whether ``reader`` cannot or should not compute the map itself."""
        assert isinstance(op.prim, Map)
        shape = _space(reader)
        if shape == op.prim.shape:
            return False
        tree = self._tree(op.outputs[0], phase_of(op.segment))
        nodes = tree.walk()
        if any(n.op in PLACED for n in nodes):
            return True
        repeated = prod(shape) >= 4 * max(1, prod(op.prim.shape)) and bool(tree.operands())
        return repeated and (tree.operations > 2 or any(n.op in DEAR for n in nodes))

    def _leaf(self, v: Value) -> Expr:
        if v not in self.number:
            self.number[v] = len(self.values)
            self.values.append(v)
        return arg(self.number[v], v.kind)

    def _stored(self, v: Value, phase: str) -> bool:
        """Whether a reader in ``phase`` takes ``v`` from memory."""
        if v.op is None or not isinstance(v.op.prim, Map):
            return True
        made = phase_of(v.op.segment)
        if made == "forward" and phase in LATER and phase != "forward":
            return v in self.graph.saved or v in self.roots
        return v in self.emitted

    def _operand(self, v: Value, phase: str, shape: Shape) -> Expr:
        """``v`` as a leaf, or its formula."""
        if self._stored(v, phase):
            return self._leaf(v)
        assert v.op is not None
        tree = self._tree(v, phase)
        if v.shape != shape and any(n.op in PLACED for n in tree.walk()):
            return self._force(v, phase)
        return tree

    def _force(self, v: Value, phase: str) -> Expr:
        """``v`` as a leaf, put in memory here, in the segment of its reader, if it is not yet."""
        if v not in self.emitted:
            assert v.op is not None
            assert isinstance(v.op.prim, Map)
            tree = self._tree(v, phase)
            self.emitted.add(v)
            self._append(Map((tree,), v.op.prim.shape), v.op, (v,), phase)
            self.graph.saved.add(v)
        return self._leaf(v)

    def _tree(self, v: Value, phase: str) -> Expr:
        key = (v, phase)
        if key not in self.trees:
            assert v.op is not None
            assert isinstance(v.op.prim, Map)
            result = v.op.prim.results[v.op.outputs.index(v)]
            self.trees[key] = self._substitute(v.op, result, phase)
        return self.trees[key]

    def _substitute(self, op: Op, result: Expr, phase: str) -> Expr:
        shape = _space(op)
        operands = {k: self._operand(op.inputs[k], phase, shape) for k in sorted(result.operands())}
        tree = fold(result.substitute(operands))
        while len(tree.operands()) > MAX_OPERANDS or tree.operations > MAX_OPERATIONS:
            largest = max(operands, key=lambda k: operands[k].operations)
            if operands[largest].op == "arg":
                break
            operands[largest] = self._force(op.inputs[largest], phase)
            tree = fold(result.substitute(operands))
        return tree

    def _emit_value(self, v: Value) -> None:
        if v in self.emitted:
            return
        assert v.op is not None
        assert isinstance(v.op.prim, Map)
        tree = self._tree(v, phase_of(v.op.segment))
        self.emitted.add(v)
        self._append(Map((tree,), v.op.prim.shape), v.op, (v,), v.op.segment)

    def _emit(self, op: Op, results: tuple[Expr, ...], shape: Shape) -> None:
        assert isinstance(op.prim, Reduce)
        trees = tuple(self._substitute(op, r, phase_of(op.segment)) for r in results)
        self._append(Reduce(op.prim.op, trees, op.prim.axes, shape), op, op.outputs, op.segment)

    def _append(self, prim: Map | Reduce, op: Op, outputs: tuple[Value, ...], segment: str) -> None:
        results, inputs = compact(prim.results, self.values)
        fused = Map(results, prim.shape) if isinstance(prim, Map) else Reduce(prim.op, results, prim.axes, prim.shape)
        origin = self._origin(op, set(inputs))
        self.ops.append(Op(fused, inputs, outputs, segment, origin))

    def _origin(self, op: Op, leaves: set[Value]) -> set[Origin]:
        """Origins of ``op`` and of every map between it and its leaves; scalars and constants are nobody's."""
        found, stack, seen = set(op.origin), list(op.inputs), set()
        while stack:
            v = stack.pop()
            if v in leaves or v in seen or v.op is None or not isinstance(v.op.prim, Map):
                continue
            seen.add(v)
            if v.op.inputs and prod(v.shape) > 1:
                found.update(v.op.origin)
            stack.extend(v.op.inputs)
        return found


def _space(op: Op) -> Shape:
    assert isinstance(op.prim, Map | Reduce)
    return op.prim.shape
