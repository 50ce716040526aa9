"""The primitives' attributes: what an Op of the graph and a Step of a plan compute.

Data only. Shape rules, gradients and costs are in ``compiler/primitives``, the
NumPy meaning in ``runtime/reference``, kernels in ``runtime/<device>``.
Shapes are logical: N C H W, whatever order the elements have in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.expr import Expr

Shape = tuple[int, ...]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Primitive:
    """Base of all attributes; ``kind`` is the printed name."""

    @property
    def kind(self) -> str:
        """The primitive's name in snake case, as plans print it."""
        name = type(self).__name__
        return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


@dataclass(frozen=True)
class Map(Primitive):
    """Elementwise: ``results[r]`` evaluated at each element of ``shape``.

    Operands broadcast to ``shape`` as in NumPy (aligned at the last axis).
    """

    results: tuple[Expr, ...]
    shape: Shape


@dataclass(frozen=True)
class Reduce(Primitive):
    """``sum`` or ``max`` of each of ``results`` over ``axes`` of ``shape``.

    Operands broadcast to ``shape``; outputs keep reduced axes with size 1.
    ``axes`` are sorted and not negative. Of an empty range: 0, -inf.
    """

    op: str
    results: tuple[Expr, ...]
    axes: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True)
class Moments(Primitive):
    """Mean and biased variance of x over ``axes``, which stay with size 1."""

    axes: tuple[int, ...]


@dataclass(frozen=True)
class LogSumExp(Primitive):
    """log(sum(exp x)) over one axis (not negative), which stays with size 1."""

    axis: int


@dataclass(frozen=True)
class Matmul(Primitive):
    """Batched matrix product of the last two axes, (.., M, K) x (.., K, N).

    ``transpose_a``: a is (.., K, M); ``transpose_b``: b is (.., N, K). Leading
    axes are equal or 1 (broadcast).
    """

    transpose_a: bool = False
    transpose_b: bool = False


@dataclass(frozen=True)
class Conv(Primitive):
    """y = x * w: x N x C x H x W, w K x C/groups x R x S -> N x K x Ho x Wo.

    Cross-correlation with zero padding: Ho = (H + 2 pad - (dilation (R-1) + 1)) // stride + 1.
    """

    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True)
class ConvInputGrad(Primitive):
    """dx of ``Conv``: dy N x K x Ho x Wo, w K x C/groups x R x S -> N x C x H x W of ``size``."""

    stride: Pair
    pad: Pair
    dilation: Pair
    groups: int
    size: Pair


@dataclass(frozen=True)
class ConvWeightGrad(Primitive):
    """dw of ``Conv``: x N x C x H x W, dy N x K x Ho x Wo -> K x C/groups x R x S with (R, S) = ``kernel``."""

    stride: Pair
    pad: Pair
    dilation: Pair
    groups: int
    kernel: Pair


@dataclass(frozen=True)
class Pool(Primitive):
    """Pooling of N x C x H x W to N x C x ``size``; windows are clipped to the map.

    ``max`` -> (y, index): padding is ignored, the first largest wins, NaN wins
    over numbers; ``index`` is r * S + s within the unclipped window, u8 (i32
    when the window has more than 256 elements).
    ``ave`` -> y: the sum divided by Caffe's window size, which counts padding
    but ends at H + pad.
    """

    mode: str
    kernel: Pair
    stride: Pair
    pad: Pair
    size: Pair


@dataclass(frozen=True)
class Unpool(Primitive):
    """Gradient of ``Pool`` as a gather: (dy, index) or dy -> N x C x ``size``.

    ``max``: the sum of dy over the windows whose index names this element;
    ``ave``: the sum of dy / divisor over the windows that cover it.
    """

    mode: str
    kernel: Pair
    stride: Pair
    pad: Pair
    size: Pair


@dataclass(frozen=True)
class Window(Primitive):
    """y[c] = sum of x[c - size // 2 .. c + size // 2] along axis 1 (odd size, zeros outside)."""

    size: int


