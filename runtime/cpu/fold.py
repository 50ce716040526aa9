"""The skeleton of everything that runs over reduced dimensions: reduce, moments, logsumexp.

Two forms. *Rows*: the vector dimension is reduced; lanes are combined at the
end. *Columns*: it is kept; lanes are results of their own. The reduced range is
cut into segments where there are too few results to share out; what each
segment found goes to scratch and is merged, in order, by a second launch.
Sums are taken per piece, then per segment, then over segments: float32 sums
over millions of elements stay accurate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

from runtime.cpu.launch import Context, Launch
from runtime.expr import Expr, arg
from runtime.ops import Shape
from runtime.plan import ITEM_BYTES
from runtime.vector import nest
from runtime.vector.emit import Source, Stream, Trees, cost, simplify_powers, working_dtype
from runtime.vector.nest import CHUNK, Cursors, Dim
from runtime.vector.streams import Leaves, coordinate_strides

KEPT, REDUCED = 3, 2
"""Outer dimensions of a kernel, kept and reduced; problems of more get a kernel of their own."""

ENOUGH = 32
"""Results (or rows of them) from which the reduced range is not cut."""

MAX_SEGMENTS = 64

ROW_PIECE = 4096
"""Elements of a row that one set of lanes sums."""


@dataclass
class Problem:
    """Trees over streams, reduced over some axes of a shape.

    ``outs`` have stride 0 along reduced axes.
    """

    trees: list[Expr]
    leaves: Leaves
    shape: Shape
    axes: tuple[int, ...]
    outs: list[Stream]
    context: Context

    def __post_init__(self) -> None:
        self.trees = [simplify_powers(t) for t in self.trees]


@dataclass
class Pass:
    """One run over the reduced range: lines before, per piece, and after; ``body`` emits those per vector.

    ``body(values)`` gets the names of the trees' values.
    """

    before: Sequence[str]
    piece: Sequence[str]
    body: Callable[[list[str]], None]
    after_piece: Sequence[str]
    after: Sequence[str] = field(default_factory=tuple)


class Fold:
    """The geometry of a problem, and its kernel under construction.

    Parameters
    ----------
    problem
        What to reduce.
    name
        The kernel's name.
    segmented
        Whether the reduced range may be cut.
    columns
        The form with kept lanes, whatever is contiguous.
    """

    def __init__(self, problem: Problem, name: str, segmented: bool = True, columns: bool = False) -> None:
        self.problem, self.name = problem, name
        streams = problem.outs + problem.leaves.streams
        lead = len(problem.outs) if problem.leaves.streams else 0
        axes = range(len(problem.shape))
        kept = nest.arranged(problem.shape, streams, [a for a in axes if a not in problem.axes], lead)
        reduced = nest.arranged(problem.shape, streams, list(problem.axes), lead)
        nothing = Dim(1, (0,) * len(streams))
        self.kept = kept
        self.rows = not columns and nest.prefers_rows(kept, reduced, problem.leaves.streams, len(problem.outs))
        if self.rows:
            self.vector = reduced[-1] if reduced else nothing
            self.inner = self.vector
            kept_outer = kept
        else:
            self.vector = kept[-1] if kept else nothing
            self.inner = reduced[-1] if reduced else nothing
            kept_outer = kept[:-1]
        self.kept_outer = nest.padded(kept_outer, KEPT, len(streams))
        self.reduced_outer = nest.padded(reduced[:-1], REDUCED, len(streams))
        working = working_dtype([s.dtype for s in streams], problem.context.dtype)
        operands = [] if self.rows else self._operands([self.vector])
        self.source = Source(
            working, nest.lanes_of(operands, self.vector.size, working, problem.context.lanes(working))
        )
        self._cut(segmented)

    @property
    def count(self) -> int:
        """Number of results of a tree."""
        return nest.volume(self.kept)

    def _cut(self, segmented: bool) -> None:
        """Pieces, segments, units and chunks."""
        every = self._operands([self.vector])
        each = max(1, nest.element_bytes(every)) + cost(self.problem.trees)
        reduced = nest.volume(self.reduced_outer) * self.inner.size
        width = 1 if self.rows else self.vector.size
        if self.rows:
            self.piece, self.blocks = nest.pieces(self.inner.size, 1, ROW_PIECE)
        else:
            wanted = max(16, min(256, CHUNK // 2 // max(1, width * each)))
            self.blocks = max(1, -(-self.inner.size // wanted))
            self.piece = max(1, -(-self.inner.size // self.blocks))
        self.runs = nest.volume(self.reduced_outer) * self.blocks
        lines = nest.volume(self.kept_outer)
        work = lines * width * reduced * each
        few = segmented and lines < ENOUGH and work > 2 * CHUNK and width * each < 32 * 1024
        segments = max(1, min(self.runs, MAX_SEGMENTS, work // CHUNK // max(1, lines))) if few else 1
        self.per_segment = max(1, -(-self.runs // segments))
        self.segments = max(1, -(-self.runs // self.per_segment))
        self.column_blocks = 1 if self.rows else -(-self.vector.size // self.source.lanes)
        self.units = lines * self.segments * self.column_blocks
        lanes = 1 if self.rows else self.source.lanes
        self.per, self.chunks = nest.chunks_of(self.units, max(1, reduced // self.segments * lanes * each))

    def _operands(self, last: list[Dim]) -> list[Stream]:
        dims = [*self.kept_outer, *self.reduced_outer, *([] if self.rows else [self.inner]), *last]
        streams = nest.restride(self.problem.outs + self.problem.leaves.streams, dims)
        return streams[len(self.problem.outs) :]

    def partials(self, count: int) -> list[Stream]:
        """``count`` scratch arrays, one element a segment and result, as streams over (segment, kept dims)."""
        item = ITEM_BYTES[self.source.working]
        sizes = [d.size for d in self.kept]
        steps = [item * prod(sizes[k + 1 :]) for k in range(len(sizes))]
        room = self.segments * self.count * item
        scratch = [self.problem.context.scratch(room) for _ in range(count)]
        return [Stream(s, (item * self.count, *steps), self.source.working) for s in scratch]

    def results(self) -> list[Stream]:
        """The problem's own results as streams over (segment, kept dims)."""
        outs = nest.restride(self.problem.outs, self.kept)
        return [Stream(s.base, (0, *s.strides), s.dtype) for s in outs]

    # text

    def masked(self, value: str, identity: str) -> str:
        """Text of a value with lanes beyond the row replaced."""
        return f"select({self.source.use('mask_below')}(hi - i), {value}, {identity})" if self.rows else value

    def across(self, combine: str, name: str) -> str:
        """Text of ``name`` combined over its lanes, in every lane, where lanes are reduced."""
        return f"{self.splat()}({combine}({name}))" if self.rows else name

    def splat(self) -> str:
        """The name of the working dtype's splat."""
        return self.source.use("splatter", self.source.working)

    def emit(self, passes: Sequence[Pass], targets: Sequence[Stream], values: Sequence[str]) -> Launch:
        """The launch that runs ``passes`` and stores the texts ``values`` to ``targets``, over (segment, kept dims)."""
        source, operands = self.source, self._operands([self.vector])
        outs = [self._out_stream(t) for t in targets]
        loop = _Loop(self, operands)
        cursors = Cursors(source, outs)
        units, per, width = (source.word(n) for n in (self.units, self.per, self.vector.size))
        cut, columns = source.divisor(self.segments), source.divisor(self.column_blocks)
        source.line(f"unit = first * {per}", f"stop = least(last * {per}, {units})")
        code = Trees(source, self.problem.trees, loop.operand, loop.coordinate)
        code.constants()
        with source.block("while unit < stop:"):
            if self.rows:
                source.line(f"row = over(args, {cut}, unit)", f"segment = rest(args, {cut}, unit)")
            else:
                source.line(f"row = over(args, {columns}, unit)", f"i = rest(args, {columns}, unit) * LANES")
                source.line(
                    f"segment = rest(args, {cut}, row)", f"row = over(args, {cut}, row)", f"valid = {width} - i"
                )
            loop.bases()
            for one in passes:
                loop.run(one, code)
            for k in range(len(outs)):
                start = f"{cursors.base(k)} + segment * {cursors.stride(k, len(self.kept_outer))}"
                source.line(f"r{k} = {cursors.at(k, start, loop.kept, 'row')}", f"x{k} = {values[k]}")
            place = ("0", "1") if self.rows else ("i", "valid")
            last = len(self.kept_outer) + 1
            stores = [nest.Target(s, f"r{k}", f"x{k}", cursors.stride(k, last)) for k, s in enumerate(outs)]
            nest.store(source, stores, *place)
            source.line("unit += 1")
        return Launch(source.kernel(self.name), tuple(source.words), self.chunks)

    def _out_stream(self, target: Stream) -> Stream:
        """A target over (kept outer dims padded, segment, vector)."""
        segment, *steps = target.strides
        item = ITEM_BYTES[target.dtype]
        last = item if self.rows or not self.kept or self.vector.size == 1 else steps.pop()
        if not self.rows and self.kept and self.vector.size == 1:
            steps.pop()
        steps = [0] * (len(self.kept_outer) - len(steps)) + steps
        return Stream(target.base, (*steps, segment, last), target.dtype)


