"""The lines by which operands of a product on tensor cores come into shared memory, and from there into registers.

An operand of a step is a slice of so many rows (A: rows, B: columns of C) and
``DEPTH`` places along k; threads copy chunks of 16 bytes. It lies in shared
memory as it does in global memory:

- **Along k** (``AlongK``): neighbours along k are neighbours in memory. A line of
  shared memory is one row: 32 places along k, 8 chunks, 128 bytes, all banks
  once. ``ldmatrix`` reads one chunk of eight rows at a time: those would lie in
  the same four banks. So chunk c of line l is put at c XOR (l % 8): any eight
  neighbouring lines have it at eight places. A *swizzle*: it costs no memory.
- **Along rows** (``AlongRows``): neighbours along the rows are neighbours in
  memory. A line is one place along k. ``ldmatrix`` can turn matrices only of
  16-bit elements, so each thread reads its elements one by one: thread (g, t) of
  a warp, row g of 8, place t of 4 along k. Lines are ``PAD`` elements longer than
  need be: then t moves by 8 banks and g by one, and the 32 threads meet 32 banks.
"""

from __future__ import annotations

from collections.abc import Sequence

from runtime.cuda.operands import Axis, Operand
from runtime.cuda.product_source import ProductSource
from runtime.ops import Pair

DEPTH = 32
"""Places along k of a step: 128 bytes of float32."""

CHUNK = 4
"""Elements of 16 bytes, what a thread copies at once."""

PAD = 8
"""Elements by which lines along rows are longer than a slice."""

MOST_TAPS = 15
"""Rows and columns of a window at most: each is a bit of a mask of 31."""


class MmaSource(ProductSource):
    """The text of such a product's kernel."""

    IMPORTS = (
        *ProductSource.IMPORTS,
        "from runtime.cuda import ptx, ptx_copies",
        "from runtime.cuda.ptx_copies import commit",
    )


class Side:
    """One operand's slices.

    Parameters
    ----------
    source
        Where text goes.
    name
        ``a`` or ``b``, in front of all names.
    operand
        Where it lies, at multiples of 16 bytes.
    rows, high
        Rows of it that a block, a warp multiplies.
    threads
        Of a block.
    at
        Where its slice starts in a stage, in bytes.
    """

    bytes: int

    def __init__(
        self, source: MmaSource, name: str, operand: Operand, rows: int, high: int, threads: int, at: int
    ) -> None:
        self.source, self.name, self.operand = source, name, operand
        self.rows, self.high, self.at = rows, high, at
        self.lines = threads // 8
        self._divisors: dict[str, Pair] = {}

    def start(self, origin: str, warp: str, math: str) -> None:
        """Lines for the top. ``origin``, ``warp``: texts of the first row of the tile, and of the warp in it.

        They bind ``fragment(address, n, i)``: 16 of the warp's rows, rounded to ``math``, for instruction n of a step.
        """
        s, n, op = self.source, self.name, self.operand
        s.line(f"{n}_base = {s.word(op.base)} + batch0 * {s.word(op.batch[0])} + batch1 * {s.word(op.batch[1])}")
        s.line(f"{n}_size = {s.word(op.outer.size)}")

    def copy(self) -> None:
        """Lines that start this thread's copies of the step at ``depth`` to the stage at ``to``."""
        raise NotImplementedError

    def _named(self, name: str, values: Sequence[int]) -> None:
        """Lines that give arguments names: once, so that all rows share them."""
        self.source.line(*(f"{self.name}_{name}{k} = {self.source.word(v)}" for k, v in enumerate(values)))

    def _split(self, axis: Axis, number: str, names: str) -> None:
        """Lines that take a position of an axis of three dimensions apart, into ``names``, always the same of it."""
        s = self.source
        if names not in self._divisors:
            self._divisors[names] = s.divisor(axis.sizes[1]), s.divisor(axis.sizes[2])
        middle, last = self._divisors[names]
        first, second, third = names.split()
        s.line(
            f"{first}, {third} = over(args, {last}, {number}), rest(args, {last}, {number})",
            f"{second} = rest(args, {middle}, {first})",
            f"{first} = over(args, {middle}, {first})",
        )


