"""The ways in which a convolution or its gradients can be computed, and where each is possible.

A step's ``algorithm`` is one of these names. ``compiler/passes/choose`` picks
it, a device registers a kernel for it; what a device has no kernel for, it
computes directly.
"""

from __future__ import annotations

from runtime.ops import Conv, ConvInputGrad, ConvWeightGrad, Shape

DIRECT = "direct"
MATMUL = "matmul"
"""The window is the whole map, or a pixel of a map of one: a plain matrix product."""
WINOGRAD_2 = "winograd-2"
"""F(2 x 2, r x r): tiles of 2 x 2 outputs (of dy, for a weight gradient)."""
WINOGRAD_4 = "winograd-4"
"""F(4 x 4, r x r)."""
IM2COL = "im2col"
FFT = "fft"

WAYS = (DIRECT, MATMUL, WINOGRAD_2, WINOGRAD_4, IM2COL, FFT)

Convolution = Conv | ConvInputGrad | ConvWeightGrad


def is_flat(op: Convolution, x: Shape, kernel: Shape) -> bool:
    """Whether every output position sees the whole of x, N x C x H x W."""
    whole = x[2:] == kernel and (op.dilation == (1, 1) or kernel == (1, 1))
    return op.groups == 1 and op.pad == (0, 0) and whole


def possible(op: Convolution, x: Shape, kernel: Shape) -> tuple[str, ...]:
    """The ways of a convolution of x, N x C x H x W, with a window ``kernel``; the plainest first."""
    if is_flat(op, x, kernel):
        return (MATMUL,)
    plain = op.stride == (1, 1) and op.dilation == (1, 1)
    depthwise = op.groups > 1 and op.groups == x[1]
    ways = [DIRECT] if depthwise else [DIRECT, IM2COL]
    if not depthwise and winograd_taps(op, kernel) and (plain or op.groups == 1):
        ways += [WINOGRAD_2, WINOGRAD_4]
    if op.stride == (1, 1) and not depthwise and 3 <= min(kernel) and max(kernel) <= 12:
        ways.append(FFT)
    return tuple(ways)


def winograd_taps(op: Convolution, kernel: Shape) -> int:
    """Rows of the window that Winograd's algorithm works with; 0 where it does not apply.

    A stride S leaves ceil(R / S) taps to each of its S x S phases, which are
    channels of their own.
    """
    stride, square = op.stride[0], kernel[0] == kernel[1] and op.stride[0] == op.stride[1]
    if op.dilation != (1, 1) or not square:
        return 0
    if stride == 1:
        return kernel[0] if kernel[0] in (3, 5) else 0
    taps = -(-kernel[0] // stride)
    return taps if isinstance(op, Conv) and taps in (3, 4, 5) else 0
