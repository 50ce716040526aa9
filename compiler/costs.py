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

from runtime import ops
from runtime.ops import Pair, Primitive, Shape
from runtime.plan import ITEM_BYTES
from runtime.ways import DIRECT, FFT, IM2COL, MATMUL, WINOGRAD_2, WINOGRAD_4, Convolution
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
    transforms
        Vector operations of a Winograd or Fourier transform.
    """

    lanes: int
    flops: float
    memory: float
    transforms: float


_RATES = {
    64: Rates(lanes=16, flops=105e9, memory=12e9, transforms=2.4e9),
    32: Rates(lanes=8, flops=52e9, memory=12e9, transforms=2.4e9),
    16: Rates(lanes=4, flops=12e9, memory=12e9, transforms=1.2e9),
}
"""By the bytes of a vector."""


def rates_of(vector_bytes: int) -> Rates:
    """Rates of a core with vectors of this size."""
    return _RATES.get(vector_bytes, _RATES[16])


TILE_START = 8.0
"""What starting and ending a tile of the micro-kernel costs, in steps of its reduction."""


def seconds(case: Case, way: str, rates: Rates) -> float:
    """Estimated seconds of one core for a case computed this way, in float32 whatever its dtype."""
    compute = _WAYS[way](case, rates)
    return max(compute, 4 / ITEM_BYTES[case.dtype] * case.bytes / rates.memory)


def _product(rows: float, depth: float, columns: float, rates: Rates) -> float:
    """Seconds of a matrix product (rows x depth) (depth x columns)."""
    whole = ceil(columns / rates.lanes) * rates.lanes
    return 2 * rows * whole * (depth + TILE_START) / rates.flops


def _moved(elements: float, rates: Rates) -> float:
    """Seconds to write and read back float32 numbers that no cache holds."""
    return 8 * elements / rates.memory


def _direct(case: Case, rates: Rates) -> float:
    (k, cg, r, s), groups = case.w, case.op.groups
    pixels = case.y[0] * case.y[2] * case.y[3]
    if groups > 1 and cg == 1 and k == groups:  # depthwise: no reuse but of the window
        return case.flops / (0.25 * rates.flops) + _moved(0 if case.fixed else prod(case.w), rates)
    if isinstance(case.op, ops.ConvWeightGrad):
        return groups * _product(r * s * cg, pixels, k // groups, rates)
    packing = _moved(0 if case.fixed else prod(case.w), rates)
    if isinstance(case.op, ops.ConvInputGrad):  # a stride leaves 1 / stride of the taps to each pixel of dx
        depth = k // groups * r * s / prod(case.op.stride)
        return packing + groups * _product(prod(case.x) / case.x[1], depth, cg, rates)
    return packing + groups * _product(pixels, cg * r * s, k // groups, rates)


def _matmul(case: Case, rates: Rates) -> float:
    n, depth, columns = case.x[0], prod(case.w[1:]), case.w[0]
    if isinstance(case.op, ops.ConvInputGrad):
        depth, columns = columns, depth
    if isinstance(case.op, ops.ConvWeightGrad):
        n, depth = depth, n
    return _product(n, depth, columns, rates)


def _winograd(case: Case, rates: Rates, m: int) -> float:
    """Transforms of both operands, one product for each of t x t points, transform of the result."""
    k, cg, r, _ = case.w
    groups, t = case.op.groups, m + r - 1
    over = case.x if isinstance(case.op, ops.ConvInputGrad) else case.y
    tiles = over[0] * ceil(over[2] / m) * ceil(over[3] / m)
    points, weights = t * t, k * cg
    maps = points * tiles * (_vectors(case.x[1], rates) + _vectors(k, rates))
    transforms = (t + 2) * (maps + points * weights / rates.lanes) / rates.transforms
    if isinstance(case.op, ops.ConvWeightGrad):
        return transforms + groups * points * _product(cg, tiles, k // groups, rates) + _moved(points * weights, rates)
    columns, depth = (k // groups, cg) if isinstance(case.op, ops.Conv) else (cg, k // groups)
    if case.fixed:
        transforms -= (t + 2) * points * weights / rates.lanes / rates.transforms
    else:
        transforms += _moved(points * weights, rates)
    return transforms + groups * points * _product(tiles, depth, columns, rates)


def _vectors(channels: int, rates: Rates) -> int:
    return -(-channels // rates.lanes)


def _im2col(case: Case, rates: Rates) -> float:
    """The direct product, with every window written out and read back."""
    n, _, ho, wo = case.y
    patches = n * ho * wo * case.x[1] * prod(case.kernel)
    return _direct(case, rates) + _moved(patches, rates)


def _fft(case: Case, rates: Rates) -> float:
    """Tiles of 16 x 16, each with 130 numbers: transforms of both operands and of the result, complex products."""
    k, cg, r, s = case.w
    groups, points = case.op.groups, 130
    over = case.x if isinstance(case.op, ops.ConvInputGrad) else case.y
    down, across = case.op.dilation  # each lattice of a dilated one is a convolution of its own
    tiles = over[0] * down * ceil(over[2] / down / (17 - r)) * across * ceil(over[3] / across / (17 - s))
    columns, depth = (cg, k // groups) if isinstance(case.op, ops.ConvInputGrad) else (k // groups, cg)
    whole = 2 * _vectors(columns, rates) * rates.lanes
    numbers = 2 * points * rates.lanes
    maps = tiles * (_vectors(case.x[1], rates) + _vectors(k, rates))
    weights = groups * depth * _vectors(columns, rates)
    if isinstance(case.op, ops.ConvWeightGrad):
        transforms = 3500 * (maps + weights) / rates.transforms + _moved(numbers * (maps + 2 * weights), rates)
        return transforms + groups * points * _product(2 * depth, tiles, whole, rates)
    if case.fixed:
        weights = 0
    transforms = 3500 * (maps + weights) / rates.transforms + _moved(2 * numbers * weights, rates)
    return transforms + groups * points * _product(tiles, 2 * depth, whole, rates)


_WAYS: dict[str, Callable[[Case, Rates], float]] = {
    DIRECT: _direct,
    MATMUL: _matmul,
    WINOGRAD_2: lambda case, rates: _winograd(case, rates, TILE[WINOGRAD_2]),
    WINOGRAD_4: lambda case, rates: _winograd(case, rates, TILE[WINOGRAD_4]),
    IM2COL: _im2col,
    FFT: _fft,
}
