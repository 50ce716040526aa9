"""What several rules share: shape checks and the sum that undoes a broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime import ops
from runtime.expr import FLOATS, arg
from runtime.ops import Pair, Shape

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value


def written(shape: Shape) -> str:
    """A shape as messages print it: ``2 x 3 x 5``."""
    return " x ".join(map(str, shape)) if shape else "one number"


def require(ok: bool, kind: str, got: str, expected: str) -> None:
    """ValueError with what was got and what was expected, unless ``ok``."""
    if not ok:
        raise ValueError(f"{kind}: got {got}, expected {expected}")


def require_operands(kind: str, inputs: tuple[Value, ...], count: int) -> None:
    """ValueError unless there are ``count`` operands, all floating and of one dtype."""
    require(len(inputs) == count, kind, f"{len(inputs)} operands", str(count))
    require_floats(kind, inputs)


def require_floats(kind: str, inputs: tuple[Value, ...]) -> None:
    """ValueError unless all operands have the same floating dtype."""
    dtypes = sorted({v.dtype for v in inputs})
    require(len(dtypes) == 1 and dtypes[0] in FLOATS, kind, f"operands of {' and '.join(dtypes)}", "one of f32, f64")


def require_rank(kind: str, name: str, value: Value, rank: int) -> None:
    """ValueError unless the operand has ``rank`` axes, none of them empty."""
    ok = value.rank == rank and 0 not in value.shape
    require(ok, kind, f"{name} {written(value.shape)}", f"{rank} axes of size 1 or more")


def require_axis(kind: str, axis: int, rank: int) -> None:
    """ValueError unless ``axis`` counts from 0 and exists."""
    require(0 <= axis < rank, kind, f"axis {axis}", f"0 to {rank - 1}" if rank else "no axis of a single number")


def slid(size: int, kernel: int, stride: int, pad: int, dilation: int = 1) -> int:
    """Positions of a kernel on an axis: (size + 2 pad - (dilation (kernel - 1) + 1)) // stride + 1, at least 0."""
    return max(0, (size + 2 * pad - (dilation * (kernel - 1) + 1)) // stride + 1)


def require_geometry(kind: str, stride: Pair, pad: Pair, dilation: Pair = (1, 1)) -> None:
    """ValueError unless strides and dilations are positive and pads not negative."""
    require(min(stride) >= 1, kind, f"stride {stride}", "1 or more")
    require(min(pad) >= 0, kind, f"pad {pad}", "0 or more")
    require(min(dilation) >= 1, kind, f"dilation {dilation}", "1 or more")


def broadcast_axes(small: Shape, large: Shape) -> tuple[int, ...]:
    """Axes of ``large`` along which an array of shape ``small`` is repeated."""
    lead = len(large) - len(small)
    repeated = (a for a, n in enumerate(large) if a < lead or (small[a - lead] == 1 and n != 1))
    return tuple(repeated)


def fits(small: Shape, large: Shape) -> bool:
    """Whether an array of shape ``small`` broadcasts to ``large`` as in NumPy."""
    lead = len(large) - len(small)
    return lead >= 0 and all(n in (1, large[lead + a]) for a, n in enumerate(small))


def sum_to(b: Builder, x: Value, shape: Shape) -> Value:
    """``x`` summed over the axes along which ``shape`` broadcasts to it."""
    axes = tuple(a for a in broadcast_axes(shape, x.shape) if x.shape[a] != 1)
    if axes:
        x = b.emit1(ops.Reduce("sum", (arg(0),), axes, x.shape), x)
    return x if x.shape == shape else b.emit1(ops.Reshape(shape), x)
