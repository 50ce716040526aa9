"""The text of a matrix product on a GPU: C[m, n] = sum over k of A[m, k] B[k, n], in fused multiply-adds.

How the kernel is built, from the outside in:

1. **Tiles.** A block of threads makes a tile of C. Every element of A that it
   loads serves all columns of the tile, every one of B all rows: a tile of 128 x
   128 reads 1 / 64 of what a thread for each element of C would.
2. **Steps.** The block walks along k in steps of ``DEPTH``. The slices of A and B
   of a step lie in shared memory, which all of its threads read.
3. **Registers.** A thread holds 8 x 8 sums in registers. For each k it reads 8
   elements of each slice (four reads of 16 bytes) and does 64 multiply-adds:
   registers are the only memory that is fast enough to feed them (Volkov).
4. **Two buffers.** While the sums of one step are computed, the next slices are
   on their way from global memory to registers; they are stored to the other
   buffer behind the sums. One barrier a step keeps the buffers apart.
5. **Banks.** Shared memory has 32 banks of 4 bytes. Slices are stored k by k, so
   that a warp's reads of 16 bytes meet each bank once; a row of a slice is a
   vector longer than the tile, so that vectors along k, which are stored
   element by element to different rows, do too.
6. **Where operands lie** is their own affair (``Side``): an index of rows and one
   of k each walk up to three dimensions, with a test for the map's border. That
   makes convolutions and gradients the same kernel: *implicit* GEMM, no im2col.
7. **The end.** The sums go through shared memory, a few vectors at a time, to a
   loop in which what is fused behind the product is evaluated once
   (``finish``), instead of once for every register.

Source
    Volkov and Demmel 2008, "Benchmarking GPUs to tune dense linear algebra";
    Kerr et al. 2017, "CUTLASS: fast linear algebra in CUDA C++" (the hierarchy of
    tiles, two buffers); Chetlur et al. 2014, "cuDNN: efficient primitives for deep
    learning" (implicit GEMM).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.cuda.operands import Axis, Operand
from runtime.cuda.product_source import ProductSource
from runtime.ops import Pair
from runtime.plan import ITEM_BYTES

DEPTH = 8
"""Elements along k of a step: 32 bytes of float32, what global memory gives at least."""


@dataclass(frozen=True)
class Tile:
    """What a block computes: ``rows`` x ``columns`` of C, ``high`` x ``wide`` of it a thread."""

    rows: int
    columns: int
    high: int
    wide: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.rows // self.high * (self.columns // self.wide)


class Names:
    """Argument words by what they are, each written once."""

    def __init__(self, source: ProductSource) -> None:
        self.source = source
        self._words: dict[str, str] = {}
        self._divisors: dict[str, int] = {}

    def word(self, meaning: str, value: int) -> str:
        """The text of a word."""
        if meaning not in self._words:
            self._words[meaning] = self.source.word(value)
        return self._words[meaning]

    def split(self, meaning: str, number: str, axis: Axis) -> tuple[str, str, str]:
        """Texts of the three coordinates of a number."""
        for level in (1, 2):
            if f"{meaning}{level}" not in self._divisors:
                self._divisors[f"{meaning}{level}"] = self.source.divisor(axis.sizes[level])
        last, middle = self._divisors[f"{meaning}2"], self._divisors[f"{meaning}1"]
        above = f"over(args, {last}, {number})"
        return f"over(args, {middle}, {above})", f"rest(args, {middle}, {above})", f"rest(args, {last}, {number})"


class Side:
    """The lines by which a block brings slices of one operand into shared memory.

    Parameters
    ----------
    source
        Where text goes.
    name
        ``a`` or ``b``, in front of all names.
    operand
        Where it lies.
    tile
        Elements along its outer index.
    threads, dtype, lanes
        Of the block; of the product; elements of 16 bytes.
    """

    def __init__(
        self, source: ProductSource, name: str, operand: Operand, tile: int, threads: int, dtype: str, lanes: int
    ) -> None:
        self.source, self.name, self.operand = source, name, operand
        self.tile, self.dtype, self.item = tile, dtype, ITEM_BYTES[dtype]
        self.along_k, self.width = operand.access(dtype, lanes)
        # a vector longer than the tile: elements stored to the rows below each other go to other banks, and rows still
        # begin at multiples of 16 bytes
        self.row = tile + lanes
        across = DEPTH // self.width if self.along_k else tile // self.width
        self.bits = across.bit_length() - 1
        # threads side by side take neighbours in memory; those left go on to other rows (or k), in passes if need be
        self.apart = threads // across
        total = tile if self.along_k else DEPTH
        self.passes = max(1, total // self.apart)
        self.spare = self.apart > total
        self.total = total
        self.bytes = self.row * DEPTH * self.item
        self.names = Names(source)
        border, inner = operand.border is not None, operand.inner
        walkers = 1 if self.along_k or inner.plain else self.passes
        self.inner = [Walker(source, f"{name}{j}", inner, border, self.names) for j in range(walkers)]

    def start(self, buffer: int, tile_text: str) -> None:
        """Lines for the top: this thread's places. ``buffer``: where slices start; ``tile_text``: the tile's row 0."""
        s, n, op, across = self.source, self.name, self.operand, (1 << self.bits) - 1
        s.bind(f"{n}_load", f"simd.aligned_loader({self.dtype!r}, {self.dtype!r}, {self.width})")
        s.bind(f"{n}_zero", f"simd.splatter({self.dtype!r}, {self.width})")
        s.line(f"{n}_fast, {n}_slow = (t & {across}) * {self.width}, t >> {self.bits}")
        outer, k = (f"{n}_slow", f"{n}_fast") if self.along_k else (f"{n}_fast", f"{n}_slow")
        s.line(f"{n}_base = {s.word(op.base)} + batch0 * {s.word(op.batch[0])} + batch1 * {s.word(op.batch[1])}")
        for j in range(self.passes if self.along_k else 1):
            self._outer(j, f"{tile_text} + {outer} + {j * self.apart}")
        for j, walker in enumerate(self.inner):
            walker.start(f"k0 + {k} + {j * self.apart}")
        if op.inner.plain:  # an address for each pass, which takes every step itself
            rows = range(self.passes) if self.along_k else [0] * self.passes
            s.line(*(f"{n}_at{j} = {n}_row{row}_at + {self._ahead(j)}" for j, row in enumerate(rows)))
        s.line(f"{n}_to = {buffer} + ({k} * {self.row} + {outer}) * {self.item}")

    def _ahead(self, j: int) -> str:
        """Text of the bytes that k moves the address of pass ``j`` at the start."""
        k = f"({self.inner[0].k} + {0 if self.along_k else j * self.apart})"
        return f"{k} * {self.names.word('k step', self.operand.inner.strides[0])}"

    def _outer(self, j: int, position: str) -> None:
        """The place of one of this thread's rows: address, whether it is there, and where in the map."""
        s, n, axis, word = self.source, f"{self.name}_row{j}", self.operand.outer, self.names.word
        s.line(f"{n} = {position}", f"{n}_is = {n} < {word('rows', axis.size)}")
        steps = [word(f"row step {level}", v) for level, v in enumerate(axis.strides)]
        if axis.plain:
            s.line(f"{n}_at = {self.name}_base + {n} * {steps[0]}")
            return
        for level, text in enumerate(self.names.split("rows", n, axis)):
            s.line(f"{n}_{level} = {text}")
        moved = " + ".join(f"{n}_{level} * {step}" for level, step in enumerate(steps))
        s.line(f"{n}_at = {self.name}_base + {moved}")
        if self.operand.border is not None:
            s.line(*(f"{n}_{d} = {text}" for d, text in _over_map(self.names, "row", axis, n).items()))

    def advance(self) -> None:
        """Lines that move to the next step."""
        for walker in self.inner:
            walker.advance()
        if self.operand.inner.plain:
            step = self.source.word(DEPTH * self.operand.inner.strides[0])
            self.source.line(*(f"{self.name}_at{j} += {step}" for j in range(self.passes)))

    def fetch(self) -> None:
        """Lines that load this thread's vectors of a step to registers: zeros beyond the end and outside the map."""
        s, n, border = self.source, self.name, self.operand.border
        for j in range(self.passes):
            plain = self.operand.inner.plain
            row, walker = f"{n}_row{j if self.along_k else 0}", self.inner[0 if self.along_k or plain else j]
            k = f"{walker.k} + {j * self.apart}" if plain and not self.along_k else walker.k
            tests = [f"{row}_is", f"within({k}, k1)"]
            if self.spare:
                tests.append(f"{n}_slow < {self.total}")
            if border is not None:
                for d, size in zip("hw", border, strict=True):
                    tests.append(f"within({row}_{d} + {walker.name}_{d}, {self.names.word(d, size)})")
            s.line(f"{n}_v{j} = {n}_zero(0.0)")
            with s.block(f"if {' & '.join(f'({t})' for t in tests)}:"):
                s.line(f"{n}_v{j} = {n}_load({f'{n}_at{j}' if plain else f'{row}_at + {walker.at}'}, 0)")

    def put(self, buffer: str) -> None:
        """Lines that store those registers to shared memory, slices k by k."""
        s, n = self.source, self.name
        if self.spare:
            with s.block(f"if {n}_slow < {self.total}:"):
                self._stores(buffer)
        else:
            self._stores(buffer)

    def _stores(self, buffer: str) -> None:
        s, n = self.source, self.name
        s.bind(f"{n}_put", f"shared_storer({self.dtype!r}, {self.width})")
        s.bind(f"{n}_lane", f"lane_reader({self.dtype!r}, {self.width})")
        s.bind("write", f"shared_writer({self.dtype!r})")
        for j in range(self.passes):
            if not self.along_k:
                s.line(f"{n}_put({n}_to + {buffer}, {j * self.apart * self.row}, {n}_v{j})")
                continue
            for e in range(self.width):
                s.line(f"write({n}_to + {buffer}, {e * self.row + j * self.apart}, {n}_lane({n}_v{j}, {e}))")


