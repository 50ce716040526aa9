"""Nothing but loads and stores: what the memory can deliver."""

from runtime.vector.simd import vectors, word

LANES = 16

V = vectors("f32", LANES)
load, store = V.load, V.store


def kernel(args, first, last, thread):
    """Words: source, destination, elements a chunk (a multiple of four vectors)."""
    source, to, count = word(args, 0), word(args, 1), word(args, 2)
    for chunk in range(first, last):
        x, y = source + 4 * count * chunk, to + 4 * count * chunk
        i = 0
        while i < count:
            a, b, c, d = load(x, i), load(x, i + LANES), load(x, i + 2 * LANES), load(x, i + 3 * LANES)
            store(y, i, a)
            store(y, i + LANES, b)
            store(y, i + 2 * LANES, c)
            store(y, i + 3 * LANES, d)
            i += 4 * LANES
