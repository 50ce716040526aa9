from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED

from runtime.cuda.sharing import BLOCK, SMALL, Sharing, power_above


@settings(GENERATED, max_examples=300)
@given(
    units=st.integers(1, 1 << 24),
    runs=st.integers(0, 1 << 26),
    near=st.integers(1, 1000),
    line=st.sampled_from([1, 2, 4, 8, 16, 32]),
    segmented=st.booleans(),
)
def test_threads_cover_all_elements_and_neighbours_read_whole_lines(units, runs, near, line, segmented):
    found = Sharing.of(units, runs, near, line, segmented)
    assert found.across * found.down in (SMALL, BLOCK)
    assert found.across % found.side == 0
    assert found.side * found.down >= min(line, found.side * power_above(runs))
    assert found.segments * found.per_segment >= runs > (found.segments - 1) * found.per_segment - 1
    assert found.segments < 1 << 16
    assert segmented or found.segments == 1


def test_few_elements_of_one_result_stay_in_one_block():
    found = Sharing.of(1, 16, 1, 8, True)
    assert (found.across * found.down, found.segments) == (SMALL, 1)
