"""Sets the status word if an element is not finite."""

from runtime.vector.simd import any_lane, isfinite, least, put_word, vectors, word

DTYPE = "f32"
LANES = 16

V = vectors(DTYPE, LANES)
gather = V.gather


def kernel(args, first, last, thread):
    """Words: x, stride in bytes, elements, status word, what to write there."""
    x, stride, count = word(args, 0), word(args, 1), word(args, 2)
    i = 0
    while i < count:
        # lanes beyond the last are zeros, hence finite
        if any_lane(~isfinite(gather(x + i * stride, stride, least(count - i, LANES)))):
            put_word(word(args, 3), 0, word(args, 4))
        i += LANES