class Walker:
    """The lines by which a thread's k moves on: its place in memory and over the map, without a division a step."""

    def __init__(self, source: ProductSource, name: str, axis: Axis, border: bool, names: Names) -> None:
        self.source, self.name, self.axis, self.border, self.names = source, name, axis, border, names
        self.k, self.at = f"{name}_k", f"{name}_at"

    def start(self, position: str) -> None:
        """Lines that find the first place."""
        s, n, axis = self.source, self.name, self.axis
        s.line(f"{self.k} = {position}")
        if axis.plain:
            return
        for level, text in enumerate(self.names.split("k", self.k, axis)):
            s.line(f"{n}_{level} = {text}")
        steps = [self.names.word(f"k step {level}", v) for level, v in enumerate(axis.strides)]
        s.line(f"{self.at} = " + " + ".join(f"{n}_{level} * {step}" for level, step in enumerate(steps)))
        if self.border:
            s.line(*(f"{n}_{d} = {text}" for d, text in _over_map(self.names, "k", axis, n).items()))

    def advance(self) -> None:
        """Lines that add ``DEPTH``, carrying into the outer dimensions."""
        s, n, axis, word = self.source, self.name, self.axis, self.names.word
        s.line(f"{self.k} += {DEPTH}")
        if axis.plain:
            return
        (_, middle, last), (far, mid, near) = axis.sizes, axis.strides
        s.line(f"{n}_2 += {DEPTH}", f"{self.at} += {word('k depth', DEPTH * near)}")
        if self.border and _moves(axis)[1] == 2:
            s.line(f"{n}_w += {word('k depth over the map', DEPTH * axis.step[1])}")
        size = word("k size 2", last)
        with s.block(f"while {n}_2 >= {size}:"):
            s.line(f"{n}_2 -= {size}", f"{n}_1 += 1", f"{self.at} += {word('k carry 1', mid - last * near)}")
            self._carry(1)
            with s.block(f"if {n}_1 == {word('k size 1', middle)}:"):
                s.line(f"{n}_1 = 0", f"{self.at} += {word('k carry 0', far - middle * mid)}")
                self._carry(0)

    def _carry(self, level: int) -> None:
        """Moves over the map where the next position of a dimension begins and the one below starts anew."""
        if not self.border:
            return
        axis, word = self.axis, self.names.word
        for d, moves, step in zip("hw", _moves(axis), axis.step, strict=True):
            if moves == level:
                self.source.line(f"{self.name}_{d} += {word(f'k {d} step', step)}")
            elif moves == level + 1:
                self.source.line(f"{self.name}_{d} -= {word(f'k {d} back', step * axis.sizes[level + 1])}")


