"""Tensor cores: instructions of NVIDIA GPUs that LLVM has no words for.

Tensor cores multiply small matrices, a warp at a time: each of the 32 threads
holds a few elements (a fragment) of the factors and of the sum, as four
registers, here a vector. With lane = thread of the warp, g = lane // 4 and
t = lane % 4::

    sum     16 x 8       (g, 2t)  (g, 2t + 1)  (g + 8, 2t)  (g + 8, 2t + 1)
    left    16 x depth   (g, t)   (g + 8, t)   (g, t + 4)   (g + 8, t + 4)
    right   depth x 8    (t, g)   (t + 4, g)   of two such matrices side by side

for tf32, depth 8. For bf16 the depth is 16, and a register holds two elements:
which two is free, as long as left and right agree on the order of the depth.

Kernels import this module; ``runtime.cuda.emulator.tensor`` has the same names
in NumPy. Addresses of shared memory are bytes, as in ``runtime.cuda.simt``.

Source
    NVIDIA, "Parallel Thread Execution ISA", sections
    ``ldmatrix``, ``mma`` and ``cvt``.
"""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from runtime.cuda.simt import shared_pointer
from runtime.vector import lanes as L
from runtime.vector.lanes import I32, I64
from runtime.vector.vectype import INT, vec

QUAD, SUM = vec("u32", 4), vec("f32", 4)
"""A fragment of a factor, one of a sum."""

_F32 = ir.FloatType()


def asm(b: Any, result: Any, text: str, constraints: str, values: list[Any], *, pure: bool = False) -> Any:
    """An instruction; unless ``pure`` it stays where it is, neither doubled nor moved into a branch."""
    shape = ir.FunctionType(result, [v.type for v in values])
    return b.call(ir.InlineAsm(shape, text, constraints, side_effect=not pure), values)


def shared_address(b: Any, address: Any) -> Any:
    """What instructions want for a byte address of the block's shared memory: 32 bits."""
    return b.ptrtoint(shared_pointer(b, address, L.I8), I32)


def _elements(b: Any, vector: Any) -> list[Any]:
    return [b.extract_element(vector, ir.Constant(I32, k)) for k in range(vector.type.count)]


def _vector(b: Any, kind: str, elements: list[Any]) -> Any:
    value = ir.Constant(L.vector_type(kind, len(elements)), ir.Undefined)
    for k, element in enumerate(elements):
        value = b.insert_element(value, element, ir.Constant(I32, k))
    return value


def _outputs(b: Any, kind: str, found: Any) -> Any:
    """The registers that an instruction wrote, as a vector."""
    return _vector(b, kind, [b.extract_value(found, k) for k in range(4)])


# fragments


def _matrices(b: Any, address: Any) -> Any:
    """Four matrices of 8 rows of 16 bytes, element by element spread over the warp (``ldmatrix``).

    Thread 8 m + i gives the shared address of row i of matrix m and gets word
    lane % 4 of row lane // 4 of each matrix: four fragments in one instruction.
    """
    words = ir.LiteralStructType([I32] * 4)
    text = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0,$1,$2,$3}, [$4];"
    return _outputs(b, "u32", asm(b, words, text, "=r,=r,=r,=r,r,~{memory}", [shared_address(b, address)]))


def _collected(b: Any, address: Any, first: int, second: int) -> Any:
    """The words of shared memory at 0, first, second and first + second bytes from an address."""
    places = (b.add(address, ir.Constant(I64, d)) for d in (0, first, second, first + second))
    return _vector(b, "u32", [b.load(shared_pointer(b, p, I32), align=4) for p in places])


def _floats(b: Any, v: Any) -> list[Any]:
    return _elements(b, b.bitcast(v, L.vector_type("f32", 4)))


def _tf32(b: Any, v: Any) -> Any:
    """The float32 of each lane rounded to tf32 (10 bits behind the point, ties away from 0).

    A tensor core drops the other bits by itself, but that rounds towards 0,
    and errors of one sign add up.
    """
    text = "cvt.rna.tf32.f32 $0, $1;"
    return _vector(b, "u32", [asm(b, I32, text, "=r,f", [x], pure=True) for x in _floats(b, v)])


def _bf16(b: Any, v: Any, w: Any) -> Any:
    """The float32 of each lane of v (low half) and w (high half), rounded to bf16, ties to even."""
    text, pairs = "cvt.rn.bf16x2.f32 $0, $1, $2;", zip(_floats(b, w), _floats(b, v), strict=True)
    return _vector(b, "u32", [asm(b, I32, text, "=r,f,f", list(pair), pure=True) for pair in pairs])


