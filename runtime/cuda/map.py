"""Map on a GPU: a thread computes one vector of elements, neighbours load and store neighbours."""

from __future__ import annotations

from typing import cast

from runtime import ops
from runtime.cuda.launch import Context, Launch, blocks_for, launcher
from runtime.cuda.source import GpuSource, lanes_that_fit
from runtime.expr import Expr
from runtime.plan import Step
from runtime.vector import nest
from runtime.vector.emit import Stream, Trees, simplify_powers, working_dtype
from runtime.vector.nest import Cursors, Dim
from runtime.vector.streams import Leaves, coordinate_strides, operand_stream

BLOCK = 256


@launcher(ops.Map)
def map_step(step: Step, context: Context) -> list[Launch]:
    """The launch of a map; none of an empty shape."""
    op = cast(ops.Map, step.op)
    wanted = [(tree, view) for tree, view in zip(op.results, step.writes, strict=True) if view is not None]
    if 0 in op.shape or not wanted:
        return []
    trees = [simplify_powers(tree) for tree, _ in wanted]
    results = [operand_stream(view, op.shape) for _, view in wanted]
    leaves = Leaves.of(trees, step.reads, op.shape)
    streams = results + leaves.streams
    dims = nest.merge(nest.by_stride(nest.dims_of(op.shape, streams), 0)) or nest.padded([], 1, len(streams))
    return [_emit(trees, leaves, nest.restride(streams, dims), dims, op, context)]


def _emit(
    trees: list[Expr], leaves: Leaves, streams: list[Stream], dims: list[Dim], op: ops.Map, context: Context
) -> Launch:
    """Text and words."""
    results, operands = streams[: len(trees)], streams[len(trees) :]
    working = working_dtype([s.dtype for s in streams], context.dtype)
    inner = dims[-1].size
    lanes = lanes_that_fit(results, streams, dims, context.lanes(working))
    source = GpuSource(working, lanes)
    units = nest.volume(dims) // lanes
    across, count = source.divisor(inner // lanes), source.word(units)
    outer = nest.padded(dims[:-1], 1, len(streams))
    padded = [Stream(s.base, (*(0,) * (len(outer) + 1 - len(s.strides)), *s.strides), s.dtype) for s in streams]
    group, cursors = nest.Group.of(source, outer), Cursors(source, padded)
    ahead, last = len(results), len(outer)

    def place(n: int) -> str:
        start = f"{cursors.base(n)} + column * {cursors.stride(n, last)}"
        return cursors.at(n, start, group, "row")

    def operand(k: int, kind: str) -> str:
        n = leaves.operands[k]
        return source.load(operands[n], inner, kind, f"p{n}")

    def coordinate(node: Expr) -> tuple[str, str]:
        n = leaves.coordinates[coordinate_strides(node, op.shape)]
        return f"p{n}", cursors.stride(ahead + n, last)

    code = Trees(source, trees, operand, coordinate)
    source.line("unit = place()")
    with source.block(f"if unit < {count}:"):
        source.line(f"row, column = over(args, {across}, unit), rest(args, {across}, unit) * LANES")
        source.line(*(f"p{n} = {place(ahead + n)}" for n in range(len(operands))))
        code.constants()
        for n, (value, _) in enumerate(code.body()):
            source.store(results[n], place(n), value)
    return Launch(source.kernel("map"), tuple(source.words), blocks_for(units, BLOCK), BLOCK)