class _Loop:
    """The text of a run over the reduced range."""

    def __init__(self, fold: Fold, operands: list[Stream]) -> None:
        source = fold.source
        self.fold, self.operands, self.cursors = fold, operands, Cursors(fold.source, operands)
        self.patterns = [s.pattern(fold.vector.size) for s in operands]
        self.kept = nest.Group.of(source, fold.kept_outer)
        self.reduced = nest.Group.of(source, fold.reduced_outer, len(fold.kept_outer))
        self.cut = source.divisor(fold.blocks)
        numbers = (fold.per_segment, fold.runs, fold.inner.size, fold.piece)
        self.per_segment, self.runs, self.size, self.piece = (source.word(n) for n in numbers)

    def operand(self, k: int, kind: str) -> str:
        """Text of an operand's vector."""
        n = self.fold.problem.leaves.operands[k]
        valid = "hi - i" if self.fold.rows else "valid"
        place = (f"p{n}", "i", self._stride(n), valid)
        return nest.load(self.fold.source, self.operands[n], self.patterns[n], kind, place)

    def coordinate(self, node: Expr) -> tuple[str, str]:
        """Texts of a coordinate's first value and step."""
        n = self.fold.problem.leaves.coordinates[coordinate_strides(node, self.fold.problem.shape)]
        return f"p{n} + i * {self._stride(n)}", self._stride(n)

    def bases(self) -> None:
        """Lines that place every stream at the unit's row."""
        for n in range(len(self.operands)):
            self.fold.source.line(f"b{n} = {self.cursors.at(n, self.cursors.base(n), self.kept, 'row')}")

    def run(self, one: Pass, code: Trees) -> None:
        """Lines of one pass."""
        fold, source = self.fold, self.fold.source
        at = "i" if fold.rows else "j"
        source.line(*one.before, f"run = segment * {self.per_segment}")
        source.line(f"end = least({self.runs}, run + {self.per_segment})")
        with source.block("while run < end:"):
            source.line(f"line = over(args, {self.cut}, run)", f"lo = rest(args, {self.cut}, run) * {self.piece}")
            source.line(f"hi = least({self.size}, lo + {self.piece})", *one.piece)
            for n in range(len(self.operands)):
                start = f"b{n}" if fold.rows else f"b{n} + lo * {self._step(n)}"
                source.line(f"p{n} = {self.cursors.at(n, start, self.reduced, 'line')}")
            source.line(f"{at} = lo")
            with source.block(f"while {at} < hi:"):
                one.body([code.converted(name, kind, source.working) for name, kind in code.body()])
                if fold.rows:
                    source.line("i += LANES")
                else:
                    source.line(*(f"p{n} += {self._step(n)}" for n in range(len(self.operands))), "j += 1")
            source.line(*one.after_piece, "run += 1")
        source.line(*one.after)

    def _stride(self, n: int) -> str:
        """Text of a stream's stride along the vector dimension."""
        return self.cursors.stride(n, len(self.operands[n].strides) - 1)

    def _step(self, n: int) -> str:
        """Text of a stream's stride along the inner reduced dimension, where lanes are kept."""
        return self.cursors.stride(n, len(self.operands[n].strides) - 2)


def merge_leaves(partials: Sequence[Stream]) -> Leaves:
    """Leaves that read partial results as operands 0, 1, .."""
    return Leaves(list(partials), {k: k for k in range(len(partials))}, {})


def merge_problem(fold: Fold, partials: Sequence[Stream], trees: int) -> Problem:
    """The problem of merging segments: operand k is partial k, reduced over the segments."""
    shape = (fold.segments, *(d.size for d in fold.kept))
    return Problem(
        [arg(k) for k in range(trees)], merge_leaves(partials), shape, (0,), fold.results(), fold.problem.context
    )
