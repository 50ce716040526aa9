"""What each way of a convolution costs: arithmetic, traffic and transforms, as seconds of one core.

Pure functions of the shapes; they choose between ways and head the estimates
of ``netspec plan``. The rates are those of kernels measured on Zen 4, not of
data sheets; other machines differ by a factor that the ways have in common, or
nearly so (``--tune`` measures instead). Threads share all of it alike and are
left out: a choice must not depend on their number, or the bits would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod

from runtime import fourier, ops
from runtime.ops import Pair, Primitive, Shape
from runtime.plan import ITEM_BYTES
from runtime.ways import DIRECT, FFT, IM2COL, MATMUL, WINOGRAD_2, WINOGRAD_4, Convolution, winograd_taps
from runtime.winograd import TILE


@dataclass(frozen=True)
class Case:
    """A convolution or one of its gradients: all that its ways are chosen by.

    Parameters
    ----------
    op
        The primitive.
    x, w, y
        Logical shapes N x C x H x W, K x C/groups x R x S and N x K x Ho x Wo,
        whichever of them is the result.
    dtype
        ``f32`` or ``f64``.
    fixed
        The weights stay from run to run: what is derived from them is made once.
    """

    op: Convolution
    x: Shape
    w: Shape
    y: Shape
    dtype: str = "f32"
    fixed: bool = False

    @property
    def kernel(self) -> Pair:
        """Rows and columns of the window."""
        return self.w[2], self.w[3]

    @property
    def shapes(self) -> tuple[tuple[Shape, ...], Shape]:
        """Operands in the primitive's order, and the result."""
        if isinstance(self.op, ops.Conv):
            return (self.x, self.w), self.y
        if isinstance(self.op, ops.ConvInputGrad):
            return (self.y, self.w), self.x
        return (self.x, self.y), self.w

    @property
    def flops(self) -> int:
        """2 for each product of the definition, whatever the way."""
        return 2 * prod(self.y) * prod(self.w[1:])

    @property
    def bytes(self) -> int:
        """Operands and result, each once."""
        return ITEM_BYTES[self.dtype] * (prod(self.x) + prod(self.w) + prod(self.y))


def case_of(op: Primitive, reads: tuple[Shape, ...], result: Shape, dtype: str, fixed: bool = False) -> Case | None:
    """The case of a primitive with these operands and this result; None if it is no convolution."""
    if isinstance(op, ops.Conv):
        return Case(op, reads[0], reads[1], result, dtype, fixed)
    if isinstance(op, ops.ConvInputGrad):
        return Case(op, result, reads[1], reads[0], dtype, fixed)
    if isinstance(op, ops.ConvWeightGrad):
        return Case(op, reads[0], result, reads[1], dtype, fixed)
    return None


@dataclass(frozen=True)
class Rates:
    """What one core does a second, in float32.

    Parameters
    ----------
    lanes
        Elements in a vector.
    flops
        Arithmetic in the micro-kernel.
    memory
        Bytes read or written.
    vectors
        Lines of a tile that a Winograd or Fourier transform takes, of one vector of channels.
    """

    lanes: int
    flops: float
    memory: float
    vectors: float


_RATES = {
    64: Rates(lanes=16, flops=110e9, memory=13e9, vectors=6.5e9),
    32: Rates(lanes=8, flops=55e9, memory=13e9, vectors=6.5e9),
    16: Rates(lanes=4, flops=13e9, memory=13e9, vectors=3.2e9),
}
"""By the bytes of a vector."""


def rates_of(vector_bytes: int) -> Rates:
    """Rates of a core with vectors of this size."""
    return _RATES.get(vector_bytes, _RATES[16])


TILE_START = 7.0
"""What starting and ending a tile of the micro-kernel costs, in steps of its reduction."""

WINOGRAD, WEIGHT_GRAD, FOURIER = 0.9, 0.9, 0.7
"""Rate of the products over points, as a part of the micro-kernel's."""

LAUNCH = 4e-6
"""Seconds of a core for each launch of a kernel: claims of chunks, a barrier."""

