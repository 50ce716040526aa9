from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netspec.spec.diagnostics import Diagnostics
from netspec.spec.emit import block, flow, text
from netspec.spec.nodes import to_value
from netspec.spec.read import read_node
from runtime.errors import UsageError


def back(written: str):
    diagnostics = Diagnostics()
    node = read_node(written, "x", diagnostics)
    assert diagnostics.items == []
    assert node is not None
    return to_value(node)


@pytest.mark.parametrize(
    "value",
    ["conv1", "res2/1/conv1", "1e-3", "010", "on", "No", "true", "null", "~", "", "a: b", "[a", "a #b", "-", "12:30",
     "2026-11-21", "1_000", "ä", "a\nb", '"', "'", "x,y", "{", "LeNet 5", ".5", "=", "<<", "0x1f"],
)  # fmt: skip
def test_a_text_reads_back_as_the_same_text(value):
    assert back("{k: " + text(value) + "}") == {"k": value}


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False)
    | st.text(
        st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f$", exclude_categories=("Cc",)),
        max_size=9,
    )
)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.text("abc", min_size=1, max_size=3), inner, max_size=3), max_leaves=8))  # fmt: skip
def test_data_reads_back_unchanged(value):
    assert back(block({"k": value})) == {"k": value}


def test_numbers_of_other_libraries_paths_and_tuples_are_taken():
    value = {"a": np.float32(0.5), "b": np.int64(3), "c": (1, 2), "d": Path("x/y.npy"), "e": Fraction(1, 4)}
    assert back(flow(value)) == {"a": 0.5, "b": 3, "c": [1, 2], "d": "x/y.npy", "e": 0.25}


def test_an_expression_from_python_stays_one_and_is_quoted():
    assert flow({"k": "${w * 2}", "m": "$w"}) == '{k: "${w * 2}", m: "$w"}'


def test_a_list_of_mappings_has_one_a_line():
    assert block({"layers": [{"name": "a"}, {"name": "b"}]}) == "layers:\n  - {name: a}\n  - {name: b}\n"


@pytest.mark.parametrize("value", [object(), {1, 2}, print])
def test_what_no_spec_can_hold_is_a_wrong_call(value):
    with pytest.raises(UsageError, match="cannot hold"):
        flow({"a": value})


def test_arrays_and_booleans_of_numpy_are_plain_data():
    assert back(flow({"a": np.array([3, 4]), "b": np.bool_(False)})) == {"a": [3, 4], "b": False}


def test_data_that_contains_itself_is_a_wrong_call():
    value: dict[str, object] = {}
    value["a"] = value
    with pytest.raises(UsageError, match="does it contain itself"):
        flow(value)
