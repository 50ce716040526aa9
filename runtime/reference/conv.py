"""conv and its two gradients in NumPy: one small product for each kernel position."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runtime import ops
from runtime.ops import Pair
from runtime.reference.registry import Array, Context, reference

ConvLike = ops.Conv | ops.ConvInputGrad | ops.ConvWeightGrad


@reference(ops.Conv)
def evaluate_conv(prim: ops.Conv, context: Context, x: Array, w: Array) -> tuple[Array, ...]:
    """Sum over (r, s) of w[:, :, r, s] times the pixels it meets."""
    padded = padded_input(x, prim.pad)
    weights = grouped(w, prim.groups, 0)
    size = [(padded.shape[2 + a] - prim.dilation[a] * (w.shape[2 + a] - 1) - 1) // prim.stride[a] + 1 for a in (0, 1)]
    y = np.zeros((x.shape[0], prim.groups, weights.shape[1], *size), x.dtype)
    for r, s, rows, columns in taps(prim, (w.shape[2], w.shape[3]), (size[0], size[1])):
        pixels = grouped(padded[:, :, rows, columns], prim.groups, 1)
        y += np.einsum("ngchw,gkc->ngkhw", pixels, weights[..., r, s], optimize=True)
    return (y.reshape(x.shape[0], w.shape[0], *size),)


@reference(ops.ConvInputGrad)
def evaluate_conv_input_grad(prim: ops.ConvInputGrad, context: Context, dy: Array, w: Array) -> tuple[Array, ...]:
    """Every dy spread over the pixels that it came from."""
    weights, grads = grouped(w, prim.groups, 0), grouped(dy, prim.groups, 1)
    (h, width), (above, left) = prim.size, prim.pad
    dx = np.zeros((dy.shape[0], prim.groups, w.shape[1], h + 2 * above, width + 2 * left), dy.dtype)
    for r, s, rows, columns in taps(prim, (w.shape[2], w.shape[3]), (dy.shape[2], dy.shape[3])):
        dx[..., rows, columns] += np.einsum("ngkhw,gkc->ngchw", grads, weights[..., r, s], optimize=True)
    inside = dx[..., above : above + h, left : left + width]
    return (inside.reshape(dy.shape[0], prim.groups * w.shape[1], h, width),)


@reference(ops.ConvWeightGrad)
def evaluate_conv_weight_grad(prim: ops.ConvWeightGrad, context: Context, x: Array, dy: Array) -> tuple[Array, ...]:
    """``dw[:, :, r, s]`` = sum over images and pixels of dy times the pixels that (r, s) met."""
    padded, grads = padded_input(x, prim.pad), grouped(dy, prim.groups, 1)
    dw = np.zeros((prim.groups, grads.shape[2], x.shape[1] // prim.groups, *prim.kernel), x.dtype)
    for r, s, rows, columns in taps(prim, prim.kernel, (dy.shape[2], dy.shape[3])):
        pixels = grouped(padded[:, :, rows, columns], prim.groups, 1)
        dw[..., r, s] = np.einsum("ngkhw,ngchw->gkc", grads, pixels, optimize=True)
    return (dw.reshape(dy.shape[1], x.shape[1] // prim.groups, *prim.kernel),)


def taps(prim: ConvLike, kernel: Pair, out: Pair) -> Iterator[tuple[int, int, slice, slice]]:
    """For each kernel position (r, s) the rows and columns of the padded input it meets."""
    for r in range(kernel[0]):
        for s in range(kernel[1]):
            first = (r * prim.dilation[0], s * prim.dilation[1])
            rows, columns = (
                slice(first[a], first[a] + (out[a] - 1) * prim.stride[a] + 1, prim.stride[a]) for a in (0, 1)
            )
            yield r, s, rows, columns


def padded_input(x: Array, pad: Pair) -> Array:
    """``x`` with rows and columns of zeros around."""
    return np.pad(x, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])))


def grouped(x: Array, groups: int, axis: int) -> Array:
    """``x`` with ``axis`` split into (groups, rest)."""
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])
