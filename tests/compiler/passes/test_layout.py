"""layout: strides, views, halos, concatenations."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.builder import Builder
from compiler.compile import compile_graph
from compiler.passes.layout import layout
from compiler.passes.placement import common_shape, is_dense, reshaped_strides, row_major
from compiler.target import Target
from runtime.executor import Store, open_executor


@pytest.mark.parametrize(
    ("shape", "strides", "new", "expected"),
    [
        ((6, 4), (4, 1), (24,), (1,)),
        ((24,), (1,), (2, 3, 4), (12, 4, 1)),
        ((2, 3, 4, 5), (60, 1, 15, 3), (2, 60), None),  # N H W C is not row-major
        ((2, 3, 1, 1), (3, 1, 3, 3), (2, 3), (3, 1)),
        ((2, 1, 4, 5), (20, 1, 5, 1), (2, 20), (20, 1)),
        ((2, 3), (8, 1), (6,), None),  # gaps between rows
        ((2, 3), (8, 1), (2, 3, 1, 1), (8, 1, 1, 1)),
        ((1,), (1,), (), ()),
    ],
)
def test_reshaped_strides(shape, strides, new, expected) -> None:
    assert reshaped_strides(shape, strides, new) == expected


@pytest.mark.parametrize(
    ("shape", "new", "expected"),
    [
        ((6, 4), (24,), (6, 4)),
        ((2, 1, 12), (8, 3), (2, 4, 3)),
        ((4, 6), (6, 4), None),
        ((1, 1), (), ()),
        ((2, 3, 2, 3, 2, 5), (2, 9, 4, 5), None),
        ((2, 3, 2, 3, 2, 5), (2, 6, 6, 5), (2, 3, 2, 3, 2, 5)),
    ],
)
def test_the_shape_that_both_sides_of_a_reshape_split_to(shape, new, expected) -> None:
    assert common_shape(shape, new) == expected


@pytest.mark.parametrize(
    ("shape", "split", "order", "joined"),
    [
        ((2, 8, 3, 5), (2, 2, 2, 2, 3, 5), (0, 1, 4, 2, 5, 3), (2, 2, 6, 10)),  # both sides split
        ((2, 6, 3, 4), (2, 6, 12), (0, 2, 1), (2, 8, 9, 1)),  # borders cross: through a flat value
        ((3, 4, 2, 5), (3, 4, 10), (1, 0, 2), (4, 30)),
        ((2, 3, 4, 5, 6), (2, 3, 4, 5, 6), (2, 0, 1, 3, 4), (8, 3, 5, 6)),
    ],
)
def test_a_reshape_of_a_view_keeps_the_logical_order(shape, split, order, joined) -> None:
    b = Builder(dtype="f64")
    x = b.input("x", shape)
    with b.scope("moved"):
        y = b.reshape(b.transpose(b.reshape(x, split), order), joined)
        b.graph.outputs = {"y": b.tanh(y)}
    array = np.arange(np.prod(shape, dtype=int)) / 100.0
    plan = compile_graph(b.graph, Target(device="reference", dtype="f64"), check=True)
    executor = open_executor(plan, Store(plan.memory), "reference")
    executor.feed("x", array.reshape(shape))
    executor.run("forward")
    expected = np.tanh(np.transpose(array.reshape(split), order).reshape(joined))
    np.testing.assert_array_equal(executor.array(plan.outputs["y"]), expected)


def test_a_map_of_a_volume_lies_as_its_operand_lies() -> None:
    b = Builder()
    images = b.conv(b.input("x", (6, 3, 4, 5)), b.input("w", (7, 3, 1, 1)))
    volume = b.transpose(b.reshape(images, (3, 2, 7, 4, 5)), (1, 2, 0, 3, 4))
    y = b.tanh(volume)
    back = b.reshape(b.transpose(y, (2, 0, 1, 3, 4)), (6, 7, 4, 5))
    b.graph.outputs = {"y": b.sum(b.exp(back), 1)}
    found = layout(b.graph)
    assert found.placements[y].strides == found.placements[volume].strides == (140, 1, 280, 35, 7)
    assert found.placements[back].buffer is found.placements[y].buffer
    assert found.placements[back].strides == (140, 1, 35, 7)


@pytest.mark.parametrize(
    ("shape", "strides", "expected"),
    [
        ((2, 3, 4), (12, 4, 1), True),
        ((2, 3, 4), (1, 8, 2), True),
        ((2, 3, 4), (16, 4, 1), False),
        ((2, 1, 4), (4, 9, 1), True),
        ((2, 3), (0, 1), False),
        ((), (), True),
    ],
)
def test_dense_values_have_no_gaps(shape, strides, expected) -> None:
    assert is_dense(shape, strides) == expected


def test_row_major() -> None:
    assert row_major((2, 3, 4)) == (12, 4, 1)


def test_activations_lie_channels_last_with_the_halo_of_their_widest_reader() -> None:
    b = Builder()
    x = b.input("x", (2, 3, 8, 9))
    one = b.conv(x, b.input("w", (4, 3, 3, 3)), pad=(1, 1))
    two = b.conv(x, b.input("v", (4, 3, 5, 5)), pad=(2, 2))
    b.graph.outputs = {"y": one + two}
    found = layout(b.graph)
    where = found.placements[x]
    assert where.buffer.halo == (2, 2)
    assert where.strides == ((8 + 4) * (9 + 4) * 3, 1, (9 + 4) * 3, 3)
    assert where.offset == 2 * where.strides[2] + 2 * where.strides[3]
    assert where.buffer.count == 2 * 12 * 13 * 3


def test_operands_of_a_concatenation_are_written_in_place() -> None:
    b = Builder()
    x = b.input("x", (2, 3, 4, 4))
    parts = [b.exp(x), b.sin(x)]
    joined = b.concat(parts, 1)
    b.graph.outputs = {"y": b.sum(joined, 1)}
    found = layout(b.graph)
    whole = found.placements[joined]
    assert [found.placements[p].offset for p in parts] == [0, 3]
    assert all(found.placements[p].buffer is whole.buffer for p in parts)
    assert whole.strides == (96, 1, 24, 6)


def test_a_value_that_stands_twice_in_a_concatenation_is_copied() -> None:
    b = Builder()
    x = b.input("x", (2, 3, 4, 4))
    part = b.exp(x)
    joined = b.concat([part, part], 1)
    b.graph.outputs = {"y": joined}
    found = layout(b.graph)
    assert found.placements[part].buffer is not found.placements[joined].buffer


def test_a_slice_is_a_view() -> None:
    b = Builder()
    x = b.input("x", (2, 5, 4, 4))
    part = b.slice(x, 1, 2, 4)
    b.graph.outputs = {"y": b.exp(part)}
    found = layout(b.graph)
    assert found.placements[part].offset == 2
    assert found.placements[part].buffer is found.placements[x].buffer


def test_a_slice_that_a_padded_convolution_reads_gets_memory_of_its_own() -> None:
    b = Builder()
    x = b.input("x", (2, 5, 4, 4))
    part = b.slice(x, 1, 2, 4)
    b.graph.outputs = {"y": b.conv(part, b.input("w", (3, 2, 3, 3)), pad=(1, 1))}
    found = layout(b.graph)
    conv = b.graph.ops[-1]
    assert found.placements[conv.inputs[0]].buffer.halo == (1, 1)
    assert found.placements[conv.inputs[0]].buffer is not found.placements[x].buffer


def test_flattening_a_map_of_one_pixel_is_a_view_and_a_larger_one_is_not() -> None:
    b = Builder()
    pixel, image = b.input("pixel", (2, 5, 1, 1)), b.input("image", (2, 5, 3, 3))
    flat, copied = b.reshape(pixel, (2, 5)), b.reshape(image, (2, 45))
    b.graph.outputs = {"a": flat, "c": copied}
    found = layout(b.graph)
    assert found.placements[flat].buffer is found.placements[pixel].buffer
    assert found.placements[copied].buffer is not found.placements[image].buffer