def _fragments(math: str, load: Any) -> Any:
    """``fragment(address, n, i)``: that of rows 16 i to 16 i + 15 for instruction n of a step along k (both literals).

    ``load(b, address, n, i)``: four words, places 8 n to 8 n + 7 along k.
    """

    @intrinsic
    def fragment(tc, address, n, i):
        if not (isinstance(n, types.IntegerLiteral) and isinstance(i, types.IntegerLiteral)):
            return None
        step, rows = n.literal_value, i.literal_value

        def emit(c, b, s, a):
            if math == "tf32":
                return _tf32(b, load(b, a[0], step, rows))
            # which two of 16 places share a register does not matter where left and right agree
            return _bf16(b, *(load(b, a[0], 2 * step + half, rows) for half in (0, 1)))

        return QUAD(INT, n, i), emit

    return fragment


@functools.cache
def fragments_along_k(math: str) -> Any:
    """``fragment(address, n, i)`` of an operand whose lines of shared memory are 32 places along k, chunks swizzled.

    Chunks 2 n and 2 n + 1 of a line lie where 0 and 1 do but for the bits of 2 n: a swizzle is an XOR.
    """

    def load(b, address, n, i):
        chunk = b.xor(address, ir.Constant(I64, 2 * n * 16))
        return _matrices(b, b.add(chunk, ir.Constant(I64, i * 16 * 128)))

    return _fragments(math, load)


@functools.cache
def fragments_along_rows(math: str, pitch: int, left: bool) -> Any:
    """``fragment(address, n, i)`` of an operand whose lines of shared memory are places along k, ``pitch`` bytes apart.

    Word by word: ``ldmatrix`` can turn matrices of 16-bit elements alone. What
    lies 8 rows further comes second in fragments of the ``left`` factor, third in the right's.
    """
    places = (8 * 4, 4 * pitch) if left else (4 * pitch, 8 * 4)

    def load(b, address, n, i):
        return _collected(b, b.add(address, ir.Constant(I64, 8 * n * pitch + 16 * i * 4)), *places)

    return _fragments(math, load)


# products


def _product(instruction: str, doc: str) -> Any:
    """``multiply(left, right0, .., sum0, sum1, ..)``: the sums, each with left times its matrix of ``right`` added.

    A row of the warp's sums in one function: as many lines as there are
    instructions would take the compiler seconds. A ``right`` holds two matrices.
    """
    outs, ins = "{$0,$1,$2,$3}", "{$4,$5,$6,$7}, {$8,$9}, {$10,$11,$12,$13}"
    constraints = ",".join(["=f"] * 4 + ["r"] * 6 + ["f"] * 4)
    answer = ir.LiteralStructType([_F32] * 4)

    def function(tc, left, *others):
        count = len(others) // 3
        found = types.UniTuple(SUM, 2 * count)

        def emit(c, b, s, a):
            rest = cgutils.unpack_tuple(b, a[1])  # numba hands on what follows left as one tuple
            first, right, sums = _elements(b, a[0]), rest[:count], rest[count:]
            for j in range(2 * count):
                half = _elements(b, right[j // 2])[2 * (j % 2) :][:2]
                values = first + half + _elements(b, sums[j])
                sums[j] = _outputs(b, "f32", asm(b, answer, f"{instruction} {outs}, {ins};", constraints, values))
            return c.make_tuple(b, found, sums)

        return found(left, types.StarArgTuple(others)), emit

    function.__doc__ = doc
    return intrinsic(function)


multiply_tf32 = _product(
    "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32",
    "Sums + left * rights, each 16 x 8 x 8 of tf32 summed in float32; the whole warp together.",
)
multiply_bf16 = _product(
    "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32",
    "Sums + left * rights, each 16 x 8 x 16 of bf16 summed in float32; the whole warp together.",
)


@functools.cache
def blank(count: int) -> Any:
    """``zeros()``: so many sums of 0."""

    @intrinsic
    def zeros(tc):
        found = types.UniTuple(SUM, count)
        zero = L.constant("f32", 4, 0)
        return found(), lambda c, b, s, a: c.make_tuple(b, found, [zero] * count)

    return zeros


@functools.cache
def keeper(wide: int, pitch: int) -> Any:
    """``keep(address, sum0, sum1, ..)``: a thread's sums to shared memory, ``wide`` of them side by side.

    ``address``: of (g, 2 t); rows are ``pitch`` elements apart.
    """

    @intrinsic
    def keep(tc, address, *sums):
        def emit(c, b, s, a):
            for n, v in enumerate(cgutils.unpack_tuple(b, a[1])):
                x = _elements(b, v)
                for half in (0, 1):
                    row, column = 16 * (n // wide) + 8 * half, 8 * (n % wide)
                    place = b.add(a[0], ir.Constant(I64, (row * pitch + column) * 4))
                    two = _vector(b, "f32", x[2 * half : 2 * half + 2])
                    b.store(two, shared_pointer(b, place, two.type), align=8)
            return c.get_dummy_value()

        return types.void(INT, types.StarArgTuple(sums)), emit

    return keep