def _moves(axis: Axis) -> Pair:
    """The dimensions that move down and right over the map."""
    return (1, 2) if axis.role == "pixels" else (0, 1)


def _over_map(names: Names, meaning: str, axis: Axis, name: str) -> dict[str, str]:
    """Texts of the row ``h`` and column ``w`` of the map where a position of an axis lies."""
    found = {}
    for d, level, first, step in zip("hw", _moves(axis), axis.first, axis.step, strict=True):
        found[d] = f"{name}_{level} * {names.word(f'{meaning} {d} step', step)} + {names.word(f'{meaning} {d}', first)}"
    return found


@dataclass(frozen=True)
class Lattice:
    """Where a thread's sums lie in the tile.

    Warps of up to 8 threads across: their reads of a slice meet each bank
    once. A thread's rows and columns come in vectors, one in each of equal
    parts of its warp's share, so that neighbours always read and write
    neighbours.
    """

    tile: Tile
    lanes: int

    @property
    def across(self) -> int:
        """Threads of a warp along columns."""
        return min(8, self.tile.columns // self.tile.wide)

    @property
    def down(self) -> int:
        """Threads of a warp along rows."""
        return 32 // self.across

    def row(self, i: int) -> int:
        """Row i of a thread, counted from its first."""
        return i // self.lanes * self.down * self.lanes + i % self.lanes

    def column(self, j: int) -> int:
        """Column of vector j of a thread, counted from its first."""
        return j * self.across * self.lanes

    def line(self) -> str:
        """Text of a thread's number among those of its columns."""
        x, y = self.across.bit_length() - 1, self._beside.bit_length() - 1
        return f"((warp >> {y}) * {self.down} + (lane_number >> {x}))"

    @property
    def _beside(self) -> int:
        """Warps along columns."""
        return self.tile.columns // (self.across * self.tile.wide)

    def start(self, source: ProductSource) -> None:
        """Lines for a thread's first row and column."""
        warps = self._beside
        x, y = self.across.bit_length() - 1, warps.bit_length() - 1
        source.line(
            "warp, lane_number = t >> 5, t & 31",
            f"tile_row = (warp >> {y}) * {self.down * self.tile.high} + (lane_number >> {x}) * {self.lanes}",
            f"tile_column = (warp & {warps - 1}) * {self.across * self.tile.wide}"
            f" + (lane_number & {self.across - 1}) * {self.lanes}",
        )


def sums(source: ProductSource, sides: Sequence[Side], lattice: Lattice, dtype: str) -> None:
    """Lines of the whole walk along k; the sums end up in ``s0_0 ..``, row by row, vector by vector.

    Expects ``t``, ``k0``, ``k1`` and the sides' places.
    """
    a, b = sides
    lanes, item, tile = lattice.lanes, ITEM_BYTES[dtype], lattice.tile
    vectors = tile.wide // lanes
    source.bind("fetch_slice", f"shared_loader({dtype!r}, {lanes})")
    source.bind("add_outer", f"outer_adder({dtype!r}, {lanes})")
    source.bind("zeros", f"simd.splatter({dtype!r}, {lanes})")
    source.line(f"a_from, b_from = tile_row * {item}, {a.bytes} + tile_column * {item}")
    source.line(*(f"s{i}_{j} = zeros(0.0)" for i in range(tile.high) for j in range(vectors)))
    whole = a.bytes + b.bytes
    for side in sides:
        side.fetch()
    for side in sides:
        side.put("0")
    source.line("barrier()", "now, k = 0, k0")
    # a turn computes what lies in the buffer ``now`` while the next slices come; the last turn fetches zeros
    with source.block("while within(k, k1):"):
        for side in sides:
            side.advance()
        for side in sides:
            side.fetch()
        for k in range(DEPTH):
            for v in range(tile.high // lanes):
                source.line(f"a{v} = fetch_slice(a_from + now, {k * a.row + lattice.row(v * lanes)})")
            for j in range(vectors):
                source.line(f"b{j} = fetch_slice(b_from + now, {k * b.row + lattice.column(j)})")
            for v, j in ((v, j) for v in range(tile.high // lanes) for j in range(vectors)):
                rows = ", ".join(f"s{v * lanes + e}_{j}" for e in range(lanes))
                source.line(f"{rows} = add_outer(a{v}, b{j}, {rows})")
        source.line(f"now = {whole} - now")
        for side in sides:
            side.put("now")
        source.line("barrier()", f"k += {DEPTH}")
