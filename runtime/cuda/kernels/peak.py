"""Multiply-adds and nothing else: what a GPU reaches."""

from runtime.cuda.simt import block, thread, threads
from runtime.vector.simd import fma, vectors
from runtime.vector.words import unpack

DTYPE = "f32"
LANES = 4

V = vectors(DTYPE, LANES)
store, splat = V.store, V.splat


def kernel(args):
    """Words: where each thread leaves its sum, rounds of 8 multiply-adds."""
    to, rounds = unpack(args, 2)
    number = block() * threads() + thread()
    x, y = splat(1.0 + 1e-9 * number), splat(1e-9)
    a, b, c, d = splat(0.0), splat(0.1), splat(0.2), splat(0.3)
    e, f, g, h = splat(0.4), splat(0.5), splat(0.6), splat(0.7)
    n = 0
    while n < rounds:
        a, b, c, d = fma(a, x, y), fma(b, x, y), fma(c, x, y), fma(d, x, y)
        e, f, g, h = fma(e, x, y), fma(f, x, y), fma(g, x, y), fma(h, x, y)
        n += 1
    store(to, number * LANES, a + b + c + d + e + f + g + h)
