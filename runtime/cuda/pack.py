"""Operands put in another order before a product: copies in scratch, made anew on each run."""

from __future__ import annotations

from math import prod

from runtime import ops
from runtime.cuda.launch import Context, Launch
from runtime.expr import arg, kind_of
from runtime.ops import Shape
from runtime.plan import Step, View


def copied(
    source: View, strides: tuple[int, ...], count: int, step: Step, context: Context
) -> tuple[View, list[Launch]]:
    """A copy with other strides, in ``count`` elements of scratch: where it lies, and the launch that makes it."""
    address = context.scratch(count * source.item_bytes)
    target = View(address.memory, address.offset, source.shape, strides, source.dtype)
    part = Step(
        ops.Map((arg(0, kind_of(source.dtype)),), source.shape), (source,), (target,), step.segment, step.origin
    )
    return target, context.of(part)


def row_major(source: View, step: Step, context: Context) -> tuple[View, list[Launch]]:
    """The view with its elements in logical order: itself if it is one pixel a map, else a copy."""
    if prod(source.shape[2:]) == 1:
        return source, []
    return copied(source, dense(source.shape), source.count, step, context)


def dense(shape: Shape) -> tuple[int, ...]:
    """Strides of row-major order, in elements."""
    return tuple(prod(shape[k + 1 :]) for k in range(len(shape)))


def weight_rows(source: View, step: Step, context: Context) -> tuple[View, list[Launch]]:
    """Weights (group, r, s, inner, outer) copied so that outer ones lie side by side, rows a whole number of vectors.

    What lies behind a row's end is not written; a product never stores what it makes of that.
    """
    lanes = context.lanes(source.dtype)
    pitch = -(-source.shape[-1] // lanes) * lanes
    strides = tuple(n // source.shape[-1] * pitch for n in dense(source.shape)[:-1])
    return copied(source, (*strides, 1), prod(source.shape[:-1]) * pitch, step, context)
