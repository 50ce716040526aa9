"""Vector values under construction: Python operators that append LLVM instructions.

``Lanes`` is what the intrinsics of ``simd`` and the functions of ``vmath`` are
written in; ``b`` is an llvmlite IRBuilder throughout. Kinds: ``f32 f64 i32 i64
u32 u64 u8`` and ``b1`` (a mask).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

I1, I8, I32, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)
ELEMENT = {
    "f32": ir.FloatType(),
    "f64": ir.DoubleType(),
    "i32": I32,
    "u32": I32,
    "i64": I64,
    "u64": I64,
    "u8": I8,
    "b1": I1,
}
BITS = {"f32": 32, "f64": 64, "i32": 32, "u32": 32, "i64": 64, "u64": 64, "u8": 8, "b1": 1}
FLAGS = ("contract", "reassoc", "nsz", "afn")
"""Never nnan, ninf or fast, which delete tests for NaN; no arcp: a division is a division."""


def on_gpu(b: Any) -> bool:
    """Whether the code is for NVVM, which speaks an older LLVM and contracts where it can."""
    return str(b.module.triple).startswith("nvptx")


def vector_type(kind: str, lanes: int) -> Any:
    """LLVM's type of a vector of ``lanes`` elements."""
    return ir.VectorType(ELEMENT[kind], lanes)


class Lanes:
    """A vector with operators. ``flags`` go on float operations; () keeps them exactly as written."""

    __slots__ = ("b", "flags", "kind", "value")

    def __init__(self, b: Any, kind: str, value: Any, flags: tuple[str, ...] = FLAGS) -> None:
        self.b, self.kind, self.value, self.flags = b, kind, value, flags

    @property
    def count(self) -> int:
        """Number of lanes."""
        return int(self.value.type.count)

    @property
    def is_float(self) -> bool:
        """True for f32 and f64."""
        return self.kind in ("f32", "f64")

    @property
    def signed(self) -> bool:
        """True for signed integers."""
        return self.kind in ("i32", "i64")

    def exact(self) -> Lanes:
        """The same value; what is computed from it is not reassociated."""
        return Lanes(self.b, self.kind, self.value, ())

    def relaxed(self) -> Lanes:
        """The same value with the usual flags."""
        return Lanes(self.b, self.kind, self.value, FLAGS)

    def like(self, number: float) -> Lanes:
        """The constant ``number`` in every lane."""
        return Lanes(self.b, self.kind, constant(self.kind, self.count, number), self.flags)

    def lift(self, other: Any) -> Lanes:
        """``other`` as Lanes of this kind (numbers become constants)."""
        return other if isinstance(other, Lanes) else self.like(other)

    def _new(self, value: Any) -> Lanes:
        return Lanes(self.b, self.kind, value, self.flags)

    def _arithmetic(self, other: Any, real: str, whole: str) -> Lanes:
        other = self.lift(other)
        if self.is_float and not self.flags and on_gpu(self.b):
            return self._new(_rounded(real, self, other))
        if self.is_float:
            return self._new(getattr(self.b, real)(self.value, other.value, flags=self.flags))
        return self._new(getattr(self.b, whole)(self.value, other.value))

    def __add__(self, other: Any) -> Lanes:
        return self._arithmetic(other, "fadd", "add")

    def __sub__(self, other: Any) -> Lanes:
        return self._arithmetic(other, "fsub", "sub")

    def __mul__(self, other: Any) -> Lanes:
        return self._arithmetic(other, "fmul", "mul")

    def __radd__(self, other: Any) -> Lanes:
        return self.lift(other) + self

    def __rsub__(self, other: Any) -> Lanes:
        return self.lift(other) - self

    def __rmul__(self, other: Any) -> Lanes:
        return self.lift(other) * self

    def __truediv__(self, other: Any) -> Lanes:
        return self._new(self.b.fdiv(self.value, self.lift(other).value))

    def __rtruediv__(self, other: Any) -> Lanes:
        return self.lift(other) / self

    def __neg__(self) -> Lanes:
        # -0 - x and not fneg, which NVVM's LLVM does not know; any other makes that of it
        return self._new(self.b.fsub(self.like(-0.0).value, self.value) if self.is_float else self.b.neg(self.value))

    def __and__(self, other: Any) -> Lanes:
        return self._new(self.b.and_(self.value, self.lift(other).value))

    def __or__(self, other: Any) -> Lanes:
        return self._new(self.b.or_(self.value, self.lift(other).value))

    def __xor__(self, other: Any) -> Lanes:
        return self._new(self.b.xor(self.value, self.lift(other).value))

    def __invert__(self) -> Lanes:
        return self._new(self.b.not_(self.value))

    def __lshift__(self, other: Any) -> Lanes:
        return self._new(self.b.shl(self.value, self.lift(other).value))

    def __rshift__(self, other: Any) -> Lanes:
        shift = self.b.ashr if self.signed else self.b.lshr
        return self._new(shift(self.value, self.lift(other).value))

    def _compare(self, op: str, other: Any) -> Lanes:
        other = self.lift(other).value
        if self.is_float:
            compare = self.b.fcmp_unordered if op == "!=" else self.b.fcmp_ordered
        else:
            compare = self.b.icmp_signed if self.signed else self.b.icmp_unsigned
        return Lanes(self.b, "b1", compare(op, self.value, other))

    def __lt__(self, other: Any) -> Lanes:
        return self._compare("<", other)

    def __le__(self, other: Any) -> Lanes:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> Lanes:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> Lanes:
        return self._compare(">=", other)

    def equals(self, other: Any) -> Lanes:
        """Mask of equal lanes (a method: ``==`` keeps Python's meaning)."""
        return self._compare("==", other)

    def differs(self, other: Any) -> Lanes:
        """Mask of unequal lanes, NaN included."""
        return self._compare("!=", other)

    def bits(self, kind: str) -> Lanes:
        """The same bits as another kind of the same width."""
        return Lanes(self.b, kind, self.b.bitcast(self.value, vector_type(kind, self.count)), self.flags)


