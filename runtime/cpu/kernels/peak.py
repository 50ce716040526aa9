"""Nothing but multiply-adds in registers: what the arithmetic units can reach."""

from runtime.vector.simd import fma, vectors, word

DTYPE = "f32"
LANES = 16

V = vectors(DTYPE, LANES)
splat, store = V.splat, V.store


def kernel(args, first, last, thread):
    """Words: sink (512 bytes a chunk), rounds of 12 multiply-adds."""
    sink, rounds = word(args, 0), word(args, 1)
    x, y = splat(1.0 + first * 1e-9), splat(1e-9)
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = aa = ab = y
    i = 0
    while i < rounds:
        a0, a1, a2, a3 = fma(a0, x, y), fma(a1, x, y), fma(a2, x, y), fma(a3, x, y)
        a4, a5, a6, a7 = fma(a4, x, y), fma(a5, x, y), fma(a6, x, y), fma(a7, x, y)
        a8, a9, aa, ab = fma(a8, x, y), fma(a9, x, y), fma(aa, x, y), fma(ab, x, y)
        i += 1
    total = a0 + a1 * x + a2 * y + a3 * (x + y) + a4 + a5 * x + a6 * y + a7 + a8 + a9 * x + aa * y + ab
    store(sink + 512 * first, 0, total)
