"""A strided copy of up to five axes, chunk = an index along the first; strides in bytes.

A source address of 0 means zeros. Where the last axis is contiguous on both
sides, it goes vector by vector.
"""

from runtime.vector.simd import vectors
from runtime.vector.vectype import ITEM_BYTES
from runtime.vector.words import copy_element, unpack, zero_element

SCALAR = "f32"
LANES = 16

ITEM = ITEM_BYTES[SCALAR]
V = vectors(SCALAR, LANES)
load_tail, splat, store_tail = V.load_tail, V.splat, V.store_tail


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        source, to, n1, n2, n3, n4,
        s0, s1, s2, s3, s4, t0, t1, t2, t3, t4,
    ) = unpack(args, 16)  # fmt: skip
    for i0 in range(first, last):
        for i1 in range(n1):
            for i2 in range(n2):
                for i3 in range(n3):
                    p = source + i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3
                    q = to + i0 * t0 + i1 * t1 + i2 * t2 + i3 * t3
                    if source == 0:
                        if t4 == ITEM:
                            for i in range(0, n4, LANES):
                                store_tail(q, i, splat(0.0), n4 - i)
                        else:
                            for _ in range(n4):
                                zero_element(q, ITEM)
                                q += t4
                    elif t4 == ITEM and s4 == ITEM:
                        for i in range(0, n4, LANES):
                            store_tail(q, i, load_tail(p, i, n4 - i), n4 - i)
                    else:
                        for _ in range(n4):
                            copy_element(q, p, ITEM)
                            p += s4
                            q += t4