def _rounded(operation: str, x: Lanes, y: Lanes) -> Any:
    """Fadd, fsub or fmul that NVVM does not contract, lane by lane."""
    b, result = x.b, x.value
    name = f"llvm.nvvm.{'mul' if operation == 'fmul' else 'add'}.rn.{'f' if x.kind == 'f32' else 'd'}"
    y = -y if operation == "fsub" else y
    for k in range(x.count):
        lane = ir.Constant(I32, k)
        parts = [b.extract_element(v.value, lane) for v in (x, y)]
        result = b.insert_element(result, call(b, name, ELEMENT[x.kind], *parts), lane)
    return result


def constant(kind: str, lanes: int, number: float) -> Any:
    """A constant vector."""
    value = float(number) if kind in ("f32", "f64") else int(number)
    return ir.Constant(vector_type(kind, lanes), [value] * lanes)


def splat(b: Any, kind: str, lanes: int, scalar: Any) -> Lanes:
    """The scalar in every lane."""
    undefined = ir.Constant(vector_type(kind, lanes), ir.Undefined)
    first = b.insert_element(undefined, scalar, ir.Constant(I32, 0))
    zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
    return Lanes(b, kind, b.shuffle_vector(first, undefined, zeros))


def numbered(b: Any, kind: str, lanes: int) -> Lanes:
    """0, 1, 2, .. in the lanes."""
    return Lanes(b, kind, ir.Constant(vector_type(kind, lanes), list(range(lanes))))


def lanes_below(b: Any, lanes: int, n: Any) -> Lanes:
    """Mask of the first ``n`` lanes (n an i64 value)."""
    # compared as i32: half the registers of an i64 vector, and n never exceeds the lanes by 2^31
    n32 = b.trunc(n, I32)
    return numbered(b, "i32", lanes) < splat(b, "i32", lanes, n32)


def call(b: Any, name: str, result: Any, *values: Any) -> Any:
    """A call of an LLVM intrinsic."""
    f = cgutils.get_or_insert_function(b.module, ir.FunctionType(result, [v.type for v in values]), name)
    return b.call(f, list(values))


def _named(function: str, x: Lanes, *more: Lanes) -> Lanes:
    name = f"llvm.{function}.v{x.count}{x.kind}"
    return Lanes(x.b, x.kind, call(x.b, name, x.value.type, x.value, *(m.value for m in more)), x.flags)


def fma(x: Lanes, y: Any, z: Any) -> Lanes:
    """The product plus z, rounded once."""
    return _named("fma", x, x.lift(y), x.lift(z))


def multiply_add(x: Lanes, y: Any, z: Any) -> Lanes:
    """The product plus z, rounded once where vectors have an instruction for it."""
    # without one llvm.fma is a call of the C library a lane
    return fma(x, y, z) if x.count * BITS[x.kind] >= 256 or on_gpu(x.b) else x * y + z


def sqrt(x: Lanes) -> Lanes:
    """Square root, correctly rounded."""
    return _named("sqrt", x)


