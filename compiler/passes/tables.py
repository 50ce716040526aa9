"""tables: products with rows of a table become products with the table.

Few words make many rows: an Embed of 65 characters in front of an LSTM gives
T x N rows of which only 65 differ. With y = x[i], the rows of a table x by
their numbers i, and S the sum of the rows of dz that have one number:

    y W = (x W)[i]        dz' y = S' x        sum of (dz W) by numbers = S W

Each product on the right has as many rows as the table. The sums are the same
ones in another order.
"""

from __future__ import annotations

from compiler.ir import Graph, Op, Value
from compiler.passes.simplify import drop_dead
from runtime.ops import Gather, Matmul, Primitive, Reshape, ScatterAdd, Shape

FEWER = 4
"""A table is used itself where it has so many times fewer rows than there are numbers."""


def tables(graph: Graph) -> Graph:
    """Rewrites products of gathered rows, and sums by number of products."""
    if not any(isinstance(op.prim, Gather) for op in graph.ops):
        return graph
    rewriting = _Rewriting(graph)
    graph.ops = rewriting.run()
    return drop_dead(graph)


class _Rewriting:
    """One walk; values keep their makers' places in the list."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.readers = graph.consumers()
        self.roots = set(graph.roots())
        self.sums: dict[tuple[Value, Value], Value] = {}
        self.ops: list[Op] = []

    def run(self) -> list[Op]:
        """The operations with the rewritten ones in the places of the old."""
        for op in self.graph.ops:
            if not (isinstance(op.prim, Matmul | ScatterAdd) and op.inputs[0].rank == 2 and self._rewritten(op)):
                self.ops.append(op)
        return self.ops

    def _rewritten(self, op: Op) -> bool:
        prim = op.prim
        if isinstance(prim, ScatterAdd):
            return self._sum_of_products(op, prim)
        assert isinstance(prim, Matmul)
        if not prim.transpose_a:
            return self._rows(op, prim)
        return not prim.transpose_b and self._gradient(op)

    def _rows(self, op: Op, prim: Matmul) -> bool:
        """Rows y W = (x W)[i]."""
        found = _gathered(op.inputs[0])
        if found is None:
            return False
        table, numbers = found
        made = self._emit(prim, (table, op.inputs[1]), (table.shape[0], op.outputs[0].shape[1]), op)
        self.ops.append(Op(Gather(), (made, numbers), op.outputs, op.segment, op.origin))
        return True

    def _gradient(self, op: Op) -> bool:
        """The gradients dz' y = S' x and y' dz = x' S."""
        for k, other in ((1, 0), (0, 1)):
            found = _gathered(op.inputs[k])
            if found is not None:
                table, numbers = found
                total = self._total(op.inputs[other], numbers, table.shape[0], op)
                operands = (total, table) if k == 1 else (table, total)
                self.ops.append(Op(op.prim, operands, op.outputs, op.segment, op.origin))
                return True
        return False

    def _sum_of_products(self, op: Op, prim: ScatterAdd) -> bool:
        """The sum by numbers of dz W is S W, where nothing else reads the product."""
        product, numbers = op.inputs[0].op, op.inputs[1]
        if product is None or not isinstance(product.prim, Matmul) or product.prim.transpose_a:
            return False
        dz, w = product.inputs
        alone = len(self.readers[op.inputs[0]]) == 1 and op.inputs[0] not in self.roots
        if not alone or dz.rank != 2 or prim.size * FEWER > numbers.shape[0] or product not in self.ops:
            return False
        total = self._total(dz, numbers, prim.size, op)
        self.ops.append(Op(product.prim, (total, w), op.outputs, op.segment, op.origin))
        return True

    def _total(self, dz: Value, numbers: Value, size: int, op: Op) -> Value:
        """The sums of the rows of ``dz`` by their numbers."""
        key = dz, numbers
        if key not in self.sums:
            self.sums[key] = self._emit(ScatterAdd(size), (dz, numbers), (size, dz.shape[1]), op)
        return self.sums[key]

    def _emit(self, prim: Primitive, inputs: tuple[Value, ...], shape: Shape, op: Op) -> Value:
        result = Value(shape, inputs[0].dtype, builder=op.outputs[0].builder)
        self.ops.append(Op(prim, inputs, (result,), op.segment, op.origin))
        return result


def _gathered(y: Value) -> tuple[Value, Value] | None:
    """The table and the numbers that rows are taken by, if the table is much smaller; renamed rows are rows."""
    maker = y.op
    while maker is not None and isinstance(maker.prim, Reshape) and maker.inputs[0].shape[-1:] == y.shape[-1:]:
        maker = maker.inputs[0].op
    if maker is None or not isinstance(maker.prim, Gather) or maker.inputs[0].rank != 2:
        return None
    table, numbers = maker.inputs
    return (table, numbers) if table.shape[0] * FEWER <= numbers.shape[0] == y.shape[0] else None
