"""A strided copy of up to five axes, chunk = an index along the first; strides in bytes.

A source address of 0 means zeros.
"""

from runtime.cpu.words import copy_element, unpack, zero_element

ITEM = 4


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
                        for _ in range(n4):
                            zero_element(q, ITEM)
                            q += t4
                    else:
                        for _ in range(n4):
                            copy_element(q, p, ITEM)
                            p += s4
                            q += t4
