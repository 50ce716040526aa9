"""Matrix products on tensor cores, for ``math: tf32`` and ``math: bf16``: which of them, and the launches.

``gemm`` describes products, convolutions and their gradients alike (``Product``)
and asks here first. ``emit_mma`` says how the kernel works, ``mma_pack`` what is
copied beforehand.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from runtime.cuda import emit_mma
from runtime.cuda.emit_mma import STEP, Tile
from runtime.cuda.epilogue import fused
from runtime.cuda.finish import Finish, Partials, Writer
from runtime.cuda.launch import Context, Launch
from runtime.cuda.mma_pack import ITEM, along_k, ready
from runtime.cuda.mma_sides import CHUNK, DEPTH, AlongK, AlongRows, MmaSource
from runtime.cuda.operands import Operand
from runtime.cuda.tiling import Choice, choose
from runtime.plan import Step, View

if TYPE_CHECKING:  # gemm imports this module
    from runtime.cuda.gemm import Product

TILES = {
    Tile(128, 128, 64, 64, 3): 1.0,
    Tile(128, 64, 64, 32, 3): 0.8,
    Tile(64, 64, 32, 32, 3): 0.6,
    Tile(64, 32, 16, 32, 4): 0.4,
}
"""Tiles, and the part of the multiply-adds of a processor that each comes to; a guess until it is measured."""

SHARED = 99 * 1024
"""Bytes of shared memory of a block at most: what compute capabilities 8.6, 8.9 and 12.0 have."""

RATE = {"tf32": 600, "bf16": 800}
"""Multiply-adds a cycle and multiprocessor, a guess until it is measured.

Of bf16 it would be twice as many, but shared memory holds float32.
"""


def launches(product: Product, step: Step, result: View, context: Context, limit: float) -> list[Launch] | None:
    """The launches that compute ``result`` with the maps that can be fused, as ``Product.launches``.

    None where the precision is not that of tensor cores, where operands lie as
    none can be fed, or where it is estimated to take more than ``limit`` cycles:
    what the product takes in float32.
    """
    if context.math not in STEP or product.dtype != "f32" or 0 in (*product.size, *product.batch):
        return None
    both = ready(product.a, product.b, product.batch)
    if both is None:
        return None
    whole = _widened(product, both[0].operand.inner.size, both[1].operand.outer.sizes)
    choice = _choose(context.math, *whole.size, prod(product.batch))
    if choice.cycles + sum(r.cycles for r in both) > limit:
        return None
    tile, parts = choice.tile, choice.parts
    before: list[Launch] = []
    factors = both[0].placed(context, before), both[1].placed(context, before)
    stored, reads, _ = fused(step, result)
    finish = Finish(product.grid, result.shape, stored, reads)
    if parts == 1 and finish.flat and whole.grid == product.grid:
        return [*before, _launch(whole, factors, tile, 1, context, finish, 0)]
    partials = Partials.of(whole.grid, parts, product.dtype, context)
    sums = _launch(whole, factors, tile, parts, context, partials.store(), partials.part_bytes)
    return [*before, sums, partials.merge(result.shape, stored, reads, context, product.grid)]


def _widened(product: Product, k: int, columns: tuple[int, ...]) -> Product:
    """The product with the channels of zeros that its operands got: k places, columns of these dimensions."""
    m, n, _ = product.size
    if product.b.outer.size == prod(columns):
        return replace(product, size=(m, n, k))
    grid = product.grid
    parts = (*grid.columns[:-1], replace(grid.columns[-1], size=columns[-1]))
    return replace(product, size=(m, prod(columns), k), grid=replace(grid, columns=parts))


def _launch(
    product: Product,
    factors: tuple[Operand, Operand],
    tile: Tile,
    parts: int,
    context: Context,
    finish: Finish,
    part_bytes: int,
) -> Launch:
    """The launch of the product itself; blocks along y each do some of the steps along k."""
    (m, n, _), batch, (a, b) = product.size, product.batch, factors
    down, across = -(-m // tile.rows), -(-n // tile.columns)
    steps = -(-a.inner.size // DEPTH)
    source = MmaSource("f32", finish.lanes(CHUNK))
    # tiles of one row side by side: they read the same rows of A
    tiles, columns, inner = source.divisor(down * across), source.divisor(across), source.divisor(batch[1])
    position = (
        f"product, tile = over(args, {tiles}, tile), rest(args, {tiles}, tile)",
        f"m0, n0 = over(args, {columns}, tile) * {tile.rows}, rest(args, {columns}, tile) * {tile.columns}",
    )
    source.line("t, tile = thread(), block()", *position)
    source.line(
        f"batch0, batch1 = over(args, {inner}, product), rest(args, {inner}, product)",
        f"first = block_y() * {source.word(-(-steps // parts))}",
        f"last = least(first + {source.word(-(-steps // parts))}, {source.word(steps)})",
    )
    left = (AlongK if along_k(a) else AlongRows)(source, "a", a, tile.rows, tile.high, tile.threads, 0)
    right = (AlongK if along_k(b) else AlongRows)(source, "b", b, tile.columns, tile.wide, tile.threads, left.bytes)
    # fewer where a block of the smaller GPUs has no room for more
    tile = replace(tile, stages=min(tile.stages, SHARED // (left.bytes + right.bytes)))
    names = emit_mma.sums(source, (left, right), tile, context.math)
    # read and computed anew, so that none of it takes a register while the sums do
    source.line("t, tile = thread_anew(), block_anew()", *position)
    writer = Writer(source, finish, f"block_y() * {source.word(part_bytes)}" if part_bytes else "")
    emit_mma.end(source, names, tile, writer, (m, n))
    shared = max(tile.stages * (left.bytes + right.bytes), tile.kept * tile.threads // 32)
    name = f"mma_{context.math}_{tile.rows}x{tile.columns}"
    grid = (down * across * prod(batch), parts, 1)
    return Launch(source.kernel(name), tuple(source.words), grid, tile.threads, shared)


@functools.cache
def _choose(math: str, m: int, n: int, k: int, batch: int) -> Choice[Tile]:
    tiles = [(tile, RATE[math] * quality) for tile, quality in TILES.items()]
    return choose(tiles, (m, n, k), batch, DEPTH, ITEM)
