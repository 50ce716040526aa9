"""Map on the CPU: every result at every element of the shape, and the same as an epilogue over rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from runtime import ops
from runtime.cpu.launch import Context, Launch, launcher
from runtime.expr import Expr
from runtime.plan import ITEM_BYTES, Step
from runtime.vector import nest
from runtime.vector.emit import BROADCAST, Source, Stream, Trees, cost, simplify_powers, working_dtype
from runtime.vector.nest import OUTER, Cursors, Dim
from runtime.vector.streams import Leaves, coordinate_strides, operand_stream


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
    dims = nest.dims_of(op.shape, streams)
    if by_rows:
        # a row of N x C x H x W is one n, h: its W outside, its C inside
        axes = ([0, 2], [3, 1]) if len(dims) == 4 else (list(range(len(dims) - 1)), [len(dims) - 1])
        outer, rest = (nest.merge([dims[a] for a in part]) for part in axes)
    else:
        dims = nest.merge(nest.by_stride(dims, 0))
        outer, rest = dims[:-2], dims[-2:]
    loops = [*nest.padded(outer, OUTER, len(streams)), *nest.padded(rest, 2, len(streams))]
    working = working_dtype([s.dtype for s in streams], context.dtype)
    source = Source(working, context.lanes(working))
    operands = [_widened(s, loops[-1].size) for s in nest.restride(streams, loops)]
    cuts = _Cuts.of(loops, nest.element_bytes(operands) + cost(trees), by_rows)
    return _emit(source, trees, leaves, operands, cuts, op)


@dataclass(frozen=True)
class _Cuts:
    """How a nest of outer dimensions, a middle and a vector dimension is shared out.

    A unit is ``lines`` of the middle dimension by ``piece`` of the vector
    dimension; a chunk is ``per`` units.
    """

    outer: list[Dim]
    middle: int
    lines: int
    inner: int
    piece: int
    per: int
    chunks: int

    @classmethod
    def of(cls, loops: list[Dim], each: int, by_rows: bool) -> _Cuts:
        """Cut by cost alone; for an epilogue a unit and a chunk are one row."""
        outer, middle, inner = loops[:-2], loops[-2].size, loops[-1].size
        rows = nest.volume(outer)
        if by_rows:
            return cls(outer, middle, middle, inner, max(inner, 1), 1, rows)
        piece, blocks = nest.pieces(inner, each)
        lines = 1 if blocks > 1 else max(1, min(middle, nest.CHUNK // max(1, inner * each)))
        units = rows * -(-middle // lines) * blocks
        per, chunks = nest.chunks_of(units, each * min(piece, inner) * lines)
        return cls(outer, middle, lines, inner, piece, per, chunks)

    @property
    def blocks(self) -> tuple[int, int]:
        """Blocks of the middle and of the vector dimension."""
        return -(-self.middle // self.lines), -(-self.inner // self.piece)

    @property
    def units(self) -> int:
        """Units in all."""
        return nest.volume(self.outer) * self.blocks[0] * self.blocks[1]


def _emit(source: Source, trees: list[Expr], leaves: Leaves, streams: list[Stream], cuts: _Cuts, op: ops.Map) -> Launch:
    """Text and words."""
    results, operands = streams[: len(trees)], streams[len(trees) :]
    numbers = (cuts.units, cuts.per, cuts.inner, cuts.piece, cuts.middle, cuts.lines)
    units, per, inner, piece, middle, lines = (source.word(n) for n in numbers)
    down, across = (source.divisor(n) for n in cuts.blocks)
    group, cursors = nest.Group.of(source, cuts.outer), Cursors(source, streams)
    patterns = [s.pattern(cuts.inner) for s in operands]
    ahead, last = len(results), len(cuts.outer) + 1
    names = [*(f"r{n}" for n in range(ahead)), *(f"p{n}" for n in range(len(operands)))]

    def operand(k: int, kind: str) -> str:
        n = leaves.operands[k]
        if patterns[n] == BROADCAST:
            return f"b{n}_{kind}"
        place = (f"p{n}", "i", cursors.stride(ahead + n, last), "hi - i")
        return nest.load(source, operands[n], patterns[n], kind, place)

    def coordinate(node: Expr) -> tuple[str, str]:
        n = leaves.coordinates[coordinate_strides(node, op.shape)]
        stride = cursors.stride(ahead + n, last)
        return f"p{n} + i * {stride}", stride

    code = Trees(source, trees, operand, coordinate)
    source.line(f"unit = first * {per}", f"stop = least(last * {per}, {units})")
    code.constants()
    with source.block("while unit < stop:"):
        source.line(f"row = over(args, {across}, unit)", f"lo = rest(args, {across}, unit) * {piece}")
        source.line(f"line = rest(args, {down}, row) * {lines}", f"row = over(args, {down}, row)")
        source.line(f"end = least({middle}, line + {lines})", f"hi = least({inner}, lo + {piece})")
        for n, name in enumerate(names):
            start = f"{cursors.base(n)} + line * {cursors.stride(n, last - 1)}"
            source.line(f"{name} = {cursors.at(n, start, group, 'row')}")
        with source.block("while line < end:"):
            for k, kind in _broadcasts(trees, leaves, patterns, source.working):
                source.line(f"b{k}_{kind} = {source.use('broadcaster', operands[k].dtype, kind)}(p{k})")
            source.line("i = lo")
            with source.block("while i < hi:"):
                values = code.body()
                targets = [
                    nest.Target(r, f"r{n}", values[n][0], cursors.stride(n, last)) for n, r in enumerate(results)
                ]
                nest.store(source, targets, "i", "hi - i")
                source.line("i += LANES")
            source.line(*(f"{name} += {cursors.stride(n, last - 1)}" for n, name in enumerate(names)), "line += 1")
        source.line("unit += 1")
    return Launch(source.kernel("map"), tuple(source.words), cuts.chunks)


def _widened(stream: Stream, inner: int) -> Stream:
    """A stream whose lone element along the vector dimension counts as contiguous."""
    if inner != 1:
        return stream
    return Stream(stream.base, (*stream.strides[:-1], ITEM_BYTES.get(stream.dtype, 1)), stream.dtype)


def _broadcasts(trees: list[Expr], leaves: Leaves, patterns: list[str], working: str) -> list[tuple[int, str]]:
    """(stream, kind) of the operands that are one element a row."""
    found: dict[tuple[int, str], None] = {}
    for node in dict.fromkeys(n for tree in trees for n in tree.walk() if n.op == "arg"):
        n = leaves.operands[cast(int, node.value)]
        if patterns[n] == BROADCAST:
            found[n, working if node.dtype == "float" else node.dtype] = None
    return list(found)
