"""The skeleton of everything that runs over reduced dimensions on a GPU: reduce, moments, logsumexp.

The threads of a block are ``across`` results wide and ``down`` deep. The
``down`` threads of a result take turns at the elements it is made of, each in a
fixed order, and a tree through shared memory merges what they found. In the
*rows* form a vector holds elements of one result, in the *columns* form results
of their own; in both, neighbouring threads read neighbouring vectors. Where
there are too few results to keep the device busy, blocks take segments of the
range, write what they found to scratch, and a second launch merges the
segments. All of this depends on shapes alone (``sharing``), and nothing is
added atomically: the same bits on every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from runtime.cuda.launch import Context, Launch
from runtime.cuda.sharing import LINE, Sharing
from runtime.cuda.source import GpuSource, lanes_that_fit
from runtime.expr import Expr, arg
from runtime.ops import Shape
from runtime.plan import ITEM_BYTES
from runtime.vector import nest
from runtime.vector.emit import Stream, Trees, simplify_powers, working_dtype
from runtime.vector.nest import Cursors, Dim
from runtime.vector.streams import Leaves, coordinate_strides

MOST_STATE = 8
"""Vectors of a thread in shared memory: 32 KB a block."""


@dataclass(frozen=True)
class Problem:
    """Trees over streams, reduced over some axes of a shape. ``outs`` have stride 0 along reduced axes."""

    trees: Sequence[Expr]
    leaves: Leaves
    shape: Shape
    axes: tuple[int, ...]
    outs: Sequence[Stream]


@dataclass(frozen=True)
class Pass:
    """One run over the reduced range, and the tree that merges what the threads of a result found.

    Parameters
    ----------
    state
        Names of the vectors that a thread gathers.
    start
        Lines that begin them.
    body
        ``body(elements)`` emits the lines for one or several elements, each a list of the trees' values.
    merge
        Emits the lines that merge ``other0, other1, ..`` of another thread into the state.
    shared
        Whether all threads of a result know the state afterwards; else the first alone does.
    """

    state: Sequence[str]
    start: Sequence[str]
    body: Callable[[list[list[str]]], None]
    merge: Callable[[], None]
    shared: bool = False


class _Source(GpuSource):
    IMPORTS = ("from runtime.cuda import simt", "from runtime.cuda.simt import barrier, block, block_y, thread")


class Fold:
    """The geometry of a problem, and its kernel under construction.

    Parameters
    ----------
    problem
        What to reduce.
    context
        Of the plan.
    name
        The kernel's name.
    segmented
        Whether the range may be cut.
    """

    def __init__(self, problem: Problem, context: Context, name: str, segmented: bool = True) -> None:
        self.problem, self.context, self.name = problem, context, name
        self.trees = [simplify_powers(tree) for tree in problem.trees]
        leaves, outs = problem.leaves.streams, list(problem.outs)
        streams = outs + leaves
        lead = len(outs) if leaves else 0
        axes = range(len(problem.shape))
        self.kept = nest.arranged(problem.shape, streams, [a for a in axes if a not in problem.axes], lead)
        reduced = nest.arranged(problem.shape, streams, problem.axes, lead)
        self.rows = nest.prefers_rows(self.kept, reduced, leaves, len(outs))
        outer, inner = (self.kept, reduced) if self.rows else (reduced, self.kept)
        dims = nest.padded([*outer, *inner], 1, len(streams))
        placed = nest.restride(streams, dims)
        working = working_dtype([s.dtype for s in streams], context.dtype)
        results = [] if self.rows else placed[: len(outs)]
        lanes = lanes_that_fit(results, placed, dims, context.lanes(working)) if inner else 1
        self.source = _Source(working, lanes)
        self.operands = placed[len(outs) :]
        self.width = dims[-1].size if inner else 1
        inner = [*inner[:-1], *(_by_vectors(d, lanes) for d in inner[-1:])]
        ends = (outer, inner) if self.rows else (inner, outer)
        self.results, self.range = (nest.padded(part, 1, len(streams)) for part in ends)
        line = max(1, LINE // (lanes * ITEM_BYTES[working]))
        near = 1 if self.rows else self.results[-1].size
        self.sharing = Sharing.of(nest.volume(self.results), nest.volume(self.range), near, line, segmented)

    @property
    def segments(self) -> int:
        """Parts of the range that blocks take apart from each other."""
        return self.sharing.segments

    @property
    def lanes(self) -> int:
        """Elements of a vector."""
        return self.source.lanes

    def splat(self) -> str:
        """The name of the function that makes a vector of a number."""
        return self.source.use("splatter", self.source.working)

    def number(self, value: float) -> str:
        """Text of a vector of a number that is an argument."""
        return f"{self.splat()}({self.source.real(value)})"

    def across(self, function: str, name: str) -> str:
        """Text of a vector combined over the lanes of a result by ``hsum`` or ``hmax``; of columns, as it is."""
        return f"{self.splat()}({function}({name}))" if self.rows else name

    def outs(self) -> list[Stream]:
        """The results over (segment, kept dimensions)."""
        found = nest.restride(self.problem.outs, self.kept)
        return [Stream(s.base, (0, *s.strides), s.dtype) for s in found]

    def partials(self, count: int) -> list[Stream]:
        """``count`` scratch arrays over (segment, kept dimensions)."""
        item, sizes = ITEM_BYTES[self.source.working], [d.size for d in self.kept]
        steps = [item * prod(sizes[k:]) for k in range(len(sizes) + 1)]
        scratch = [self.context.scratch(self.segments * steps[0]) for _ in range(count)]
        return [Stream(s, tuple(steps), self.source.working) for s in scratch]

    def merged(self, partials: Sequence[Stream], name: str) -> Fold:
        """The fold of segments: operand k is partial k."""
        leaves = Leaves(list(partials), {k: k for k in range(len(partials))}, {})
        shape = (self.segments, *(d.size for d in self.kept))
        trees = [arg(k) for k in range(len(partials))]
        return Fold(Problem(trees, leaves, shape, (0,), self.outs()), self.context, name, segmented=False)

    def emit(
        self,
        passes: Sequence[Pass],
        targets: Sequence[Stream],
        values: Sequence[str],
        together: int = 1,
        last: Sequence[str] = (),
    ) -> Launch:
        """The launch that runs ``passes`` and stores the texts ``values`` to ``targets``.

        Parameters
        ----------
        targets
            Over (segment, kept dimensions).
        together
            Elements that a body takes at once, as long as there are so many; NVVM itself unrolls loops.
        last
            Lines of the first thread of a result, before it stores.
        """
        source, sharing = self.source, self.sharing
        walk = _Walk(self, together)
        source.line(*self._place(), *walk.bases())
        walk.code.constants()
        room = source.lanes * ITEM_BYTES[source.working]
        block = sharing.across * sharing.down
        for one in passes:
            source.line(*one.start)
            walk.run(one)
            if sharing.down > 1:
                self._tree(one, room, block)
        with source.block("if line == 0 and is_result:"):
            source.line(*last)
            self._store(targets, values)
        grid = (-(-sharing.units // sharing.across), sharing.segments, 1)
        shared = room * block * max(len(one.state) for one in passes) if sharing.down > 1 else 0
        return Launch(source.kernel(self.name), tuple(source.words), grid, block, shared)

    def _place(self) -> list[str]:
        """Lines: the thread's result, its number among those of the result, its elements."""
        source, sharing = self.source, self.sharing
        side, down = source.divisor(sharing.side), source.divisor(sharing.down)
        per_segment, runs = source.word(sharing.per_segment), source.word(sharing.runs)
        return [
            f"beside, others = rest(args, {side}, thread()), over(args, {side}, thread())",
            f"line, column = rest(args, {down}, others), over(args, {down}, others) * word(args, {side}) + beside",
            f"unit = block() * {source.word(sharing.across)} + column",
            f"is_result = unit < {source.word(sharing.units)}",
            "segment = block_y()",
            f"lo = segment * {per_segment} + line",
            f"hi = least({runs}, lo - line + {per_segment})",
            "if not is_result:",
            "    unit, hi = 0, 0",
        ]

    def _tree(self, one: Pass, room: int, block: int) -> None:
        """Lines that merge the states of the threads of a result, halves to halves, in shared memory.

        ``room``: bytes of a vector; those of one name lie side by side, of ``block`` threads.
        """
        source, count = self.source, len(one.state)
        load, store = (source.use(f"shared_{what}", source.working, module="simt") for what in ("loader", "storer"))
        pitch, plane = source.word(room * self.sharing.side), source.word(room * block)
        kept = [f"{store}(own + {k} * {plane}, 0, {name})" for k, name in enumerate(one.state)]
        source.line(f"own = thread() * {room}", *kept)
        source.line(f"step = {source.word(self.sharing.down // 2)}")
        with source.block("while step > 0:"):
            source.line("barrier()")
            with source.block("if line < step:"):
                source.line(f"there = own + step * {pitch}")
                source.line(*(f"other{k} = {load}(there + {k} * {plane}, 0)" for k in range(count)))
                one.merge()
                source.line(*kept)
            source.line("step = step >> 1")
        if one.shared:
            source.line("barrier()", f"own = own - line * {pitch}")
            source.line(*(f"{name} = {load}(own + {k} * {plane}, 0)" for k, name in enumerate(one.state)))
            source.line("barrier()")

    def _store(self, targets: Sequence[Stream], values: Sequence[str]) -> None:
        """Lines that store the results of a thread."""
        source = self.source
        cursors = Cursors(source, [self._by_units(t) for t in targets])
        group = nest.Group.of(source, self.results, 1)
        for k, (target, value) in enumerate(zip(targets, values, strict=True)):
            start = f"{cursors.base(k)} + segment * {cursors.stride(k, 0)}"
            place = cursors.at(k, start, group, "unit")
            if self.rows:
                source.line(f"{source.use('scatterer', target.dtype)}({place}, 0, {value}, 1)")
            else:
                source.store(target, place, value)

    def _by_units(self, target: Stream) -> Stream:
        """A target over (segment, the dimensions of ``results``)."""
        segment, *steps = target.strides
        if not self.rows and steps:
            steps[-1] *= self.lanes
        return Stream(target.base, (segment, *steps, *(0,) * (len(self.results) - len(steps))), target.dtype)


