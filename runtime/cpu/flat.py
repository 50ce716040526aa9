"""A convolution whose window is the whole map (a fully connected layer) as a matrix product.

The weights, K x (C R S) as they lie, are read once and never packed: they are
what such a layer mostly moves. The small x and dx take their canonical order
through scratch.
"""

from __future__ import annotations

from math import prod

from runtime.cpu.launch import Address, Context, Launch, address_of, byte_strides
from runtime.cpu.matmul import Matrix, Product
from runtime.cpu.pack import copy
from runtime.plan import Step, View


def forward(x: View, w: View, y: View, step: Step, ctx: Context) -> list[Launch]:
    """The outputs y = X w^T."""
    first, matrix = _canonical(x, step.barrier, ctx)
    item, k, size = w.item_bytes, w.shape[0], prod(w.shape[1:])
    weights = Matrix(address_of(w), item, size * item)
    result = Matrix(address_of(y), byte_strides(y)[0], item)
    product = Product(x.dtype, x.shape[0], k, size, matrix, weights, result)
    return [*first, *product.launches(ctx, step.barrier or bool(first)), *ctx.tail(step).apart]


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
        last = [copy(dx.dtype, result.at, source, address_of(dx), target, (n, r, s, c), True)]
    gradient = Matrix(address_of(dy), byte_strides(dy)[0], item)
    product = Product(dx.dtype, n, size, k, gradient, Matrix(address_of(w), size * item, item), result)
    return [*product.launches(ctx, step.barrier), *last, *ctx.tail(step).apart]


def weight_grad(x: View, dy: View, dw: View, step: Step, ctx: Context) -> list[Launch]:
    """The gradient dw = dy^T X."""
    first, matrix = _canonical(x, step.barrier, ctx)
    item, k, size = dw.item_bytes, dw.shape[0], prod(dw.shape[1:])
    gradient = Matrix(address_of(dy), item, byte_strides(dy)[0])
    product = Product(dw.dtype, k, size, x.shape[0], gradient, matrix, Matrix(address_of(dw), size * item, item))
    return [*first, *product.launches(ctx, step.barrier or bool(first))]


def _canonical(x: View, barrier: bool, ctx: Context) -> tuple[list[Launch], Matrix]:
    """The view as an N x (C H W) matrix: in place, or copied to scratch."""
    item, strides = x.item_bytes, byte_strides(x)
    n, c, h, w = x.shape
    if h * w == 1:
        return [], Matrix(address_of(x), strides[0], item)
    size = c * h * w * item
    to: Address = ctx.scratch(n * size)
    target = (size, w * item, item, h * w * item)
    source = (strides[0], strides[2], strides[3], item)
    launch = copy(x.dtype, address_of(x), source, to, target, (n, h, w, c), barrier)
    return [launch], Matrix(to, size, item)
