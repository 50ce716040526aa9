"""Cases for every primitive: attributes and operands, fixed ones and Hypothesis strategies.

For the reference, for gradients and for each device's kernels::

    @pytest.mark.parametrize("case", fixed(ops.Conv), ids=str)       # corner cases by name
    def test_conv(case):
        expected = case.expected()                                   # float64, from runtime.reference

    @given(case=strategy(ops.Conv))                                  # generated ones
    def test_conv_over_generated_shapes(case): ...

Operands are NumPy arrays in logical order (N C H W): float64, int32, uint8 or
bool. Sizes are odd, one pixel, not a multiple of a vector. ``case.smooth``
says that no operand is near a kink (``GAP``), so centred differences hold;
where it is False there are ties, on purpose. ``PRIMITIVES`` lists the classes
that have cases; ``Guard`` and ``ClearHalo`` have no results and none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from runtime import ops
from runtime.expr import Expr, arg, call, const, to_float
from runtime.ops import Primitive
from runtime.reference import Context, evaluate

Array = NDArray[Any]

GAP = 0.01
"""Distance from kinks and ties of smooth cases, far above the step of centred differences."""


@dataclass(frozen=True)
class Case:
    """A primitive with operands."""

    name: str
    prim: Primitive
    operands: tuple[Array, ...]
    smooth: bool = True
    numbers: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        shapes = ", ".join(f"{a.dtype}{list(a.shape)}" for a in self.operands)
        return f"<{self.name}: {self.prim} of {shapes}>"

    def expected(self, dtype: str = "float64") -> tuple[Array, ...]:
        """The results, from the reference."""
        return evaluate(self.prim, Context(np.dtype(dtype), self.numbers), self.operands)


def values(seed: int, *shape: int) -> Array:
    """N(0, 1)."""
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def distinct(seed: int, *shape: int) -> Array:
    """Numbers around 0 no two of which, and none and 0, are nearer than 2 GAP."""
    count = prod(shape)
    order = np.random.default_rng([seed, *shape]).permutation(count)
    return ((order - (count - 1) // 2) * 4 * GAP + 2 * GAP).reshape(shape)


def tied(seed: int, *shape: int) -> Array:
    """A few whole numbers: many ties, zeros of both signs."""
    drawn = np.random.default_rng([seed, *shape]).integers(-2, 3, size=shape).astype(np.float64)
    return np.where(drawn == 0, np.copysign(0.0, values(seed, *shape)), drawn)


def above(seed: int, low: float, *shape: int) -> Array:
    """Numbers from ``low`` to ``low + 2``."""
    return low + 2 * np.random.default_rng([seed, *shape]).random(shape)


X, Y, Z = arg(0), arg(1), arg(2)
WHOLE = arg(0, "i32")


def index(axis: int) -> Expr:
    """The coordinate along a negative axis."""
    return Expr("index", (), axis, "i32")


FORMULAS: dict[str, tuple[tuple[Expr, ...], str]] = {
    "copy": ((X,), "any"),
    "neg": ((call("neg", X),), "any"),
    "exp": ((call("exp", X),), "any"),
    "log": ((call("log", X),), "positive"),
    "sqrt": ((call("sqrt", X),), "positive"),
    "rsqrt": ((call("rsqrt", X),), "positive"),
    "sin": ((call("sin", X),), "any"),
    "cos": ((call("cos", X),), "any"),
    "tanh": ((call("tanh", X),), "any"),
    "sigmoid": ((call("sigmoid", X),), "any"),
    "erf": ((call("erf", X),), "any"),
    "abs": ((call("abs", X),), "any"),
    "sign": ((call("sign", X),), "any"),
    # Operands stay within 1.2, so a quarter of one has no kink but the one at 0.
    "floor": ((call("mul", call("floor", call("mul", X, const(0.25))), X),), "any"),
    "add": ((call("add", X, Y),), "any"),
    "sub": ((call("sub", X, Y),), "any"),
    "mul": ((call("mul", X, Y),), "any"),
    "div": ((call("div", X, Y),), "positive"),
    "pow": ((call("pow", X, Y),), "positive"),
    "square": ((call("pow", X, const(2.0)),), "any"),
    "cube": ((call("pow", X, const(3)),), "any"),
    "power_minus_075": ((call("pow", X, const(-0.75)),), "positive"),
    "power_of_two": ((call("pow", const(2.0), X),), "any"),
    "max": ((call("max", X, Y),), "any"),
    "min": ((call("min", X, Y),), "any"),
    "relu": ((call("where", call("gt", X, const(0.0)), X, call("mul", const(0.1), X)),), "any"),
    "elu": ((call("where", call("gt", X, const(0.0)), X, call("sub", call("exp", X), const(1.0))),), "any"),
    "safe_log": (
        (call("where", call("gt", X, const(0.0)), call("log", call("add", X, const(0.2))), const(0.0)),),
        "any",
    ),
    "normalise_scale_shift": (
        (call("add", call("mul", call("sub", X, Y), call("rsqrt", call("add", call("abs", Z), const(0.5)))), Y),),
        "any",
    ),
    "swish_and_slope": ((call("mul", X, call("sigmoid", X)), call("sigmoid", X)), "any"),
    "difference_and_square": (
        (call("sub", X, Y), call("mul", call("sub", X, Y), call("sub", X, Y))),
        "any",
    ),
    "logic": (
        (
            call("where", call("and", call("le", X, Y), call("not", call("eq", X, Y))), X, Y),
            call("or", call("lt", X, Y), call("ge", X, const(0.0))),
            call("isfinite", call("log", X)),
            call("ne", X, Y),
        ),
        "any",
    ),
    "ramp": ((call("mul", X, to_float(call("add", index(-1), const(1)))), call("add", index(-1), const(2))), "any"),
    "to_int": ((call("to_int", call("mul", X, const(10.0))), call("to_int", X)), "any"),
    "dropout": (
        (call("where", call("ge", Expr("uniform", (), (77, 1)), const(0.4)), call("div", X, const(0.6)), const(0.0)),),
        "any",
    ),
    "noise": ((call("add", X, call("mul", const(0.1), Expr("normal", (), (12345, 2)))),), "any"),
    "rate": (
        (call("mul", X, Expr("scalar", (), "rate")), call("add", Expr("scalar", (), "correction"), const(1.0))),
        "any",
    ),
}
"""Formulas for maps, with the range their operands must be in."""

NUMBERS = {"seed": 7.0, "iteration": 3.0, "micro_step": 1.0, "rate": 0.125, "correction": 0.5}

SHAPES: list[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]] = [
    ((), ((), (), ())),
    ((1,), ((1,), (), (1,))),
    ((37,), ((37,), (37,), (1,))),
    ((3, 19), ((3, 19), (3, 19), (19,))),
    ((3, 19), ((3, 19), (3, 1), (1, 19))),
    ((2, 5, 1, 1), ((2, 5, 1, 1), (1, 5, 1, 1), (2, 1, 1, 1))),
    ((2, 17, 3, 5), ((2, 17, 3, 5), (2, 17, 3, 5), (1, 17, 1, 1))),
    ((2, 17, 3, 5), ((1, 17, 1, 1), (2, 17, 3, 5), (17, 1, 1))),
    ((1, 3, 33, 2), ((1, 3, 33, 2), (33, 2), (1, 1, 33, 1))),
]
"""Shapes of maps with those of up to three operands: equal, broadcast, of lower rank."""


def _named(names: Iterable[str], shape: tuple[int, ...]) -> st.SearchStrategy[str]:
    """Names of formulas that a shape can have: an index needs an axis."""
    return st.sampled_from(sorted(n for n in names if shape or n != "ramp"))


def _mapped(name: str, seed: int, shape: tuple[int, ...], shapes: tuple[tuple[int, ...], ...]) -> tuple[Any, ...]:
    """Expressions and operands of a formula over a shape."""
    results, range_ = FORMULAS[name]
    count = 1 + max((k for r in results for k in r.operands()), default=0)
    if range_ == "positive":
        return results, tuple(above(seed + k, 0.3, *shapes[k]) for k in range(count))
    # One pool for all operands: distinct within an operand and across operands.
    sizes = [prod(s) for s in shapes[:count]]
    pool = np.split(distinct(seed, sum(sizes)), np.cumsum(sizes)[:-1])
    # Squeezed so that exp and powers stay moderate in large shapes: gaps of GAP up to 60 elements, 0.002 at 1000.
    scale = min(1.0, 60 / sum(sizes))
    return results, tuple((p * scale).reshape(s) for p, s in zip(pool, shapes, strict=False))


def map_case(name: str, seed: int, shape: tuple[int, ...], shapes: tuple[tuple[int, ...], ...]) -> Case:
    """A formula over a shape."""
    results, operands = _mapped(name, seed, shape, shapes)
    text = f"{name}-{'x'.join(map(str, shape)) or 'scalar'}"
    return Case(text, ops.Map(results, shape), operands, numbers=NUMBERS)


def _map_fixed() -> list[Case]:
    cases = [map_case(name, 1, *SHAPES[6]) for name in FORMULAS]
    cases += [map_case(name, 2, *s) for s in SHAPES for name in ("mul", "relu", "normalise_scale_shift", "dropout")]
    whole = np.random.default_rng(3).integers(-5, 6, (2, 3, 1, 1)).astype(np.int32)
    equal = call("eq", WHOLE, index(-3))
    cases.append(Case("label_mask", ops.Map((equal,), (2, 3, 4, 5)), (whole,)))
    masked = call("where", arg(1, "b1"), arg(0), const(0.0))
    cases.append(Case("mask", ops.Map((masked,), (5, 21)), (values(4, 5, 21), values(5, 5, 21) > 0)))
    wide = call("mul", to_float(arg(1, "i32")), arg(0))
    cases.append(Case("u8_operand", ops.Map((wide,), (3, 9)), (values(6, 3, 9), np.arange(9, dtype=np.uint8))))
    integers = call("sub", call("mul", WHOLE, const(3)), call("min", arg(1, "i32"), const(2)))
    cases.append(Case("integers", ops.Map((integers,), (2, 3, 1, 1)), (whole, whole[::-1].copy())))
    steps = call("floor", call("mul", X, const(10.0)))
    cases.append(Case("floor-steps", ops.Map((steps,), (3, 40)), (distinct(7, 3, 40),), smooth=False))
    cases.append(Case("constants", ops.Map((const(1.5), const(3), const(True)), (2, 9)), ()))
    cases.append(Case("ties", ops.Map(FORMULAS["max"][0], (3, 40)), (tied(8, 3, 40), tied(9, 3, 40)), smooth=False))
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40, 1e30, -1.0, 2.0])
    for name in ("max", "min", "relu", "logic", "abs", "exp", "log", "sqrt", "sigmoid", "tanh", "rsqrt", "square"):
        operands = (odd, odd[::-1].copy())[: 1 + max(k for r in FORMULAS[name][0] for k in r.operands())]
        cases.append(Case(f"{name}-special", ops.Map(FORMULAS[name][0], (9,)), operands, smooth=False))
    return cases


@st.composite
def _map_strategy(draw: st.DrawFn) -> Case:
    shape = tuple(draw(st.lists(st.sampled_from((1, 1, 2, 3, 5, 9, 17)), max_size=4)))
    shapes = []
    for _ in range(3):
        kept = tuple(n if draw(st.booleans()) else 1 for n in shape)
        shapes.append(draw(st.sampled_from((shape, kept, kept[draw(st.integers(0, len(shape))) :]))))
    return map_case(draw(_named(FORMULAS, shape)), draw(st.integers(0, 99)), shape, tuple(shapes))


REDUCED = ("copy", "square", "mul", "abs", "normalise_scale_shift", "swish_and_slope", "difference_and_square", "ramp")


def reduce_case(
    op: str, name: str, seed: int, axes: tuple[int, ...], shape: tuple[int, ...], shapes: tuple[tuple[int, ...], ...]
) -> Case:
    """A formula summed (or its maximum taken) over axes."""
    results, operands = _mapped(name, seed, shape, shapes)
    floats = tuple(r for r in results if r.dtype == "float")
    text = f"{op}-{name}-{'x'.join(map(str, shape)) or 'scalar'}-over-{''.join(map(str, axes)) or 'none'}"
    return Case(text, ops.Reduce(op, floats, axes, shape), operands, numbers=NUMBERS)


def _reduce_fixed() -> list[Case]:
    full, shapes = SHAPES[6]
    cases = [reduce_case("sum", name, 1, (0, 2, 3), full, shapes) for name in REDUCED]
    every = [(), (0,), (1,), (3,), (2, 3), (1, 2, 3), (0, 1), (0, 1, 2, 3), (0, 3)]
    cases += [reduce_case(op, "copy", 2, axes, full, shapes) for op in ("sum", "max") for axes in every]
    cases += [reduce_case("sum", "mul", 3, (0,), (37,), ((37,), (37,), ()))]
    cases += [reduce_case("sum", "mul", 3, (), (), ((), (), ()))]
    cases += [reduce_case(op, "mul", 4, (1,), (5, 1031), ((5, 1031), (1031,), ())) for op in ("sum", "max")]
    cases += [reduce_case("sum", "mul", 5, (0,), (1031, 5), ((1031, 5), (5,), ()))]
    cases.append(Case("max-ties", ops.Reduce("max", (X,), (1, 2), (3, 4, 5)), (tied(5, 3, 4, 5),), smooth=False))
    broken = values(6, 4, 33)
    broken[1, 7], broken[2, :], broken[3, 5] = np.nan, -np.inf, np.inf
    cases += [Case(f"{op}-special", ops.Reduce(op, (X,), (1,), (4, 33)), (broken,), smooth=False) for op in OPS]
    return cases


OPS = ("sum", "max")


@st.composite
def _reduce_strategy(draw: st.DrawFn) -> Case:
    shape = tuple(draw(st.lists(st.sampled_from((1, 2, 3, 5, 17)), max_size=4)))
    axes = tuple(a for a in range(len(shape)) if draw(st.booleans()))
    shapes = tuple(tuple(n if draw(st.booleans()) else 1 for n in shape) for _ in range(3))
    name, op = draw(_named(REDUCED, shape)), draw(st.sampled_from(OPS))
    case = reduce_case(op, name, draw(st.integers(0, 99)), axes, shape, shapes)
    # Broadcast operands (and f(x) = f(-x)) give equal maxima.
    alone = op == "sum" or (name == "copy" and shapes[0] == shape)
    return Case(case.name, case.prim, case.operands, alone, case.numbers)


def _moments(seed: int, axes: tuple[int, ...], *shape: int, shift: float = 0.0) -> Case:
    text = f"moments-{'x'.join(map(str, shape))}-over-{''.join(map(str, axes))}-{shift:g}"
    return Case(text, ops.Moments(axes), (values(seed, *shape) + shift,))


def _moments_fixed() -> list[Case]:
    plain = [(0, 2, 3), (2, 3), (1,), (1, 2, 3), (0,)]
    cases = [_moments(1, axes, 3, 17, 5, 7) for axes in plain]
    cases += [_moments(2, (0, 2, 3), 1, 1, 1, 1), _moments(2, (0,), 9, 33), _moments(2, (0, 1), 40, 33)]
    # The mean is 1000 deviations away: sums of squares would lose all digits in float32.
    return [*cases, _moments(3, (0, 2, 3), 4, 3, 9, 9, shift=1000.0)]


@st.composite
def _moments_strategy(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.sampled_from((1, 2, 3, 5, 17)), min_size=1, max_size=4))
    axes = tuple(a for a in range(len(shape)) if draw(st.booleans())) or (0,)
    return _moments(draw(st.integers(0, 99)), axes, *shape, shift=draw(st.sampled_from((0.0, 3.0))))


def _logsumexp(seed: int, axis: int, *shape: int, scale: float = 1.0) -> Case:
    text = f"logsumexp-{'x'.join(map(str, shape))}-over-{axis}-{scale:g}"
    return Case(text, ops.LogSumExp(axis), (values(seed, *shape) * scale,))


def _logsumexp_fixed() -> list[Case]:
    cases = [_logsumexp(1, 1, 5, n) for n in (1, 2, 10, 33, 1000)]
    cases += [_logsumexp(2, 1, 2, 21, 3, 5), _logsumexp(2, 3, 2, 3, 4, 9), _logsumexp(2, 0, 7)]
    # exp of these overflows, or is 0.
    cases += [_logsumexp(3, 1, 4, 10, scale=1000.0)]
    broken = values(4, 3, 9)
    broken[0, 2], broken[1, :], broken[2, 3] = np.nan, -np.inf, -np.inf
    return [*cases, Case("logsumexp-special", ops.LogSumExp(1), (broken,), smooth=False)]


@st.composite
def _logsumexp_strategy(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.sampled_from((1, 2, 3, 5, 17)), min_size=1, max_size=4))
    return _logsumexp(draw(st.integers(0, 99)), draw(st.integers(0, len(shape) - 1)), *shape)


def matmul_case(
    seed: int, m: int, k: int, n: int, ta: bool, tb: bool, lead_a: tuple[int, ...] = (), lead_b: tuple[int, ...] = ()
) -> Case:
    """(.., m, k) x (.., k, n), stored transposed where asked."""
    a = values(seed, *lead_a, *((k, m) if ta else (m, k)))
    b = values(seed + 1, *lead_b, *((n, k) if tb else (k, n)))
    text = f"matmul-{m}x{k}x{n}{'-ta' if ta else ''}{'-tb' if tb else ''}-{len(lead_a)}"
    return Case(text, ops.Matmul(ta, tb), (a, b))


def _matmul_fixed() -> list[Case]:
    flags = [(ta, tb) for ta in (False, True) for tb in (False, True)]
    cases = [matmul_case(1, 5, 7, 19, ta, tb) for ta, tb in flags]
    cases += [matmul_case(2, *size, ta, tb) for size in ((1, 1, 1), (64, 33, 10), (1, 130, 17)) for ta, tb in flags]
    cases += [matmul_case(3, 3, 5, 17, ta, tb, (2, 3), (2, 3)) for ta, tb in flags]
    return [
        *cases,
        matmul_case(4, 3, 5, 4, False, True, (3, 1), (1, 2)),
        matmul_case(4, 3, 5, 4, True, False, (3,), (1,)),
    ]


@st.composite
def _matmul_strategy(draw: st.DrawFn) -> Case:
    size = st.sampled_from((1, 2, 3, 7, 16, 33))
    lead = draw(st.lists(st.sampled_from((1, 2, 3)), max_size=2))
    leads = [tuple(n if draw(st.booleans()) else 1 for n in lead) for _ in range(2)]
    flags = draw(st.booleans()), draw(st.booleans())
    return matmul_case(draw(st.integers(0, 99)), draw(size), draw(size), draw(size), *flags, *leads)


@dataclass(frozen=True)
class ConvGeometry:
    """Sizes of a convolution, with the three primitives that share them."""

    n: int = 2
    c: int = 3
    h: int = 7
    w: int = 5
    k: int = 4
    r: int = 3
    s: int = 3
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def out(self) -> tuple[int, int]:
        """Ho, Wo; below 1 if the kernel does not fit."""
        pairs = ((self.h, self.r), (self.w, self.s))
        reach = [self.dilation[a] * (kernel - 1) + 1 for a, (_, kernel) in enumerate(pairs)]
        ho, wo = ((size + 2 * self.pad[a] - reach[a]) // self.stride[a] + 1 for a, (size, _) in enumerate(pairs))
        return ho, wo

    def __str__(self) -> str:
        text = f"{self.n}x{self.c}x{self.h}x{self.w}-k{self.k}-{self.r}x{self.s}"
        for name, value, usual in (("s", self.stride, 1), ("p", self.pad, 0), ("d", self.dilation, 1)):
            text += "" if value == (usual, usual) else f"-{name}{value[0]}{value[1]}"
        return text + ("" if self.groups == 1 else f"-g{self.groups}")

    def case(self, prim: type[Primitive], seed: int = 1) -> Case:
        """One of ``Conv``, ``ConvInputGrad``, ``ConvWeightGrad`` of this geometry."""
        x = values(seed, self.n, self.c, self.h, self.w)
        w = values(seed + 1, self.k, self.c // self.groups, self.r, self.s)
        dy = values(seed + 2, self.n, self.k, *self.out)
        common = (self.stride, self.pad, self.dilation, self.groups)
        if prim is ops.Conv:
            return Case(f"conv-{self}", ops.Conv(*common), (x, w))
        if prim is ops.ConvInputGrad:
            return Case(f"conv_input_grad-{self}", ops.ConvInputGrad(*common, (self.h, self.w)), (dy, w))
        return Case(f"conv_weight_grad-{self}", ops.ConvWeightGrad(*common, (self.r, self.s)), (x, dy))


CONVS = [
    ConvGeometry(),
    ConvGeometry(pad=(1, 1)),
    ConvGeometry(n=1, c=1, h=1, w=1, k=1, r=1, s=1),
    ConvGeometry(n=1, c=1, h=1, w=1, k=1, pad=(1, 1)),
    ConvGeometry(c=16, k=32, h=8, w=8, pad=(1, 1)),
    ConvGeometry(c=17, k=33, h=9, w=15, pad=(1, 1)),
    ConvGeometry(c=1, h=28, w=28, k=20, r=5, s=5),
    ConvGeometry(c=3, h=32, w=32, k=32, r=5, s=5, pad=(2, 2)),
    ConvGeometry(c=64, k=48, h=6, w=6, r=1, s=1),
    ConvGeometry(c=5, k=7, h=9, w=11, r=1, s=1, stride=(2, 2)),
    ConvGeometry(c=3, h=23, w=23, k=16, r=7, s=7, stride=(2, 2), pad=(3, 3)),
    ConvGeometry(h=12, w=13, stride=(2, 3), pad=(2, 1)),
    ConvGeometry(h=12, w=13, stride=(4, 4), pad=(0, 1)),  # rows that no window covers
    ConvGeometry(h=11, w=9, dilation=(2, 2), pad=(2, 2)),
    ConvGeometry(h=11, w=9, r=2, s=4, dilation=(3, 1), stride=(2, 1), pad=(1, 3)),
    ConvGeometry(c=6, k=4, groups=2, pad=(1, 1)),
    ConvGeometry(c=6, k=6, groups=6, pad=(1, 1)),
    ConvGeometry(c=4, k=12, groups=4, h=9, stride=(2, 2), pad=(1, 1)),
    ConvGeometry(c=32, k=64, groups=2, h=5, w=5, r=5, s=5, pad=(2, 2)),
    ConvGeometry(c=6, k=9, groups=3, dilation=(1, 2), pad=(2, 3), h=5, w=6),
    ConvGeometry(pad=(4, 4)),  # windows wholly in the padding
    ConvGeometry(n=3, c=32, h=8, w=8, k=10, r=8, s=8),  # a fully connected layer
]


@st.composite
def conv_geometries(draw: st.DrawFn) -> ConvGeometry:
    """Convolutions of any kind that fit."""
    small = st.integers(1, 4)
    groups = draw(st.sampled_from((1, 1, 2, 3)))
    r, s = draw(small), draw(small)
    pad = (draw(st.integers(0, 3)), draw(st.integers(0, 3)))
    dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    least = [max(1, dilation[a] * (k - 1) + 1 - 2 * pad[a]) for a, k in enumerate((r, s))]
    return ConvGeometry(
        n=draw(st.integers(1, 3)),
        c=groups * draw(st.sampled_from((1, 2, 3, 5, 17))),
        h=draw(st.integers(least[0], least[0] + 6)),
        w=draw(st.integers(least[1], least[1] + 6)),
        k=groups * draw(st.sampled_from((1, 2, 3, 5, 17))),
        r=r,
        s=s,
        stride=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        pad=pad,
        dilation=dilation,
        groups=groups,
    )


def _conv_strategy(prim: type[Primitive]) -> Callable[[], st.SearchStrategy[Case]]:
    return lambda: st.builds(lambda g, seed: g.case(prim, seed), conv_geometries(), st.integers(0, 99))


@dataclass(frozen=True)
class PoolGeometry:
    """Sizes of a pooling, with the two primitives that share them."""

    mode: str
    n: int = 2
    c: int = 5
    h: int = 7
    w: int = 6
    kernel: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = (2, 2)
    pad: tuple[int, int] = (0, 0)
    ceil: bool = True

    @property
    def out(self) -> tuple[int, int]:
        """Ho, Wo as Caffe: rounded up (or down), the last window starts inside the map."""
        sizes = []
        for a, size in enumerate((self.h, self.w)):
            span = size + 2 * self.pad[a] - self.kernel[a]
            count = (-(-span // self.stride[a]) if self.ceil else span // self.stride[a]) + 1
            while count > 1 and (count - 1) * self.stride[a] - self.pad[a] >= size:
                count -= 1
            sizes.append(max(1, count))
        return sizes[0], sizes[1]

    def __str__(self) -> str:
        kernel, stride, pad = ("x".join(map(str, p)) for p in (self.kernel, self.stride, self.pad))
        rounding = "ceil" if self.ceil else "floor"
        return f"{self.mode}-{self.n}x{self.c}x{self.h}x{self.w}-k{kernel}-s{stride}-p{pad}-{rounding}"

    def case(self, prim: type[Primitive], seed: int = 1, ties: bool = False) -> Case:
        """``Pool`` or ``Unpool`` of this geometry; with ties, of max, not smooth."""
        fill = tied if ties else distinct
        x = fill(seed, self.n, self.c, self.h, self.w)
        pool = ops.Pool(self.mode, self.kernel, self.stride, self.pad, self.out)
        smooth = not (ties and self.mode == "max")
        if prim is ops.Pool:
            return Case(f"pool-{self}{'-ties' if ties else ''}", pool, (x,), smooth)
        dy = values(seed + 1, self.n, self.c, *self.out)
        chosen = evaluate(pool, Context(), [x])[1:]
        back = ops.Unpool(self.mode, self.kernel, self.stride, self.pad, (self.h, self.w))
        return Case(f"unpool-{self}{'-ties' if ties else ''}", back, (dy, *chosen), smooth)


def _pools() -> list[PoolGeometry]:
    return [
        g
        for mode in ("max", "ave")
        for g in (
            PoolGeometry(mode),
            PoolGeometry(mode, kernel=(3, 3)),
            PoolGeometry(mode, kernel=(3, 3), ceil=False),
            PoolGeometry(mode, kernel=(3, 3), pad=(1, 1)),
            PoolGeometry(mode, kernel=(3, 3), stride=(1, 1), pad=(1, 1)),
            PoolGeometry(mode, kernel=(3, 2), stride=(3, 1), pad=(2, 1)),
            PoolGeometry(mode, kernel=(2, 2), stride=(3, 3)),  # elements that no window covers
            PoolGeometry(mode, n=1, c=1, h=1, w=1, kernel=(1, 1), stride=(1, 1)),
            PoolGeometry(mode, n=1, c=1, h=1, w=1, kernel=(3, 3), stride=(2, 2), pad=(2, 2)),
            PoolGeometry(mode, c=33, h=8, w=8, kernel=(8, 8), stride=(1, 1)),  # global
            PoolGeometry(mode, c=16, h=17, w=17, kernel=(17, 17), stride=(1, 1)),  # index beyond u8
            PoolGeometry(mode, c=20, h=24, w=24),
        )
    ]


@st.composite
def _pool_geometries(draw: st.DrawFn) -> PoolGeometry:
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    pad = tuple(draw(st.integers(0, k - 1)) for k in kernel)
    least = [max(1, k - 2 * p) for k, p in zip(kernel, pad, strict=True)]
    return PoolGeometry(
        mode=draw(st.sampled_from(("max", "ave"))),
        n=draw(st.integers(1, 2)),
        c=draw(st.sampled_from((1, 2, 3, 17))),
        h=draw(st.integers(least[0], least[0] + 7)),
        w=draw(st.integers(least[1], least[1] + 7)),
        kernel=kernel,
        stride=(draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        pad=(pad[0], pad[1]),
        ceil=draw(st.booleans()),
    )


def _pool_fixed(prim: type[Primitive]) -> Callable[[], list[Case]]:
    def make() -> list[Case]:
        cases = [g.case(prim) for g in _pools()] + [g.case(prim, ties=True) for g in _pools() if g.mode == "max"]
        return [*cases, *(_pool_special() if prim is ops.Pool else [])]

    return make


def _pool_special() -> list[Case]:
    """NaN wins over numbers, the first one; a window of -inf alone answers its first element."""
    x = values(3, 1, 2, 6, 6)
    x[0, 0, 1, 1], x[0, 0, 0, 1], x[0, 1, :3, :3], x[0, 1, 4, 4] = np.nan, np.nan, -np.inf, np.inf
    return [Case("pool-max-special", ops.Pool("max", (3, 3), (2, 2), (1, 1), (4, 4)), (x,), smooth=False)]


def _pool_strategy(prim: type[Primitive]) -> Callable[[], st.SearchStrategy[Case]]:
    return lambda: st.builds(
        lambda g, seed, ties: g.case(prim, seed, ties), _pool_geometries(), st.integers(0, 99), st.booleans()
    )


def _window(seed: int, size: int, *shape: int) -> Case:
    return Case(f"window-{size}-{'x'.join(map(str, shape))}", ops.Window(size), (values(seed, *shape),))


def _window_fixed() -> list[Case]:
    shapes = ((2, 1, 3, 5), (2, 7, 3, 5), (1, 33, 2, 2), (3, 19), (2, 96, 1, 1))
    return [_window(1, size, *shape) for size in (1, 3, 5, 9) for shape in shapes]


@st.composite
def _window_strategy(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.sampled_from((1, 2, 3, 17)), min_size=2, max_size=4))
    return _window(draw(st.integers(0, 99)), draw(st.sampled_from((1, 3, 5, 7))), *shape)


@st.composite
def _concat_strategy(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.sampled_from((1, 2, 3, 5)), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    parts = tuple(values(k, *(n if a == axis else m for a, m in enumerate(shape))) for k, n in enumerate(sizes))
    return Case(f"concat-{axis}", ops.Concat(axis), parts)


@st.composite
def _slice_strategy(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.sampled_from((1, 2, 3, 5)), min_size=1, max_size=4))
    axis = draw(st.integers(0, len(shape) - 1))
    start = draw(st.integers(0, shape[axis] - 1))
    stop = draw(st.integers(start + 1, shape[axis]))
    return Case(f"slice-{axis}-{start}-{stop}", ops.Slice(axis, start, stop), (values(1, *shape),))


@st.composite
def _reshape_strategy(draw: st.DrawFn) -> Case:
    factors = draw(st.lists(st.sampled_from((1, 2, 3, 5)), max_size=4))
    other = draw(st.permutations(factors))
    cut = draw(st.integers(0, len(other)))
    target = (prod(other[:cut]), *other[cut:]) if other else ()
    return Case("reshape", ops.Reshape(target), (values(1, *factors),))


@st.composite
def _transpose_strategy(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.sampled_from((1, 2, 3, 5)), min_size=1, max_size=4))
    return Case("transpose", ops.Transpose(tuple(draw(st.permutations(range(len(shape)))))), (values(1, *shape),))


@st.composite
def _pad_strategy(draw: st.DrawFn) -> Case:
    shape = draw(st.lists(st.sampled_from((1, 2, 3, 5)), min_size=1, max_size=4))
    widths = []
    for n in shape:
        before = draw(st.integers(-(n - 1), 2))
        widths.append((before, draw(st.integers(-(n - 1 + min(before, 0)), 2))))
    return Case("pad", ops.Pad(tuple(widths)), (values(1, *shape),))


def _moved_fixed(prim: type[Primitive]) -> Callable[[], list[Case]]:
    x = values(1, 2, 6, 3, 5)
    table: dict[type[Primitive], list[tuple[Primitive, tuple[Array, ...]]]] = {
        ops.Concat: [(ops.Concat(1), (x, x[:, :1] + 1, x[:, 2:5] - 1)), (ops.Concat(0), (x, x + 1))],
        ops.Slice: [(ops.Slice(1, 2, 5), (x,)), (ops.Slice(0, 1, 2), (x,)), (ops.Slice(3, 0, 5), (x,))],
        ops.Reshape: [
            (ops.Reshape((2, 90)), (x,)),
            (ops.Reshape((12, 15)), (x,)),
            (ops.Reshape(()), (x[:1, 0, 0, 0],)),
        ],
        ops.Transpose: [(ops.Transpose((0, 2, 3, 1)), (x,)), (ops.Transpose((3, 1, 0, 2)), (x,))],
        ops.Pad: [
            (ops.Pad(((0, 0), (0, 0), (1, 2), (2, 0))), (x,)),
            (ops.Pad(((0, 0), (1, 1), (0, 0), (0, 0))), (x,)),
            (ops.Pad(((0, -1), (-2, 1), (0, 0), (-1, -1))), (x,)),
        ],
    }
    return lambda: [Case(f"{p.kind}-{i}", p, operands) for i, (p, operands) in enumerate(table[prim])]


CONV_KINDS: tuple[type[Primitive], ...] = (ops.Conv, ops.ConvInputGrad, ops.ConvWeightGrad)
MOVES: tuple[type[Primitive], ...] = (ops.Concat, ops.Slice, ops.Reshape, ops.Transpose, ops.Pad)

_FIXED: dict[type[Primitive], Callable[[], list[Case]]] = {
    ops.Map: _map_fixed,
    ops.Reduce: _reduce_fixed,
    ops.Moments: _moments_fixed,
    ops.LogSumExp: _logsumexp_fixed,
    ops.Matmul: _matmul_fixed,
    **{prim: (lambda prim=prim: [g.case(prim) for g in CONVS]) for prim in CONV_KINDS},
    ops.Pool: _pool_fixed(ops.Pool),
    ops.Unpool: _pool_fixed(ops.Unpool),
    ops.Window: _window_fixed,
    **{prim: _moved_fixed(prim) for prim in MOVES},
}

_STRATEGIES: dict[type[Primitive], Callable[[], st.SearchStrategy[Case]]] = {
    ops.Map: _map_strategy,
    ops.Reduce: _reduce_strategy,
    ops.Moments: _moments_strategy,
    ops.LogSumExp: _logsumexp_strategy,
    ops.Matmul: _matmul_strategy,
    **{prim: _conv_strategy(prim) for prim in CONV_KINDS},
    ops.Pool: _pool_strategy(ops.Pool),
    ops.Unpool: _pool_strategy(ops.Unpool),
    ops.Window: _window_strategy,
    ops.Concat: _concat_strategy,
    ops.Slice: _slice_strategy,
    ops.Reshape: _reshape_strategy,
    ops.Transpose: _transpose_strategy,
    ops.Pad: _pad_strategy,
}

import displacement_cases  # noqa: E402 (it needs what is above)
import index_cases  # noqa: E402
import region_cases  # noqa: E402

_FIXED |= displacement_cases.FIXED
_STRATEGIES |= displacement_cases.STRATEGIES
_FIXED |= index_cases.FIXED
_STRATEGIES |= index_cases.STRATEGIES
_FIXED |= region_cases.FIXED
_STRATEGIES |= region_cases.STRATEGIES

PRIMITIVES: tuple[type[Primitive], ...] = tuple(_FIXED)
"""Every class that has cases."""


def fixed(*prims: type[Primitive]) -> list[Case]:
    """The named corner cases of these primitives (of all if none is given)."""
    return [case for prim in prims or PRIMITIVES for case in _FIXED[prim]()]


def strategy(*prims: type[Primitive]) -> st.SearchStrategy[Case]:
    """Generated cases of these primitives (of all if none is given)."""
    return st.one_of(*(_STRATEGIES[prim]() for prim in prims or PRIMITIVES))