CACHE_BYTES, CACHE_SPEED = 1 << 20, 4.0
"""What stays near a core, and how much faster it comes from there."""

ADDED = 0.6e9
"""Numbers of windows that are looked at or added to a map, one by one."""

MANY_IMAGES, MUCH_DEPTH = 14, 128
"""From here on the direct convolution leaves out the taps that fall into the halo."""


def seconds(case: Case, way: str, rates: Rates) -> float:
    """Estimated seconds of one core for a case computed this way, in float32 whatever its dtype."""
    return _WAYS[way](case, rates)


def _product(rows: float, depth: float, columns: float, rates: Rates, start: float = TILE_START) -> float:
    """Seconds of a matrix product (rows x depth) (depth x columns)."""
    return 2 * rows * _vectors(columns, rates) * rates.lanes * (depth + start) / rates.flops


def _traffic(elements: float, rates: Rates) -> float:
    """Seconds to read or write float32 numbers; the first of them stay in a cache."""
    size = 4 * elements
    near = min(size, CACHE_BYTES)
    return near / (CACHE_SPEED * rates.memory) + (size - near) / rates.memory


def _moved(elements: float, rates: Rates) -> float:
    """Seconds to write float32 numbers and to read them back."""
    return 2 * _traffic(elements, rates)


def _operands(case: Case, rates: Rates) -> float:
    """Seconds to read the operands and to write the result."""
    return _traffic(prod(case.x) + prod(case.w) + prod(case.y), rates)


def _vectors(channels: float, rates: Rates) -> int:
    return ceil(channels / rates.lanes)


