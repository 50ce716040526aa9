"""What a caption says is so."""

from __future__ import annotations

import numpy as np
from shape_scenes import files

from runtime.data.shapes.batches import View
from runtime.data.shapes.captions import captions
from runtime.data.shapes.names import COLOURS, COUNTS, END, KINDS, START, VOCABULARY, class_names

VIEW = View(files(), np.arange(60))


def sentences(view, steps):
    made = captions(view.scene, steps)
    return [[VOCABULARY[k] for k in column] for column in made["caption"].T], made


def test_a_caption_names_the_count_the_nearest_shape_and_the_next():
    for n, words in enumerate(sentences(VIEW, 16)[0]):
        scene, there = VIEW.scene, np.flatnonzero(VIEW.scene.kind[n])
        assert words[:3] == ["<start>", COUNTS[len(there) - 1], "shape" if len(there) == 1 else "shapes"]
        said = [w for w in words if w in COLOURS or w in KINDS]
        assert said[0] == list(COLOURS)[scene.colour[n, there[0]]]
        assert said[1] == KINDS[scene.kind[n, there[0]] - 1]
        assert len(said) == (2 if len(there) == 1 else 4)
        if len(there) > 1:
            assert said[2:] == [list(COLOURS)[scene.colour[n, there[1]]], KINDS[scene.kind[n, there[1]] - 1]]
            (relation,) = {"left", "right", "above", "below"}.intersection(words)
            across, down = (v[n, there[0]] - v[n, there[1]] for v in (scene.x, scene.y))
            right = {"left": across < 0, "right": across > 0, "above": down < 0, "below": down > 0}[relation]
            assert right
            assert (relation in ("left", "right")) == (abs(across) >= abs(down))


def test_articles_fit_their_colours():
    joined = [" ".join(words) for words in sentences(View(files(), np.arange(400)), 16)[0]]
    assert any("an orange" in text for text in joined)
    assert not any("a orange" in text or "an red" in text for text in joined)


def test_the_next_word_is_one_later_and_minus_one_beyond_the_end():
    _, made = sentences(VIEW, 16)
    for word, following, cont in zip(made["caption"].T, made["next_word"].T, made["cont"].T, strict=True):
        length = int(np.argmax(following == END)) + 1
        assert word[0] == START
        np.testing.assert_array_equal(following[: length - 1], word[1:length])
        assert (following[length:] == -1).all()
        assert (word[length:] == END).all()
        np.testing.assert_array_equal(cont, [0] + [1] * (length - 1) + [0] * (16 - length))


def test_a_long_caption_is_cut():
    whole, short = captions(VIEW.scene, 16), captions(VIEW.scene, 4)
    for name in whole:
        np.testing.assert_array_equal(short[name], whole[name][:4])


def test_words_are_there_once_and_the_classes_have_names():
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    assert (VOCABULARY[END], VOCABULARY[START]) == ("<end>", "<start>")
    assert class_names(3) == ("background", "circle", "square")
    assert len(class_names(9)) == 9
