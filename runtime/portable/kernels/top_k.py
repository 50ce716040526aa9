"""The largest elements of each row and their places: a heap of the best so far, the worst of them at its root.

NaN is larger than every number, of equal ones the first is: an order without
ties, so the answer does not depend on how it is found. Chunk: a range of rows.
Strides in bytes; an address of 0 is a result that nobody wants.
"""

from runtime.vector.simd import device, least, put_word, scalar_storer, vectors, word
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 16

V = vectors(SCALAR, LANES)
read, write = V.read, V.write
put_place = scalar_storer("i32")


@device
def is_behind(x, i, y, j):
    """Whether element i, of value x, is smaller than element j, of value y."""
    if x == y:
        return i > j
    if x != x:
        return y != y and i > j
    return x < y or y != y


@device
def sift(values, places, size, hole, x, i):
    """Puts element i of value x in the heap at or below ``hole``, whose element is gone."""
    while 2 * hole + 1 < size:
        child = 2 * hole + 1
        if child + 1 < size and is_behind(
            read(values, child + 1), word(places, child + 1), read(values, child), word(places, child)
        ):
            child += 1
        if not is_behind(read(values, child), word(places, child), x, i):
            break
        write(values, hole, read(values, child))
        put_word(places, hole, word(places, child))
        hole = child
    write(values, hole, x)
    put_word(places, hole, i)


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        x, x_row, x_column, y, y_row, y_column, at, at_row, at_column,
        columns, count, rows, rows_a_chunk, scratch, scratch_stride, place_bytes,
    ) = unpack(args, 16)  # fmt: skip
    values = scratch + thread * scratch_stride
    places = values + place_bytes
    for row in range(first * rows_a_chunk, least(rows, last * rows_a_chunk)):
        source = x + row * x_row
        for i in range(count):
            write(values, i, read(source + i * x_column, 0))
            put_word(places, i, i)
        for k in range(count // 2):
            hole = count // 2 - 1 - k
            sift(values, places, count, hole, read(values, hole), word(places, hole))
        worst = read(values, 0)
        for i in range(count, columns):
            v = read(source + i * x_column, 0)
            if v > worst or (v != v and worst == worst):
                sift(values, places, count, 0, v, i)
                worst = read(values, 0)
        for k in range(count):
            end = count - 1 - k
            if y != 0:
                write(y + row * y_row + end * y_column, 0, read(values, 0))
            if at != 0:
                put_place(at + row * at_row + end * at_column, 0, word(places, 0))
            sift(values, places, end, 0, read(values, end), word(places, end))