class AlongK(Side):
    """An operand with neighbours along k side by side."""

    def __init__(
        self, source: MmaSource, name: str, operand: Operand, rows: int, high: int, threads: int, at: int
    ) -> None:
        super().__init__(source, name, operand, rows, high, threads, at)
        self.bytes = rows * 4 * DEPTH
        self.passes = range(rows // self.lines)

    def start(self, origin: str, warp: str, math: str) -> None:
        """See ``Side``."""
        super().start(origin, warp, math)
        s, n, k = self.source, self.name, self.operand.inner
        s.bind(f"{n}_fragment", f"ptx.fragments_along_k({math!r})")
        s.line(f"{n}_to = line * 128 + ((chunk ^ (line & 7)) << 4) + {self.at}")
        # A: matrices of rows 0 - 7, 8 - 15 of a chunk, then of the next; B: both chunks of rows 0 - 7, then of 8 - 15
        row, half = ("lane & 15", "lane >> 4") if n == "a" else ("(lane & 7) + (lane >> 4 << 3)", "lane >> 3 & 1")
        s.line(f"{n}_first = ({warp} + ({row})) * 128 + ((({half}) ^ (lane & 7)) << 4) + {self.at}")
        s.line(f"{n}_length = {s.word(k.size)}")
        self._named("k", k.strides[:-1])
        copier = "window" if self.operand.border else "row" if self.operand.outer.plain else "place"
        s.bind(f"{n}_copy", f"ptx_copies.{copier}_copier({len(self.passes)}, {self.lines})")
        s.line(f"m = {origin} + line", f"{n}_left = {s.function('most')}({n}_size - m, 0)")
        if self.operand.outer.plain:
            stride = self.operand.outer.strides[0]
            s.line(f"{n}_row, {n}_next = {n}_base + m * {s.word(stride)}, {s.word(self.lines * stride)}")
            return
        self._rows()
        if self.operand.border is not None:
            self._masks()

    def _rows(self) -> None:
        """Addresses of a thread's rows, and their places in the map."""
        s, n, axis = self.source, self.name, self.operand.outer
        place = s.placer(3)
        divisors, *_ = [s.divisor(size) for size in axis.sizes]
        walks = [axis.strides]
        if self.operand.border is not None:
            walks += [(0, axis.step[0], 0), (0, 0, axis.step[1])]
        words = []
        for walk in walks:
            words.append(len(s.words))
            s.words += walk
        starts = [f"{n}_base"]
        if self.operand.border is not None:
            self._named("start", axis.first)
            starts += [f"{n}_start0", f"{n}_start1"]
        for j in self.passes:
            s.line(f"row = m + {j * self.lines}")
            for name, start, strides in zip((f"{n}_row", "h", "w"), starts, words, strict=False):
                s.line(f"{name}{j} = {place}(args, {start}, {strides}, {divisors}, row)")

    def _masks(self) -> None:
        """Which taps of each row's window lie in the map: looked up once, not at every copy."""
        s, n, op = self.source, self.name, self.operand
        assert op.border is not None
        s.bind("mark", f"ptx_copies.marker({len(self.passes)})")
        masks = ", ".join(f"mask{j}" for j in self.passes)
        s.line(*(f"mask{j} = 0" for j in self.passes))
        for x, name in enumerate("hw"):
            s.line(f"limit, apart, tap = {s.word(op.border[x])}, {s.word(op.inner.step[x])}, 0")
            with s.block(f"while tap < {s.word(op.inner.sizes[x])}:"):
                moved, bit = f"tap * apart + {s.word(op.inner.first[x])}", f"tap + {x * MOST_TAPS}"
                s.line(
                    f"{masks}, = mark({moved}, limit, {bit}, {', '.join(f'{name}{j}' for j in self.passes)}, {masks})"
                )
                s.line("tap += 1")
        # a row beyond the last has no taps
        s.line(*(f"{n}_taps{j} = mask{j} & -within({j * self.lines}, {n}_left)" for j in self.passes))

    def copy(self) -> None:
        """See ``Side``."""
        s, n, k = self.source, self.name, self.operand.inner
        s.line(f"k = depth + chunk * {CHUNK}")
        if k.plain:
            most = s.function("most")
            s.line(f"{n}_k, size = k * 4, least({most}({n}_length - k, 0), {CHUNK}) * 4")
        else:
            # a chunk does not reach into the next tap: channels come in fours
            self._split(k, "k", "r0 r1 r2")
            s.line(f"{n}_k = r0 * {n}_k0 + r1 * {n}_k1 + r2 * 4", f"size = within(k, {n}_length) * 16")
        if self.operand.outer.plain:
            s.line(f"{n}_copy(to + {n}_to, {n}_row + {n}_k, {n}_next, size, {n}_left)")
            return
        rows = ", ".join(f"{n}_row{j}" for j in self.passes)
        if self.operand.border is None:
            s.line(f"{n}_copy(to + {n}_to, {n}_k, size, {n}_left, {rows})")
            return
        taps = ", ".join(f"{n}_taps{j}" for j in self.passes)
        s.line(f"{n}_copy(to + {n}_to, {n}_k, size, (1 << r0) | (1 << (r1 + {MOST_TAPS})), {rows}, {taps})")


class AlongRows(Side):
    """An operand with neighbours along the rows side by side."""

    def __init__(
        self, source: MmaSource, name: str, operand: Operand, rows: int, high: int, threads: int, at: int
    ) -> None:
        super().__init__(source, name, operand, rows, high, threads, at)
        self.pitch = 4 * (rows + PAD)
        self.bytes = DEPTH * self.pitch
        self.passes, self.across = range(DEPTH // self.lines), range(rows // (8 * CHUNK))

    def start(self, origin: str, warp: str, math: str) -> None:
        """See ``Side``."""
        super().start(origin, warp, math)
        s, n, k = self.source, self.name, self.operand.inner
        s.line(f"{n}_to = line * {self.pitch} + chunk * 16 + {self.at}")
        s.line(f"{n}_first = (lane & 3) * {self.pitch} + ({warp} + (lane >> 2)) * 4 + {self.at}")
        s.bind(f"{n}_fragment", f"ptx.fragments_along_rows({math!r}, {self.pitch}, {n == 'a'})")
        copier = "line_copier" if self.operand.outer.plain else "tap_copier"
        s.bind(f"{n}_copy", f"ptx_copies.{copier}({len(self.across)})")
        if self.operand.outer.plain:
            s.line(f"{n}_base += ({origin} + chunk * {CHUNK}) * 4")
        else:
            self._named("tap", self.operand.outer.strides[:-1])
            self._named("apart", self.operand.outer.step)
            self._named("ahead", self.operand.outer.first)
        for i in self.across:
            self._chunk(i, f"{origin} + chunk * {CHUNK} + {i * 8 * CHUNK}")
        s.line(f"{n}_length = {s.word(k.size)}")
        self._named("k", k.strides)
        if not self.operand.outer.plain:
            # without a border every place is inside: all are at 0 of 1
            self._named("step", k.step if self.operand.border else (0, 0))
            self._named("start", k.first)
            self._named("limit", self.operand.border or (1, 1))

    def _chunk(self, i: int, number: str) -> None:
        """Bytes of one of this thread's chunks that are there, where it lies, and where in the map."""
        s, n, axis = self.source, self.name, self.operand.outer
        if axis.plain:
            most = s.function("most")
            s.line(f"m = {number}", f"{n}_is{i} = least({most}({n}_size - m, 0), {CHUNK}) * 4")
            return
        s.line(f"m = {number}", f"{n}_is{i} = within(m, {n}_size) * 16")
        self._split(axis, "m", "r0 r1 r2")
        s.line(f"{n}_at{i} = r0 * {n}_tap0 + r1 * {n}_tap1 + r2 * 4")
        s.line(*(f"{n}_{d}{i} = r{x} * {n}_apart{x} + {n}_ahead{x}" for x, d in enumerate("hw")))

    def copy(self) -> None:
        """See ``Side``."""
        s, n, k = self.source, self.name, self.operand.inner
        sizes = ", ".join(f"{n}_is{i}" for i in self.across)
        for j in self.passes:
            s.line(f"k = depth + line + {j * self.lines}")
            if k.plain:
                s.line(f"row = {n}_base + k * {n}_k0")
            else:
                self._split(k, "k", "p0 p1 p2")
                s.line(f"row = {n}_base + p0 * {n}_k0 + p1 * {n}_k1 + p2 * {n}_k2")
            there = f"to + {n}_to + {j * self.lines * self.pitch}, row, k, {n}_length"
            if self.operand.outer.plain:
                s.line(f"{n}_copy({there}, {sizes})")
                continue
            h, w = ("0", "0") if k.plain else (f"p{x + 1} * {n}_step{x} + {n}_start{x}" for x in (0, 1))
            parts = ", ".join(f"{n}_{part}{i}" for part in ("at", "h", "w") for i in self.across)
            s.line(f"{n}_copy({there}, {h}, {w}, {n}_limit0, {n}_limit1, {parts}, {sizes})")
