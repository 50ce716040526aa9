"""Map on the CPU: every result at every element of the shape, and the same as an epilogue over rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import cast

from runtime import ops
from runtime.cpu import nest
from runtime.cpu.emit import BROADCAST, Source, Stream, Trees, cost, simplify_powers, working_dtype
from runtime.cpu.launch import Context, Launch, address_of, launcher
from runtime.cpu.nest import OUTER, Cursors, Dim
from runtime.expr import Expr
from runtime.ops import Shape
from runtime.plan import ITEM_BYTES, Step, View


def operand_stream(view: View, shape: Shape) -> Stream:
    """A view broadcast to ``shape``, strides in bytes."""
    ahead = len(shape) - len(view.shape)
    strides = [0] * ahead + [
        0 if n == 1 else s * view.item_bytes for n, s in zip(view.shape, view.strides, strict=True)
    ]
    return Stream(address_of(view), tuple(strides), view.dtype)


def coordinate_strides(node: Expr, shape: Shape) -> tuple[int, ...]:
    """How the number of an ``index`` (its axis) or random leaf (flat logical position) grows along the axes."""
    if node.op == "index":
        axis = cast(int, node.value) + len(shape)
        return tuple(int(a == axis) for a in range(len(shape)))
    return tuple(prod(shape[a + 1 :]) for a in range(len(shape)))


@dataclass
class Leaves:
    """What a set of trees reads: streams of operands in use, then of coordinates.

    ``operands`` maps an operand's number to its stream's, ``coordinates`` a
    node's strides to its stream's.
    """

    streams: list[Stream]
    operands: dict[int, int]
    coordinates: dict[tuple[int, ...], int]

    @classmethod
    def of(cls, trees: Sequence[Expr], reads: Sequence[View], shape: Shape) -> Leaves:
        """The leaves of trees over views."""
        streams: list[Stream] = []
        operands: dict[int, int] = {}
        coordinates: dict[tuple[int, ...], int] = {}
        for node in dict.fromkeys(n for tree in trees for n in tree.walk()):
            if node.op == "arg" and node.value not in operands:
                k = cast(int, node.value)
                operands[k] = len(streams)
                streams.append(operand_stream(reads[k], shape))
            elif node.op in ("index", "uniform", "normal"):
                strides = coordinate_strides(node, shape)
                if strides not in coordinates:
                    coordinates[strides] = len(streams)
                    streams.append(Stream(0, strides))
        return cls(streams, operands, coordinates)


@launcher(ops.Map)
def map_step(step: Step, context: Context) -> list[Launch]:
    """The launch of a map; none of an empty shape."""
    op = cast(ops.Map, step.op)
    launch = _launch(step, context, by_rows=False)
    return [] if 0 in op.shape or launch is None else [launch]


@launcher("rows")
def map_rows(step: Step, context: Context) -> list[Launch]:
    """The launch of a map that is called over rows n * H + h, as an epilogue."""
    launch = _launch(step, context, by_rows=True)
    assert launch is not None, "an epilogue writes something"
    return [launch]


def _launch(step: Step, context: Context, by_rows: bool) -> Launch | None:
    op = cast(ops.Map, step.op)
    wanted = [(tree, view) for tree, view in zip(op.results, step.writes, strict=True) if view is not None]
    if not wanted:
        return None
    trees = [simplify_powers(tree) for tree, _ in wanted]
    results = [operand_stream(view, op.shape) for _, view in wanted]
    leaves = Leaves.of(trees, step.reads, op.shape)
    streams = results + leaves.streams
    by_row = by_rows and len(op.shape) == 4
    dims = nest.dims_of(op.shape, streams, (0, 2, 3, 1) if by_row else None)
    if by_rows:
        split = 2 if len(dims) == 4 else len(dims) - 1
        rows, rest = nest.merge(dims[:split]), nest.merge(dims[split:])
        units_a_row = prod(d.size for d in rest[:-1])
        dims = [*rows, *(rest or [Dim(1, (0,) * len(streams))])]
    else:
        units_a_row = 0
        dims = nest.merge(nest.by_stride(dims, 0)) or [Dim(1, (0,) * len(streams))]
    working = working_dtype([s.dtype for s in streams], context)
    source = Source(working, context.lanes(working))
    return _emit(source, trees, leaves, nest.restride(streams, dims), dims, units_a_row, op)


def _emit(
    source: Source,
    trees: list[Expr],
    leaves: Leaves,
    streams: list[Stream],
    dims: list[Dim],
    units_a_row: int,
    op: ops.Map,
) -> Launch:
    """Text and words. ``units_a_row`` is 0 for a launch of its own, which makes chunks."""
    inner, outer = dims[-1].size, nest.padded(dims[:-1], OUTER, len(streams))
    streams = [_widened(s, len(outer) + 1, inner) for s in streams]
    each = nest.element_bytes(streams) + cost(trees)
    piece, blocks = (max(inner, 1), 1) if units_a_row else nest.pieces(inner, each)
    units = nest.volume(outer) * blocks
    per, chunks = (units_a_row, units // units_a_row) if units_a_row else nest.chunks_of(units, each * min(piece, inner))
    results, operands = streams[: len(trees)], streams[len(trees) :]

    header = [source.word(n) for n in (units, per, inner, piece)]
    cut, group = source.divisor(blocks), nest.Group.of(source, outer)
    cursors = Cursors(source, streams)
    patterns = [s.pattern(inner) for s in operands]
    ahead, last = len(results), len(outer)

    def operand(k: int, kind: str) -> str:
        n = leaves.operands[k]
        if patterns[n] == BROADCAST:
            return f"b{n}_{kind}"
        return nest.load(
            source, operands[n], patterns[n], kind, (f"p{n}", "i", cursors.stride(ahead + n, last), "hi - i")
        )

    def coordinate(node: Expr) -> tuple[str, str]:
        n = leaves.coordinates[coordinate_strides(node, op.shape)]
        stride = cursors.stride(ahead + n, last)
        return f"p{n} + i * {stride}", stride

    code = Trees(source, trees, operand, coordinate)
    source.line(f"unit = first * {header[1]}", f"stop = least(last * {header[1]}, {header[0]})")
    code.constants()
    with source.block("while unit < stop:"):
        source.line(f"row = over(args, {cut}, unit)", f"i = rest(args, {cut}, unit) * {header[3]}")
        source.line(f"hi = least({header[2]}, i + {header[3]})")
        for n in range(len(operands)):
            source.line(f"p{n} = {cursors.at(ahead + n, cursors.base(ahead + n), group, 'row')}")
        for n in range(len(results)):
            source.line(f"r{n} = {cursors.at(n, cursors.base(n), group, 'row')}")
        for k, kind in _broadcasts(trees, leaves, patterns, source.working):
            source.line(f"b{k}_{kind} = {source.use('broadcaster', operands[k].dtype, kind)}(p{k})")
        with source.block("while i < hi:"):
            values = code.body()
            targets = [nest.Target(r, f"r{n}", values[n][0], cursors.stride(n, last)) for n, r in enumerate(results)]
            nest.store(source, targets, "i", "hi - i")
            source.line("i += LANES")
        source.line("unit += 1")
    return Launch(source.kernel("map"), tuple(source.words), chunks)


def _widened(stream: Stream, count: int, inner: int) -> Stream:
    """A stream over ``count`` dimensions, zeros in front; a lone element counts as contiguous."""
    strides = (0,) * (count - len(stream.strides)) + stream.strides
    if inner == 1:
        strides = (*strides[:-1], ITEM_BYTES.get(stream.dtype, 1))
    return Stream(stream.base, strides, stream.dtype)


def _broadcasts(trees: list[Expr], leaves: Leaves, patterns: list[str], working: str) -> list[tuple[int, str]]:
    """(stream, kind) of the operands that are one element a row."""
    found: dict[tuple[int, str], None] = {}
    for node in dict.fromkeys(n for tree in trees for n in tree.walk() if n.op == "arg"):
        n = leaves.operands[cast(int, node.value)]
        if patterns[n] == BROADCAST:
            found[n, working if node.dtype == "float" else node.dtype] = None
    return list(found)
