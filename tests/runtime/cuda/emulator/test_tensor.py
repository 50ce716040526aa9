"""The emulated instructions against NVIDIA's tables of which thread holds what, written out element by element."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.cuda.emulator import Fault, Machine
from runtime.cuda.emulator.memory import GlobalMemory
from runtime.cuda.emulator.tensor import pack_bf16, round_tf32
from runtime.cuda.emulator.values import Vector
from runtime.vector.kernel import Kernel

COPY = """
from runtime.cuda.ptx_copies import commit, line_copier, waiter
from runtime.cuda.simt import barrier, shared_vectors, thread
from runtime.vector.simd import unpack, vectors
copy, wait, read, write = line_copier(1), waiter({behind}), shared_vectors("f32", 1).read, vectors("f32", 1).write
def kernel(args):
    x, y, size = unpack(args, 3)
    copy(thread() * 16, x + thread() * 16, 0, 1, size)
    commit()
    {wait}
    i = 0
    while i < 4:
        write(y, thread() * 4 + i, read(thread() * 16, i))
        i += 1
"""


def copied(size, behind=0, wait="wait()"):
    """What 32 threads find behind asynchronous copies of ``size`` bytes of each 16."""
    x, y = np.arange(1, 129, dtype=np.float32), np.zeros(128, np.float32)
    memory = GlobalMemory()
    room = np.zeros(4096, np.uint8)
    start = -room.ctypes.data % 64
    room[start : start + 512] = x.view(np.uint8)
    memory.add(room.ctypes.data, room)
    memory.add(y.ctypes.data, y.view(np.uint8))
    kernel = Kernel("copy", COPY.format(behind=behind, wait=wait))
    Machine(memory).launch(kernel, [room.ctypes.data + start, y.ctypes.data, size], (1, 1, 1), 32, 512)
    return y.reshape(32, 4)


@pytest.mark.parametrize("size", [0, 4, 8, 12, 16])
def test_a_copy_brings_its_bytes_and_zeros_behind_them(size):
    want = np.arange(1, 129, dtype=np.float32).reshape(32, 4)
    want[:, size // 4 :] = 0
    np.testing.assert_array_equal(want, copied(size))


def test_a_copy_is_not_there_before_the_wait():
    with pytest.raises(Fault, match="nobody wrote"):
        copied(16, wait="pass")


def test_a_wait_for_all_but_the_last_group_leaves_it_out():
    with pytest.raises(Fault, match="nobody wrote"):
        copied(16, behind=1)


def test_a_copy_of_three_bytes_is_a_fault():
    with pytest.raises(Fault, match="copies 3 bytes"):
        copied(3)


PRODUCT = """
from runtime.cuda.ptx import multiply_{math}
from runtime.cuda.simt import thread
from runtime.vector.simd import loader, unpack, vectors
left, right, held, put = loader("u32", "u32", 4), loader("u32", "u32", 4), loader("f32", "f32", 4), vectors("f32", 4)
store = put.store
def kernel(args):
    a, b, c, y = unpack(args, 4)
    t = thread()
    x0, x1 = multiply_{math}(left(a, t * 4), right(b, t * 4), held(c, t * 8), held(c, t * 8 + 4))
    store(y, t * 8, x0)
    store(y, t * 8 + 4, x1)
"""


def bits(x, math):
    """A register: one tf32, or two bf16 with the first in the low half."""
    words = np.asarray(x, np.float32).view(np.uint32)
    return words if math == "tf32" else words[..., 0] >> 16 | words[..., 1]


@pytest.mark.parametrize(("math", "depth"), [("tf32", 8), ("bf16", 16)])
def test_a_product_takes_and_gives_each_element_where_the_isa_says(math, depth):
    rng = np.random.default_rng(0)
    # whole numbers: exact in either precision
    a = rng.integers(-8, 9, (16, depth)).astype(np.float32)
    b = rng.integers(-8, 9, (2, depth, 8)).astype(np.float32)
    c = rng.integers(-8, 9, (2, 16, 8)).astype(np.float32)
    left, right = np.zeros((32, 4), np.uint32), np.zeros((32, 4), np.uint32)
    held = np.zeros((32, 2, 4), np.float32)
    for lane in range(32):
        g, t = divmod(lane, 4)
        for register in range(4):
            row, k = g + 8 * (register % 2), t + 4 * (register // 2)
            pair = 2 * t + 8 * (register // 2)
            left[lane, register] = bits(a[row, k] if math == "tf32" else a[row, pair : pair + 2], math)
            matrix, half = divmod(register, 2)
            k, pair = t + 4 * half, 2 * t + 8 * half
            right[lane, register] = bits(b[matrix, k, g] if math == "tf32" else b[matrix, pair : pair + 2, g], math)
            held[lane, :, register] = c[:, g + 8 * (register // 2), 2 * t + register % 2]
    got = np.zeros_like(held)
    arrays = [left, right, held, got]
    memory = GlobalMemory()
    for array in arrays:
        memory.add(array.ctypes.data, array.reshape(-1).view(np.uint8))
    kernel = Kernel("product", PRODUCT.format(math=math))
    Machine(memory).launch(kernel, [x.ctypes.data for x in arrays], (1, 1, 1), 32, 0)
    want = c + a @ b
    for lane in range(32):
        g, t = divmod(lane, 4)
        for register in range(4):
            element = want[:, g + 8 * (register // 2), 2 * t + register % 2]
            np.testing.assert_array_equal(element, got[lane, :, register])


def words(*x):
    return Vector("u32", np.array(x, np.float32).view(np.uint32))


def test_tf32_keeps_ten_bits_and_rounds_ties_away_from_zero():
    unit = 2.0**-10
    found = round_tf32(words(1 + unit / 2, -1 - unit / 2, 1 + unit / 4, np.inf)).lanes.view(np.float32)
    assert found.tolist() == [1 + unit, -1 - unit, 1.0, np.inf]
    assert np.isnan(round_tf32(words(np.nan, 0, 0, 0)).lanes.view(np.float32)[0])


def test_bf16_keeps_seven_bits_and_rounds_ties_to_even():
    unit = 2.0**-7
    low, high = words(1 + unit / 2, 1 + 3 * unit / 2, np.inf, np.nan), words(-1.0, 0.5, 3.0, 1e30)
    found = pack_bf16(low, high).lanes
    assert (found << np.uint32(16)).view(np.float32)[:3].tolist() == [1.0, 1 + 2 * unit, np.inf]
    assert np.isnan((found << np.uint32(16)).view(np.float32)[3])
    assert (found & np.uint32(0xFFFF0000)).view(np.float32)[:3].tolist() == [-1.0, 0.5, 3.0]
