"""What layers compute, once more in plain NumPy and straight from the definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def convolution(
    x: Array, w: Array, stride: Any, pad: Any, dilation: Any, group: int, bottom_right: Any = (0, 0)
) -> Array:
    """Cross-correlation, one kernel tap at a time."""
    (ph, pw), (sh, sw), (dh, dw), (eh, ew) = pad, stride, dilation, bottom_right
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph + eh), (pw, pw + ew)))
    (n, c), (k, part, rows, columns) = x.shape[:2], w.shape
    high = (padded.shape[2] - dh * (rows - 1) - 1) // sh + 1
    wide = (padded.shape[3] - dw * (columns - 1) - 1) // sw + 1
    y = np.zeros((n, k, high, wide))
    for out in range(k):
        g = out // (k // group)
        for channel in range(part):
            for r in range(rows):
                for s in range(columns):
                    seen = padded[
                        :, g * part + channel, r * dh : r * dh + high * sh : sh, s * dw : s * dw + wide * sw : sw
                    ]
                    y[:, out] += w[out, channel, r, s] * seen[:, :high, :wide]
    assert c == part * group
    return y


def deconvolution(x: Array, w: Array, stride: Any, pad: Any, dilation: Any, group: int) -> Array:
    """Each input pixel stamps its kernel."""
    (ph, pw), (sh, sw), (dh, dw) = pad, stride, dilation
    n, c, high, wide = x.shape
    _, part, rows, columns = w.shape
    full = np.zeros((n, part * group, sh * (high - 1) + dh * (rows - 1) + 1, sw * (wide - 1) + dw * (columns - 1) + 1))
    for channel in range(c):
        g = channel // (c // group)
        for i in range(high):
            for j in range(wide):
                place = np.s_[:, g * part : (g + 1) * part, i * sh : i * sh + dh * (rows - 1) + 1 : dh,
                              j * sw : j * sw + dw * (columns - 1) + 1 : dw]  # fmt: skip
                full[place] += x[:, channel, i, j][:, None, None, None] * w[channel][None]
    return full[:, :, ph : full.shape[2] - ph, pw : full.shape[3] - pw]


def pooling(x: Array, kernel: Any, stride: Any, pad: Any, mode: str, rounding: str | None) -> Array:
    """Window by window, with Caffe's sizes and divisors."""
    sizes = []
    for size, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True):
        steps = (size + 2 * p - k) / s
        out = int(np.floor(steps) if rounding == "floor" else np.ceil(steps)) + 1
        sizes.append(out - 1 if p and (out - 1) * s >= size + p else out)
    y = np.zeros((*x.shape[:2], *sizes))
    for i in range(sizes[0]):
        for j in range(sizes[1]):
            low = [i * stride[0] - pad[0], j * stride[1] - pad[1]]
            high = [min(low[a] + kernel[a], x.shape[2 + a] + pad[a]) for a in (0, 1)]
            seen = x[:, :, max(low[0], 0) : high[0], max(low[1], 0) : high[1]]
            if mode == "MAX":
                y[:, :, i, j] = seen.max((2, 3))
            else:
                y[:, :, i, j] = seen.sum((2, 3)) / ((high[0] - low[0]) * (high[1] - low[1]))
    return y


def softmax(x: Array, axis: int = 1) -> Array:
    """Straight from the definition (for small scores)."""
    e = np.exp(x)
    return e / e.sum(axis, keepdims=True)


def lrn_across(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    """Channel by channel."""
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(0, c - size // 2) : c + size // 2 + 1]
        y[:, c] = x[:, c] * (k + alpha / size * (near**2).sum(1)) ** -beta
    return y


def along(values: Array, rank: int, axis: int = 1) -> Array:
    """A row of values along one axis."""
    return values.reshape([-1 if k == axis else 1 for k in range(rank)])
