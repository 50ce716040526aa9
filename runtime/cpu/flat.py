"""A convolution whose window is the whole map (a fully connected layer) as a matrix product.

The weights, K x (C R S) as they lie, are read once and never packed: they are
what such a layer mostly moves. The small x and dx take their canonical order
through scratch.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from runtime import ops
from runtime.cpu.flat_tail import one_map
from runtime.cpu.launch import Context, Launch
from runtime.cpu.matmul import Matrix, Product
from runtime.cpu.pack import copy
from runtime.cpu.skinny import RowProduct, Skinny
from runtime.plan import Step, View
from runtime.vector.kernel import Address, address_of, byte_strides

FEW = 48
"""Samples up to which the gradients are skinny products."""

MOST_ROWS = 64
"""Samples up to which the outputs are sums along rows; beyond, x does not stay in the cache."""

STRIP = 6144
"""Columns of a strip of dw, at most, whose update runs while it is in the cache.

Long ones: the update streams weights and velocity at the memory's rate, in runs that the hardware foresees.
Strips of 512 columns took as long as the two steps apart.
"""

X_BYTES = 400 * 1024
"""Of x along a strip, which all rows of dw read."""


def forward(x: View, w: View, y: View, step: Step, ctx: Context) -> list[Launch]:
    """The outputs y = X w^T."""
    first, matrix = _canonical(x, step.barrier, ctx)
    barrier = step.barrier or bool(first)
    item, k, size = w.item_bytes, w.shape[0], prod(w.shape[1:])
    result = Matrix(address_of(y), byte_strides(y)[0], item)
    behind = one_map(step.epilogue, x.shape[0], k)
    if x.shape[0] <= MOST_ROWS:
        weights = Matrix(address_of(w), size * item, item)
        product = RowProduct(x.dtype, x.shape[0], k, size, matrix, weights, result)
        launches = [product.launch(ctx, barrier, behind)]
        return [*first, *launches, *(() if behind else ctx.tail(step).apart)]
    weights = Matrix(address_of(w), item, size * item)
    launches = Product(x.dtype, x.shape[0], k, size, matrix, weights, result).launches(ctx, barrier)
    return [*first, *launches, *([ctx.rows_launch(behind)] if behind else ctx.tail(step).apart)]


def input_grad(dy: View, w: View, dx: View, step: Step, ctx: Context) -> list[Launch]:
    """The gradient dX = dy w."""
    item, k, size = w.item_bytes, w.shape[0], prod(w.shape[1:])
    n, c, r, s = dx.shape
    strides = byte_strides(dx)
    last: list[Launch] = []
    if r * s == 1:
        result = Matrix(address_of(dx), strides[0], item)
    else:
        result = Matrix(ctx.scratch(n * size * item), size * item, item)
        source = (size * item, s * item, item, r * s * item)
        target = (strides[0], strides[2], strides[3], item)
        last = [copy(ctx, dx.dtype, result.at, source, address_of(dx), target, (n, r, s, c), True)]
    gradient = Matrix(address_of(dy), byte_strides(dy)[0], item)
    weights = Matrix(address_of(w), size * item, item)
    if n <= FEW:
        launches = [Skinny(dx.dtype, n, size, k, gradient, weights, result).launch(ctx, step.barrier)]
    else:
        launches = Product(dx.dtype, n, size, k, gradient, weights, result).launches(ctx, step.barrier)
    return [*launches, *last, *ctx.tail(step).apart]


def weight_grad(x: View, dy: View, dw: View, step: Step, ctx: Context) -> list[Launch]:
    """The gradient dw = dy^T X; with an update behind it, dw itself is never written."""
    first, matrix = _canonical(x, step.barrier, ctx)
    barrier = step.barrier or bool(first)
    item, k, size = dw.item_bytes, dw.shape[0], prod(dw.shape[1:])
    gradient = Matrix(address_of(dy), item, byte_strides(dy)[0])
    result = Matrix(address_of(dw), size * item, item)
    if step.epilogue:
        strip = strip_of(size, x.shape[0], item)
        tail = ctx.rows_launch(_by_strips(step.epilogue[0], dw, strip))
        product = Skinny(dw.dtype, k, size, x.shape[0], gradient, matrix, result)
        return [*first, product.launch(ctx, barrier, strip, (tail, address_of(dw)))]
    if x.shape[0] <= FEW:
        return [*first, Skinny(dw.dtype, k, size, x.shape[0], gradient, matrix, result).launch(ctx, barrier)]
    return [*first, *Product(dw.dtype, k, size, x.shape[0], gradient, matrix, result).launches(ctx, barrier)]


def strip_of(size: int, samples: int, item: int) -> int:
    """Columns of a strip, a divisor of ``size``: the largest whose x stays in the cache, in whole tiles if it can."""
    most = max(512, min(STRIP, X_BYTES // (samples * item)))
    fitting = [size // n for n in range(1, size + 1) if size % n == 0 and size // n <= most]
    even = [n for n in fitting if n % 64 == 0]
    best = (even or fitting)[0]
    return best if best >= 64 else size


def _by_strips(update: Step, dw: View, strip: int) -> Step:
    """The update of a weight as a map over strips x K x columns of a strip; dw lies one strip apart."""
    k, size = dw.shape[0], prod(dw.shape[1:])
    shape = (size // strip, k, strip)

    def cut(view: View) -> View:
        if view.shape == ():
            return view
        strides = (0, strip, 1) if address_of(view) == address_of(dw) else (strip, size, 1)
        return replace(view, shape=shape, strides=strides, halo=(0, 0))

    assert isinstance(update.op, ops.Map)
    reads = tuple(cut(v) for v in update.reads)
    writes = tuple(None if v is None else cut(v) for v in update.writes)
    return replace(update, op=ops.Map(update.op.results, shape), reads=reads, writes=writes)


def _canonical(x: View, barrier: bool, ctx: Context) -> tuple[list[Launch], Matrix]:
    """The view as an N x (C H W) matrix: in place, or copied to scratch."""
    item, strides = x.item_bytes, byte_strides(x)
    n, c, h, w = x.shape
    size = c * h * w * item
    wanted = (h * w * item, w * item, item)
    if all(axis == 1 or have == want for axis, have, want in zip((c, h, w), strides[1:], wanted, strict=True)):
        return [], Matrix(address_of(x), strides[0], item)
    to: Address = ctx.scratch(n * size)
    target = (size, w * item, item, h * w * item)
    source = (strides[0], strides[2], strides[3], item)
    launch = copy(ctx, x.dtype, address_of(x), source, to, target, (n, h, w, c), barrier)
    return [launch], Matrix(to, size, item)
