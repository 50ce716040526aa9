from __future__ import annotations

import pytest
from conv_cases import CHOSEN, conv_shapes
from conv_checks import check_conv
from hypothesis import given, settings
from kernel_cases import GENERATED

from runtime.cpu.conv import split


@settings(GENERATED, max_examples=50)
@given(conv_shapes())
def test_conv_agrees_with_the_reference(shape):
    check_conv(shape)


@pytest.mark.parametrize("name", CHOSEN)
def test_conv_has_the_same_bits_on_one_to_four_threads(name):
    check_conv(CHOSEN[name], threads=(1, 2, 3, 4))


@pytest.mark.parametrize("name", CHOSEN)
def test_conv_runs_its_epilogue_once_on_every_row(name):
    check_conv(CHOSEN[name], epilogue=True)


@pytest.mark.parametrize("work", [1e3, 1e6, 1e9])
@pytest.mark.parametrize(("rows", "width", "blocks"), [(1, 1, 1), (7, 7, 16), (512, 8, 2), (3584, 224, 2), (56, 7, 1)])
def test_split_covers_the_rows_in_tables_of_bounded_size(rows, width, blocks, work):
    rows_a_chunk, blocks_a_chunk = split(rows, width, blocks, work)
    assert 1 <= rows_a_chunk <= rows
    assert 1 <= blocks_a_chunk <= blocks
    assert rows_a_chunk == 1 or rows_a_chunk * width <= 1024


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("name", ["first layer, three channels", "depthwise", "small maps of many images"])
def test_conv_serves_narrower_vectors(name, isa):
    check_conv(CHOSEN[name], threads=(1,), isa=isa)