def absolute(x: Lanes) -> Lanes:
    """|x|."""
    if not x.is_float:
        return select(x < 0, -x, x)
    if on_gpu(x.b):  # NVVM does not know fabs
        kind, sign_bit = ("u32", 1 << 31) if x.kind == "f32" else ("u64", 1 << 63)
        return (x.bits(kind) & (sign_bit - 1)).bits(x.kind)
    return _named("fabs", x)


def floor(x: Lanes) -> Lanes:
    """The largest whole number not above x."""
    return _named("floor", x) if x.is_float else x


def round_nearest(x: Lanes) -> Lanes:
    """The nearest whole number, ties to even."""
    return _named("rint", x)


def select(mask: Lanes, x: Lanes, y: Any) -> Lanes:
    """X where the mask is set, else y."""
    return Lanes(x.b, x.kind, x.b.select(mask.value, x.value, x.lift(y).value), x.flags)


def maximum(x: Lanes, y: Any) -> Lanes:
    """The larger; NaN where either is NaN."""
    y = x.lift(y)
    larger = select(x > y, x, y)
    return select(x.differs(x), x, larger) if x.is_float else larger


def minimum(x: Lanes, y: Any) -> Lanes:
    """The smaller; NaN where either is NaN."""
    y = x.lift(y)
    smaller = select(x < y, x, y)
    return select(x.differs(x), x, smaller) if x.is_float else smaller


def sign(x: Lanes) -> Lanes:
    """-1, 0 or 1; NaN stays."""
    negative = select(x < 0, x.like(-1), x)
    return select(x > 0, x.like(1), negative)


def isfinite(x: Lanes) -> Lanes:
    """Mask of lanes that are neither infinite nor NaN."""
    return absolute(x) < float("inf")


def convert(x: Lanes, kind: str) -> Lanes:
    """Another kind by value: floats to whole numbers are cut towards 0, b1 is 0 or 1, to b1 is ``!= 0``."""
    if x.kind == kind:
        return x
    b, target = x.b, vector_type(kind, x.count)
    if kind == "b1":
        return x.differs(0)
    to_float, flags = kind in ("f32", "f64"), x.flags if x.is_float else FLAGS
    if x.is_float:
        return Lanes(b, kind, _from_float(x, kind, target), flags)
    if to_float:
        value = (b.sitofp if x.signed else b.uitofp)(x.value, target)
        return Lanes(b, kind, value, flags)
    if BITS[kind] == BITS[x.kind]:
        return Lanes(b, kind, x.value)
    if BITS[kind] < BITS[x.kind]:
        return Lanes(b, kind, b.trunc(x.value, target))
    return Lanes(b, kind, (b.sext if x.signed else b.zext)(x.value, target))


def _from_float(x: Lanes, kind: str, target: Any) -> Any:
    if kind in ("f32", "f64"):
        return (x.b.fpext if kind == "f64" else x.b.fptrunc)(x.value, target)
    wide = kind if BITS[kind] >= 32 else "i32"
    value = to_whole(x.b, x.value, vector_type(wide, x.count), x.kind, wide[0] == "i")
    return value if wide == kind else x.b.trunc(value, target)


def to_whole(b: Any, value: Any, target: Any, kind: str, signed: bool = True) -> Any:
    """A floating value (scalar or vector of ``kind``) cut towards 0, as the LLVM integer type ``target``; NaN is 0."""
    if on_gpu(b):  # its conversion saturates, but what it makes of NaN depends on the widths
        found = (b.fptosi if signed else b.fptoui)(value, target)
        return b.select(b.fcmp_ordered("==", value, value), found, ir.Constant(target, None))
    # saturating: a plain fptosi of NaN or of a number out of range is undefined
    shape, whole = (f"v{target.count}", target.element) if isinstance(target, ir.VectorType) else ("", target)
    name = f"llvm.fpto{'s' if signed else 'u'}i.sat.{shape}i{whole.width}.{shape}{kind}"
    return call(b, name, target, value)


def fold(x: Lanes, combine: Any) -> Any:
    """The lanes combined pairwise in a fixed tree; answers a scalar value of x's kind."""
    half = x.count
    while half > 1:
        half //= 2
        order = ir.Constant(ir.VectorType(I32, half), list(range(half, 2 * half)))
        low = ir.Constant(ir.VectorType(I32, half), list(range(half)))
        upper = Lanes(x.b, x.kind, x.b.shuffle_vector(x.value, x.value, order), x.flags)
        x = combine(Lanes(x.b, x.kind, x.b.shuffle_vector(x.value, x.value, low), x.flags), upper)
    return x.b.extract_element(x.value, ir.Constant(I32, 0))
