from __future__ import annotations

import pytest

from runtime.cuda.launch import blocks_for
from runtime.errors import ResourceError


def test_blocks_hold_all_threads_and_at_least_one_is_launched():
    assert [blocks_for(threads, 256) for threads in (0, 1, 256, 257)] == [(1, 1, 1)] * 3 + [(2, 1, 1)]


def test_more_threads_than_kernels_can_tell_apart_are_refused():
    assert blocks_for((1 << 31) - 256, 256) == ((1 << 23) - 1, 1, 1)
    with pytest.raises(ResourceError, match="a smaller --batch helps"):
        blocks_for(1 << 31, 256)
