"""Sets the status word if an element is not finite: whichever thread finds one writes the same."""

from runtime.cuda.simt import thread, threads
from runtime.vector.simd import aligned_loader, any_lane, isfinite, put_word
from runtime.vector.words import unpack

DTYPE = "f32"

load = aligned_loader(DTYPE, DTYPE, 1)


def kernel(args):
    """One block looks at all of them."""
    x, stride, count, status, what = unpack(args, 5)
    i = thread()
    while i < count:
        if any_lane(~isfinite(load(x + i * stride, 0))):
            put_word(status, 0, what)
        i += threads()
