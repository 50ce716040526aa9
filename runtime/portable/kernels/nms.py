"""Boxes that no better one covers: taken from a heap by falling score, each against all kept so far.

Chunk: an image. Strides in bytes. A thread's scratch holds the heap, a word a
box, and behind it the corners and areas of the kept boxes, ``room`` numbers
each. Everything is computed in float64 and nothing is contracted, so that the
same boxes are kept whatever computes them. Threshold and extent are floats
behind the words.
"""

from runtime.vector.access import scalar_loader, scalar_storer
from runtime.vector.simd import add, any_lane, device, maximum, minimum, mul, put_word, real, sub, vectors, word
from runtime.vector.words import unpack

SCALAR = "f32"
LANES = 8

V = vectors("f64", LANES)
load, splat, below, write = V.load, V.splat, V.below, V.write
read, write_index = scalar_loader(SCALAR, "f64"), scalar_storer("i32")
INFINITY = float("inf")


@device
def usable(box, step, score):
    """Whether a box takes part."""
    found = score > -INFINITY
    for k in range(4):
        v = read(box + k * step, 0)
        if not (v > -INFINITY and v < INFINITY):
            found = False
    return found


@device
def sift(heap, at, count, scores, step):
    """Moves the entry at a place down until none below it goes before it."""
    moved = word(heap, at)
    mine = read(scores + moved * step, 0)
    child = 2 * at + 1
    while child < count:
        best = word(heap, child)
        score = read(scores + best * step, 0)
        if child + 1 < count:
            other = word(heap, child + 1)
            also = read(scores + other * step, 0)
            if also > score or (also == score and other < best):
                child += 1
                best = other
                score = also
        if mine > score or (mine == score and moved < best):
            break
        put_word(heap, at, best)
        at = child
        child = 2 * at + 1
    put_word(heap, at, moved)


@device
def side(low, high, extent):
    """Length of a side, at least 0."""
    length = high - low + extent
    if length < 0.0:
        length = 0.0
    return length


def kernel(args, first, last, thread):
    """Chunks ``first`` to ``last``: see the module."""
    (
        boxes, boxes_image, boxes_row, boxes_step, scores, scores_image, scores_step,
        index, index_image, index_step, count, count_image, total, capacity, candidates, scratch, scratch_stride,
    ) = unpack(args, 17)  # fmt: skip
    threshold = real(args, 17)
    extent = real(args, 18)
    room = (capacity + LANES) * 8
    heap = scratch + thread * scratch_stride
    xs = heap + total * 8
    ys = xs + room
    ends_x = ys + room
    ends_y = ends_x + room
    areas = ends_y + room
    zero = splat(0.0)
    for n in range(first, last):
        marks = scores + n * scores_image
        some = boxes + n * boxes_image
        size = 0
        for k in range(total):
            if usable(some + k * boxes_row, boxes_step, read(marks + k * scores_step, 0)):
                put_word(heap, size, k)
                size += 1
        for k in range(size // 2 - 1, -1, -1):
            sift(heap, k, size, marks, scores_step)
        kept = 0
        taken = 0
        while size > 0 and kept < capacity and taken < candidates:
            best = word(heap, 0)
            size -= 1
            taken += 1
            if size > 0:
                put_word(heap, 0, word(heap, size))
                sift(heap, 0, size, marks, scores_step)
            box = some + best * boxes_row
            x1 = read(box, 0)
            y1 = read(box + boxes_step, 0)
            x2 = read(box + 2 * boxes_step, 0)
            y2 = read(box + 3 * boxes_step, 0)
            area = side(x1, x2, extent) * side(y1, y2, extent)
            left, top, right, bottom, own = splat(x1), splat(y1), splat(x2), splat(y2), splat(area)
            covered = False
            j = 0
            while j < kept and not covered:
                across = sub(minimum(right, load(ends_x, j)), maximum(left, load(xs, j)))
                down = sub(minimum(bottom, load(ends_y, j)), maximum(top, load(ys, j)))
                across = maximum(add(across, splat(extent)), zero)
                down = maximum(add(down, splat(extent)), zero)
                both = mul(across, down)
                union = sub(add(own, load(areas, j)), both)
                covered = any_lane((both > mul(splat(threshold), union)) & below(kept - j))
                j += LANES
            if not covered:
                write(xs, kept, x1)
                write(ys, kept, y1)
                write(ends_x, kept, x2)
                write(ends_y, kept, y2)
                write(areas, kept, area)
                write_index(index + n * index_image + kept * index_step, 0, best)
                kept += 1
        write_index(count + n * count_image, 0, kept)
        for k in range(kept, capacity):
            write_index(index + n * index_image + k * index_step, 0, -1)
