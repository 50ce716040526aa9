"""Characters as classes: streams that go on from batch to batch, the label one character later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.data.batches import Position
from runtime.data.open import open_stream
from runtime.data.recipe import Recipe, TextFile, Transform
from runtime.data.text import read_text, read_words
from runtime.errors import DataError, UsageError

WORDS = "the quick brown fox jumps over the lazy dog. " * 5


def recipe(path, text: str | bytes = WORDS, steps: int = 5, **fields) -> Recipe:
    path = path / "t.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    values = {"name": "text", "files": TextFile(path=path, steps=steps), "tops": ("data", "label", "cont")}
    return Recipe(**{**values, "batch_size": 4, "transform": Transform(), **fields})


def spoken(path, numbers) -> str:
    alphabet, _ = read_text(path / "t.txt")
    return "".join(alphabet[k] for k in numbers)


def test_characters_are_numbered_by_their_code_points(tmp_path):
    (tmp_path / "t.txt").write_text("b\u00e4a\U0001f600\nb")
    alphabet, numbers = read_text(tmp_path / "t.txt")
    assert alphabet == "\nab\u00e4\U0001f600"
    assert numbers.tolist() == [2, 3, 1, 4, 0, 2]


def test_each_column_goes_on_where_it_ended_and_the_label_is_one_character_later(tmp_path):
    stream = open_stream(recipe(tmp_path), seed=0)
    length = (len(WORDS) - 1) // 4
    batches = [stream.next() for _ in range(length // 5)]
    assert batches[0]["data"].shape == batches[0]["label"].shape == batches[0]["cont"].shape == (5, 4)
    assert (batches[0]["data"].dtype, batches[0]["cont"].dtype) == (np.int32, np.float32)
    for column in range(4):
        start = column * length
        whole = length // 5 * 5
        for top, shift in (("data", 0), ("label", 1)):
            numbers = np.concatenate([batch[top][:, column] for batch in batches])
            assert spoken(tmp_path, numbers) == WORDS[start + shift : start + shift + whole]
    assert stream.position == Position(1, 0)


def test_cont_is_0_at_the_start_of_a_stream_alone(tmp_path):
    stream = open_stream(recipe(tmp_path), seed=0)
    windows = len(stream) // 4
    marks = np.concatenate([stream.next()["cont"] for _ in range(windows + 1)])
    expected = np.ones_like(marks)
    expected[[0, windows * 5]] = 0
    np.testing.assert_array_equal(marks, expected)


def test_parts_of_a_text_share_nothing_and_one_alphabet(tmp_path):
    text = "aaaa" * 20 + "bbbb" * 20
    first = open_stream(recipe(tmp_path, text, part=(0.0, 0.5)), seed=0).next()
    second = open_stream(recipe(tmp_path, text, part=(0.5, 1.0)), seed=0).next()
    assert (np.unique(first["data"]).tolist(), np.unique(second["data"]).tolist()) == ([0], [1])


@given(length=st.integers(2, 300), batch=st.integers(1, 6), steps=st.integers(1, 12))
@settings(max_examples=50, deadline=None)
def test_a_sweep_takes_whole_windows_and_no_place_twice(tmp_path_factory, length, batch, steps):
    text = "".join(chr(0x4E00 + k) for k in range(length))
    made = recipe(tmp_path_factory.mktemp("text"), text, steps, batch_size=batch)
    if (length - 1) // batch < steps:
        with pytest.raises(DataError, match=f"{batch * steps + 1} are needed"):
            open_stream(made, seed=0)
        return
    stream = open_stream(made, seed=0)
    seen = np.concatenate([each["data"].ravel() for each in stream.sweep()])
    assert len(np.unique(seen)) == len(seen) == len(stream) * steps
    assert length - 1 - len(seen) < batch * steps + batch


def test_a_position_restores_the_stream_to_the_bit(tmp_path):
    stream = open_stream(recipe(tmp_path), seed=0)
    for _ in range(14):
        stream.next()
    other = open_stream(recipe(tmp_path, prefetch=True), seed=0)
    other.position = stream.position
    for _ in range(3):
        expected, got = stream.next(), other.next()
        assert all(np.array_equal(expected[top], got[top]) for top in expected)
    other.close()


def test_the_streams_are_cut_for_one_batch_size(tmp_path):
    stream = open_stream(recipe(tmp_path), seed=0, batch_size=2)
    assert stream.next()["data"].shape == (5, 2)
    with pytest.raises(UsageError, match="cut into 2 streams, it has no batch of 3"):
        stream.next(3)
    stream.position = Position(0, 1)
    with pytest.raises(UsageError, match="from sample 1 on; keep the batch size"):
        stream.next()


def test_more_characters_than_classes_are_an_error_that_counts_them(tmp_path):
    with pytest.raises(DataError, match=r"t\.txt: 28 different characters, the net takes 27 classes; say classes: 28"):
        open_stream(recipe(tmp_path, classes=27), seed=0)
    stream = open_stream(recipe(tmp_path, classes=28), seed=0)
    with pytest.raises(DataError, match="28 different characters, the net takes 20 classes"):
        stream.check_labels("data", 20)
    with pytest.raises(DataError, match=r"20 classes; a layer must take 28 \(num_output, input_dim\)"):
        stream.check_labels("data", 20)
    stream.check_labels("cont", 1)


def test_words_are_runs_of_letters_marks_and_ends_of_lines_the_commonest_first(tmp_path):
    (tmp_path / "t.txt").write_text("the cat, the dog\nthe cat's 9th")
    known, numbers = read_words(tmp_path / "t.txt")
    assert known == ("the", "cat", ",", "dog", "\n", "cat's", "9th")
    assert numbers.tolist() == [0, 1, 2, 0, 3, 4, 0, 5, 6]


def test_rarer_words_are_one_word(tmp_path):
    (tmp_path / "t.txt").write_text("b a b c a d")
    known, numbers = read_words(tmp_path / "t.txt", most=3)
    assert (known, numbers.tolist()) == (("b", "a", "<unk>"), [0, 1, 0, 2, 1, 2])


def test_a_stream_of_words_counts_them(tmp_path):
    files = TextFile(path=tmp_path / "t.txt", steps=5, words=True, most=4)
    stream = open_stream(recipe(tmp_path, files=files, classes=4), seed=0)
    assert stream.next()["data"].max() == 3
    with pytest.raises(DataError, match="50 words are too few for one batch of 40 x 5 steps"):
        open_stream(recipe(tmp_path, files=files, batch_size=40), seed=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "empty file"),
        (b"ab\xffc", r"not UTF-8: invalid start byte \(offset 2\)"),
        (b"abc", "3 characters are too few for one batch of 4 x 5 steps: 21 are needed"),
    ],
)
def test_a_text_that_cannot_be_used_says_why(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        open_stream(recipe(tmp_path, text), seed=0)
