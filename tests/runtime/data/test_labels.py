"""Labels of a source that are out of range are named by sample and place."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.data.labels import check_range, place_in
from runtime.errors import DataError


def test_a_label_of_a_map_is_named_by_its_place_in_the_map():
    maps = np.zeros((3, 4, 5), np.int64)
    maps[1, 2, 3] = 7
    with pytest.raises(DataError, match=r"npz: sample 1 has label 7, expected 0 to 2 \(at \[2, 3\]\)$"):
        check_range("npz", "label", maps.reshape(3, -1), 3, lambda row: row, None, lambda k: place_in((4, 5), k))


def test_a_single_label_has_no_place():
    assert (place_in((), 0), place_in((4, 5), 13)) == ("", " (at [2, 3])")
