"""Several sources make one batch: each goes through its own samples, one position tells where all stand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.data.open import open_stream
from runtime.data.recipe import JointRecipe, NpzFile, Recipe, TextFile, Transform
from runtime.errors import DataError


def part(folder, name: str, count: int, **fields) -> Recipe:
    np.savez(folder / f"{name}.npz", x=np.arange(count, dtype=np.float64)[:, None], y=np.arange(count))
    files = NpzFile(path=folder / f"{name}.npz", arrays=("x", "y"))
    values = {"name": name, "files": files, "tops": (f"{name}_x", f"{name}_y"), "batch_size": 4}
    return Recipe(**{**values, "transform": Transform(), **fields})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("joint")


def test_a_batch_has_the_blobs_of_all_in_their_order(folder):
    stream = open_stream(JointRecipe(parts=(part(folder, "a", 6), part(folder, "b", 9))), seed=0)
    assert stream.tops == ("a_x", "a_y", "b_x", "b_y")
    batches = [stream.next() for _ in range(3)]
    assert list(batches[0]) == list(stream.tops)
    assert np.concatenate([b["a_y"] for b in batches]).tolist() == [0, 1, 2, 3, 4, 5] * 2
    assert np.concatenate([b["b_y"] for b in batches]).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2]


def test_sources_of_one_length_are_shuffled_alike(folder):
    parts = part(folder, "c", 20, shuffle=True), part(folder, "d", 20, shuffle=True)
    stream = open_stream(JointRecipe(parts=parts), seed=5)
    for _ in range(12):
        batch = stream.next()
        np.testing.assert_array_equal(batch["c_y"], batch["d_y"])


@given(counts=st.lists(st.integers(1, 9), min_size=2, max_size=3), steps=st.integers(0, 12), ahead=st.booleans())
@settings(max_examples=40, deadline=None)
def test_one_position_restores_each_source_to_the_bit(folder, counts, steps, ahead):
    parts = tuple(part(folder, f"e{k}", n, shuffle=True, prefetch=ahead) for k, n in enumerate(counts))
    stream = open_stream(JointRecipe(parts=parts), seed=2)
    for _ in range(steps):
        stream.next()
    other = open_stream(JointRecipe(parts=parts), seed=2)
    other.position = stream.position
    for _ in range(3):
        expected, got = stream.next(), other.next()
        assert all(np.array_equal(expected[top], got[top]) for top in expected)
    stream.close()
    other.close()


def test_a_text_and_an_archive_go_side_by_side(folder):
    (folder / "t.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 4)
    files = TextFile(path=folder / "t.txt", steps=3)
    text = Recipe(name="text", files=files, tops=("data", "label"), batch_size=4, transform=Transform())
    stream = open_stream(JointRecipe(parts=(text, part(folder, "f", 7))), seed=0)
    batch = stream.next()
    assert {top: batch[top].shape for top in batch} == {
        "data": (3, 4), "label": (3, 4), "f_x": (4, 1), "f_y": (4,),
    }  # fmt: skip


def test_a_test_takes_each_sample_once_so_the_sources_need_as_many(folder):
    parts = part(folder, "a", 6), part(folder, "b", 9)
    with pytest.raises(DataError, match="a has 6 samples, b has 9 samples: sources that are tested together"):
        open_stream(JointRecipe(parts=parts, same_count=True), seed=0)
    same = JointRecipe(parts=(part(folder, "a", 6), part(folder, "b", 6)), same_count=True)
    assert [len(batch["a_y"]) for batch in open_stream(same, seed=0).sweep(4)] == [4, 2]


def test_labels_are_looked_at_in_their_own_source(folder):
    stream = open_stream(JointRecipe(parts=(part(folder, "a", 6), part(folder, "b", 9))), seed=0)
    stream.check_labels("a_y", 6)
    with pytest.raises(DataError, match="b: sample 6 has b_y 6, expected 0 to 5"):
        stream.check_labels("b_y", 6)