@dataclass(frozen=True)
class Gather(Primitive):
    """Rows of a table: (x, index) -> y, y[m] = x[index[m]], zeros where index is outside [0, V).

    x V x D and index M -> M x D, or for each entry of a leading axis L x V x D
    and L x M -> L x M x D. ``index`` is i32; x of any dtype but b1 and u8.
    """


@dataclass(frozen=True)
class ScatterAdd(Primitive):
    """Adjoint of ``Gather``: (y, index) -> x, x[v] = sum of y[m] where index[m] = v, in the order of m.

    y M x D and index M -> V x D with V = ``size``, or L x M x D and L x M -> L x V x D.
    """

    size: int


@dataclass(frozen=True)
class TopK(Primitive):
    """The ``count`` largest of each row of R x C: (values, index), both R x ``count``, falling; index i32.

    NaN is larger than every number; of equal elements (and of NaN) the first is the larger.
    """

    count: int


@dataclass(frozen=True)
class Patches(Primitive):
    """Windows as channels: N x C x H x W -> N x (C R S) x ``size``, channel (c R + r) S + s, zeros outside the map.

    Window (i, j) starts at i stride - pad; its taps lie ``dilation`` apart; (R, S) = ``kernel``.
    """

    kernel: Pair
    stride: Pair
    pad: Pair
    dilation: Pair
    size: Pair


@dataclass(frozen=True)
class Unpatch(Primitive):
    """Adjoint of ``Patches``: N x (C R S) x Ho x Wo -> N x C x ``size``, each element the sum of its copies."""

    kernel: Pair
    stride: Pair
    pad: Pair
    dilation: Pair
    size: Pair


@dataclass(frozen=True)
class Concat(Primitive):
    """Operands one after another along ``axis``."""

    axis: int


@dataclass(frozen=True)
class Slice(Primitive):
    """Elements ``start:stop`` along ``axis``."""

    axis: int
    start: int
    stop: int


@dataclass(frozen=True)
class Reshape(Primitive):
    """The same elements, in logical (row-major N C H W) order, in another shape."""

    shape: Shape


@dataclass(frozen=True)
class Transpose(Primitive):
    """Axes permuted as ``numpy.transpose``."""

    order: tuple[int, ...]


@dataclass(frozen=True)
class Pad(Primitive):
    """Zeros around: ``widths[axis] = (before, after)``; negative widths crop."""

    widths: tuple[Pair, ...]


@dataclass(frozen=True)
class Guard(Primitive):
    """Stops the walk with status ``NOT_FINITE`` if its scalar operand is not finite; no result."""


@dataclass(frozen=True)
class ClearHalo(Primitive):
    """Writes zeros in the halo of its result (an N x C x H x W view); no operand."""


def is_dense(prim: Conv | ConvInputGrad | ConvWeightGrad, kernel: Pair, out_size: Pair) -> bool:
    """Whether the kernel covers its input exactly once (InnerProduct): a matrix product over (c, h, w)."""
    return (
        out_size == (1, 1)
        and prim.groups == 1
        and prim.pad == (0, 0)
        and prim.dilation == (1, 1)
        and (not isinstance(prim, ConvInputGrad) or prim.size == kernel)
    )


def conv_input_grad_halo(prim: ConvInputGrad, kernel: Pair, dy_size: Pair) -> Pair:
    """Rows and columns of zeros that ``ConvInputGrad`` reads around dy.

    dx[h] takes dy[(h + pad - r dilation) / stride]; the halo covers the lowest
    and the highest such index, on both sides alike. A dense one needs none.
    """
    if is_dense(prim, kernel, dy_size):
        return (0, 0)
    need = []
    for axis in (0, 1):
        reach = prim.dilation[axis] * (kernel[axis] - 1)
        below = max(0, (reach - prim.pad[axis]) // prim.stride[axis])
        above = max(0, (prim.size[axis] - 1 + prim.pad[axis]) // prim.stride[axis] - (dy_size[axis] - 1))
        need.append(max(below, above))
    return need[0], need[1]