def _direct(case: Case, rates: Rates) -> float:
    (k, cg, r, s), groups = case.w, case.op.groups
    pixels = case.y[0] * case.y[2] * case.y[3]
    weights = _moved(0 if case.fixed else prod(case.w), rates)
    least = _operands(case, rates)
    if groups > 1 and cg == 1 and k == groups:  # depthwise: no reuse but of the window
        return LAUNCH + max(least, case.flops / (0.25 * rates.flops) + weights)
    if isinstance(case.op, ops.ConvWeightGrad):
        return LAUNCH + max(least, groups * _product(r * s * cg, pixels, k // groups, rates, 0.0) + weights)
    channels, taps, rows, columns = cg, r * s, pixels, k // groups
    if isinstance(case.op, ops.ConvInputGrad):  # a stride leaves 1 / stride of the taps to each pixel of dx
        channels, taps, rows, columns = columns, max(1, taps // prod(case.op.stride)), prod(case.x) // case.x[1], cg
    product = groups * _product(rows, channels * taps, columns, rates)
    if case.x[0] >= MANY_IMAGES and channels * taps >= MUCH_DEPTH:
        product *= min(1.0, case.x[0] * _pairs(case) / (rows * taps))
    return LAUNCH + max(least, product + weights)


def _pairs(case: Case) -> float:
    """Output positions of an image times the taps that fall into the map."""
    total = 1.0
    for axis in (0, 1):
        first = [o * case.op.stride[axis] - case.op.pad[axis] for o in range(case.y[2 + axis])]
        taps = [t * case.op.dilation[axis] for t in range(case.kernel[axis])]
        total *= sum(0 <= o + t < case.x[2 + axis] for o in first for t in taps)
    return total


def _matmul(case: Case, rates: Rates) -> float:
    rows, depth, columns = case.x[0], prod(case.w[1:]), case.w[0]
    if isinstance(case.op, ops.ConvInputGrad):
        depth, columns = columns, depth
    if isinstance(case.op, ops.ConvWeightGrad):
        rows, depth = depth, rows
    return LAUNCH + max(_operands(case, rates), _product(rows, depth, columns, rates))


def _winograd(case: Case, rates: Rates, m: int) -> float:
    """Transforms of both operands, one product for each of t x t points, transform of the result."""
    (k, cg), phases = case.w[:2], prod(case.op.stride)
    groups, t = case.op.groups, m + winograd_taps(case.op, case.kernel) - 1
    over = case.x if isinstance(case.op, ops.ConvInputGrad) else case.y
    tiles = over[0] * ceil(over[2] / m) * ceil(over[3] / m)
    points, weights = t * t, k * cg * phases
    # the phases of a strided window's row follow each other; its vectors are part of one row alone
    inputs = case.op.stride[0] * _vectors(case.op.stride[1] * case.x[1], rates)
    maps = points * tiles * (inputs + _vectors(k, rates))
    cg *= phases
    fixed = 3 * LAUNCH + 0.6 * _operands(case, rates) + t * maps / rates.vectors
    if isinstance(case.op, ops.ConvWeightGrad):
        sums = groups * points * _product(cg, tiles, k // groups, rates) / WEIGHT_GRAD
        return fixed + sums + 0.12 * _moved(points * weights, rates)
    columns, depth = (k // groups, cg) if isinstance(case.op, ops.Conv) else (cg, k // groups)
    streamed = _moved(points * weights, rates) * (0.2 if case.fixed else 0.65)
    return fixed + streamed + groups * points * _product(tiles, depth, columns, rates, 0.0) / WINOGRAD


def _im2col(case: Case, rates: Rates) -> float:
    """The direct product, with every window written out and read back, from the cache for the most part.

    The input gradient makes windows of a plain product, and adds them up number by number.
    """
    n, _, ho, wo = case.y
    patches = n * ho * wo * case.x[1] * prod(case.kernel)
    if isinstance(case.op, ops.ConvInputGrad):
        groups, columns = case.op.groups, prod(case.w[1:])
        weights = _moved(0 if case.fixed else prod(case.w), rates)
        product = groups * _product(n * ho * wo, case.w[0] // groups, columns, rates) + weights
        looked_at = patches + prod(case.x) + prod(case.x) // case.x[1] * prod(case.kernel)
        return 2 * LAUNCH + max(_operands(case, rates), product) + _moved(patches, rates) + looked_at / ADDED
    return LAUNCH + _direct(case, rates) + 0.1 * _moved(patches, rates)


def _fft(case: Case, rates: Rates) -> float:
    """Spectra of tiles that overlap, one product of complex numbers for each frequency, and the way back."""
    k, cg, r, s = case.w
    groups, over = case.op.groups, case.x if isinstance(case.op, ops.ConvInputGrad) else case.y
    down, across = case.op.dilation  # each lattice of a dilated window is a convolution of its own
    tiles = over[0] * down * ceil(over[2] / down / (fourier.SIZE + 1 - r))
    tiles *= across * ceil(over[3] / across / (fourier.SIZE + 1 - s))
    maps = fourier.POINTS * tiles * (_vectors(case.x[1], rates) + _vectors(k, rates))
    fixed = 3 * LAUNCH + _operands(case, rates) + fourier.SIZE * maps / (0.7 * rates.vectors)
    weights = 2 * fourier.POINTS * k * cg
    if isinstance(case.op, ops.ConvWeightGrad):  # spectra of both operands are written out, tile by tile
        sums = 2 * fourier.POINTS * groups * _product(2 * cg, tiles, k // groups, rates) / FOURIER
        return fixed + 2 * _moved(maps * rates.lanes, rates) + sums + 2 * _moved(weights, rates)
    columns, depth = (k // groups, cg) if isinstance(case.op, ops.Conv) else (cg, k // groups)
    streamed = _moved(weights, rates) * (1.0 if case.fixed else 3.0)
    return fixed + streamed + 2 * fourier.POINTS * groups * _product(tiles, 2 * depth, columns, rates) / FOURIER


_WAYS: dict[str, Callable[[Case, Rates], float]] = {
    DIRECT: _direct,
    MATMUL: _matmul,
    WINOGRAD_2: lambda case, rates: _winograd(case, rates, TILE[WINOGRAD_2]),
    WINOGRAD_4: lambda case, rates: _winograd(case, rates, TILE[WINOGRAD_4]),
    IM2COL: _im2col,
    FFT: _fft,
}
