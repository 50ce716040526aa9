"""The text of a matrix product on tensor cores: C[m, n] = sum over k of A[m, k] B[k, n] in tf32 or bf16.

As in ``emit_gemm`` a block of threads makes a tile of C, walking along k in
steps, and where operands lie is their own affair. What is different:

1. **Warps.** A tensor core multiplies matrices of 16 x 8 x 8, a warp at a time.
   A warp has up to 64 x 64 sums of the tile in registers; for each 8 steps of k
   it loads 64 x 8 of A and 8 x 64 of B from shared memory (``ptx``: fragments)
   and issues 32 instructions.
2. **Stages.** Such products are too fast for a thread to load its share of the
   next step into registers: ``copy_async`` brings it straight into shared
   memory while the cores work. Shared memory holds STAGES steps, one of them
   being multiplied; a thread waits for its own copies of a step, and the barrier
   behind the wait makes them everybody's. The same barrier says that all are
   done with the stage that is filled next: one barrier a step.
3. **Zeros.** Beyond the end and outside a map a copy of 0 bytes fills its 16
   bytes with zeros: no branch, no select on the data.
4. **Rounding.** Tensors are float32 in memory and in shared memory. Fragments
   are rounded in registers, to tf32 (10 bits behind the point) or to pairs of
   bf16 (7 bits), and summed in float32.

Source
    NVIDIA, "Parallel Thread Execution ISA" (``mma``, ``ldmatrix``, ``cp.async``);
    Kerr et al. 2017, "CUTLASS: fast linear algebra in CUDA C++" (stages,
    swizzles); Chetlur et al. 2014, "cuDNN: efficient primitives for deep
    learning" (implicit GEMM).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.cuda.finish import Writer
from runtime.cuda.mma_sides import DEPTH, MmaSource, Side
from runtime.ops import Pair

STEP = {"tf32": 8, "bf16": 16}
"""Precisions, and steps along k of an instruction."""

PAD = 8
"""Elements by which rows of sums are longer in shared memory: threads (g, t) then store pairs to different banks."""


@dataclass(frozen=True)
class Tile:
    """What a block computes.

    Parameters
    ----------
    rows, columns
        Of C.
    high, wide
        Rows and columns of it a warp, multiples of 16.
    stages
        Steps along k in shared memory.
    """

    rows: int
    columns: int
    high: int
    wide: int
    stages: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return 32 * (self.rows // self.high) * (self.columns // self.wide)

    @property
    def kept(self) -> int:
        """Bytes of shared memory that the sums of a warp take at the end."""
        return self.high * (self.wide + PAD) * 4


def _warp(source: MmaSource, tile: Tile) -> None:
    """Lines for which part of the tile this thread's warp has."""
    warps = tile.rows // tile.high
    source.line(
        "lane, warp = t & 31, t >> 5",
        f"warp_row, warp_column = (warp & {warps - 1}) * {tile.high}, (warp >> {warps.bit_length() - 1}) * {tile.wide}",
    )


def sums(source: MmaSource, sides: Sequence[Side], tile: Tile, math: str) -> list[list[str]]:
    """Lines of the whole walk along k, from step ``first`` to before ``last``; the names of a warp's sums, 16 x 8 each.

    Expects ``t``, and the tile's first row and column ``m0`` and ``n0``. The loop
    starts STAGES - 1 steps early, when there is only something to copy.
    """
    names = [[f"c{i}_{j}" for j in range(tile.wide // 8)] for i in range(tile.high // 16)]
    stage, ahead = sum(side.bytes for side in sides), tile.stages - 1
    _warp(source, tile)
    source.line("chunk, line = t & 7, t >> 3")
    for side, origin, warp in zip(sides, ("m0", "n0"), ("warp_row", "warp_column"), strict=True):
        side.start(origin, warp, math)
    source.bind("zeros", f"ptx.blank({sum(map(len, names))})")
    source.bind("wait", f"ptx_copies.waiter({tile.stages - 2})")
    source.bind("multiply", f"ptx.multiply_{math}")
    source.line(f"{', '.join(c for row in names for c in row)} = zeros()")
    source.line("now = to = 0", f"step = first - {ahead}")
    with source.block("while step < last:"):
        source.line("wait()", "barrier()")
        with source.block(f"if step + {ahead} < last:"):
            source.line(f"depth = (step + {ahead}) * {DEPTH}")
            for side in sides:
                side.copy()
        # a group without copies counts too: the wait is for the same number of groups to the end
        source.line("commit()", f"to = 0 if to == {ahead * stage} else to + {stage}")
        with source.block("if step >= first:"):
            for side in sides:
                source.line(f"{side.name} = now + {side.name}_first")
            _multiply(source, sides, names, math)
            source.line(f"now = 0 if now == {ahead * stage} else now + {stage}")
        source.line("step += 1")
    return names


def _multiply(source: MmaSource, sides: Sequence[Side], names: list[list[str]], math: str) -> None:
    """The products of one step; fragments of A are loaded row by row, as all of them would take many registers."""
    right = [f"b{j}" for j in range(sides[1].high // 16)]
    for n in range(DEPTH // STEP[math]):
        source.line(*(f"{held} = b_fragment(b, {n}, {j})" for j, held in enumerate(right)))
        for i, row in enumerate(names):
            source.line(f"x = a_fragment(a, {n}, {i})")
            source.line(f"{', '.join(row)} = multiply(x, {', '.join(right + row)})")


def end(source: MmaSource, names: list[list[str]], tile: Tile, writer: Writer, size: Pair) -> None:
    """Lines that take the sums through shared memory, so that neighbours finish and store neighbours.

    Expects ``t``, ``m0``, ``n0`` and the number of the ``product``.
    """
    pitch, lanes = tile.wide + PAD, source.lanes
    source.bind("keep", f"ptx.keeper({tile.wide // 8}, {pitch})")
    source.bind("again", f"shared_loader('f32', {lanes})")
    high, wide = source.word(size[0]), source.word(size[1])
    _warp(source, tile)
    source.line(
        # others may still be reading the stages that the sums now take the place of
        "barrier()",
        f"mine, g, t2 = warp * {tile.kept}, lane >> 2, (lane & 3) * 2",
        f"own = mine + (g * {pitch} + t2) * 4",
    )
    source.line(f"keep(own, {', '.join(c for row in names for c in row)})")
    across = tile.wide // lanes
    source.line("barrier()", "turn = 0")
    with source.block(f"while turn < {tile.high * across // 32}:"):
        source.line(
            "vector = turn * 32 + lane",
            f"down, right = vector >> {across.bit_length() - 1}, (vector & {across - 1}) * {lanes}",
            "row, column = m0 + warp_row + down, n0 + warp_column + right",
        )
        with source.block(f"if (row < {high}) & (column < {wide}):"):
            source.line(f"number = product * {high} + row", f"value = again(mine + down * {4 * pitch}, right)")
            writer.body()
        source.line("turn += 1")