class _Walk:
    """The text of a run over the reduced range."""

    def __init__(self, fold: Fold, together: int) -> None:
        self.fold, self.together, self.ahead = fold, together, 0
        source, ahead = fold.source, len(fold.problem.outs)
        streams = list(fold.problem.outs) + fold.problem.leaves.streams
        walked = nest.restride(streams, [*fold.results, *fold.range])[ahead:]
        self.count, self.cursors = len(walked), Cursors(source, walked)
        self.results = nest.Group.of(source, fold.results)
        self.range = nest.Group.of(source, fold.range, len(fold.results))
        self.down = source.word(fold.sharing.down)
        self.code = Trees(source, fold.trees, self._operand, self._coordinate)

    def bases(self) -> list[str]:
        """Lines that place every stream at the thread's result."""
        return [f"b{n} = {self.cursors.at(n, self.cursors.base(n), self.results, 'unit')}" for n in range(self.count)]

    def run(self, one: Pass) -> None:
        """Lines of one pass: several elements at once, then those that are left."""
        source = self.fold.source
        source.line("i = lo", *self._starts())
        if self.together > 1:
            with source.block(f"while i + {self.together - 1} * {self.down} < hi:"):
                one.body([self._element(u) for u in range(self.together)])
                self._advance(self.together)
        with source.block("while i < hi:"):
            one.body([self._element(0)])
            self._advance(1)

    @property
    def _straight(self) -> bool:
        """Whether the elements of a result lie at one stride."""
        return len(self.fold.range) == 1

    def _step(self, n: int) -> str:
        return self.cursors.stride(n, len(self.fold.results))

    def _starts(self) -> list[str]:
        if not self._straight:
            return []
        starts = [f"p{n} = b{n} + lo * {self._step(n)}" for n in range(self.count)]
        return starts + [f"d{n} = {self.down} * {self._step(n)}" for n in range(self.count)]

    def _advance(self, elements: int) -> None:
        source = self.fold.source
        times = f"{elements} * " if elements > 1 else ""
        source.line(f"i += {times}{self.down}")
        if self._straight:
            source.line(*(f"p{n} += {times}d{n}" for n in range(self.count)))

    def _element(self, u: int) -> list[str]:
        """Lines for the element ``u`` turns ahead; texts of the trees' values."""
        source = self.fold.source
        self.ahead = u
        values = [self.code.converted(value, kind, source.working) for value, kind in self.code.body()]
        if self.together == 1:
            return values
        names = [f"x{k}_{u}" for k in range(len(values))]
        source.line(*(f"{name} = {value}" for name, value in zip(names, values, strict=True)))
        return names

    def _at(self, n: int) -> str:
        """Text of a stream's place at the element at hand."""
        if not self._straight:
            turns = f"i + {self.ahead} * {self.down}" if self.ahead else "i"
            return self.cursors.at(n, f"b{n}", self.range, turns)
        return f"p{n} + {self.ahead} * d{n}" if self.ahead else f"p{n}"

    def _operand(self, k: int, kind: str) -> str:
        n = self.fold.problem.leaves.operands[k]
        return self.fold.source.load(self.fold.operands[n], self.fold.width, kind, self._at(n))

    def _coordinate(self, node: Expr) -> tuple[str, str]:
        """Texts of a coordinate's first value and step along a vector."""
        n = self.fold.problem.leaves.coordinates[coordinate_strides(node, self.fold.problem.shape)]
        return self._at(n), self.fold.source.word(self.fold.operands[n].strides[-1])


def _by_vectors(dim: Dim, lanes: int) -> Dim:
    """A dimension in steps of vectors."""
    return Dim(dim.size // lanes, tuple(s * lanes for s in dim.strides))
