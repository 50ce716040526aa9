"""The batches of the source: the same bits however they are asked for, on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from netspec.sources.shapes import Shapes
from runtime.data.batches import Position
from runtime.data.open import open_stream
from runtime.errors import DataError, UsageError

TOPS = (
    "data", "right", "mask", "depth", "flow", "gt_boxes", "rois", "label", "box_target", "box_inside", "box_outside",
    "caption", "next_word", "cont",
)  # fmt: skip
WHOLE = {"mask", "label", "caption", "next_word"}


def source(**fields) -> Shapes:
    return Shapes(**{"tops_": TOPS, "size": 32, "count": 20, "batch_size": 6, "rois": 5, "steps": 9, **fields})


def stream(phase="train", seed=0, dtype="float32", prefetch=False, **fields):
    return open_stream(source(**fields).recipe(phase), seed=seed, dtype=dtype, prefetch=prefetch)


def same(one, other):
    return list(one) == list(other) and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_top_has_the_shape_that_check_declares(dtype):
    batch = stream(dtype=dtype).next()
    assert {top: array.shape for top, array in batch.items()} == source().shapes(6)
    for top, array in batch.items():
        assert array.dtype == (np.int32 if top in WHOLE else dtype)
    pixels = batch["data"]
    assert pixels.transpose(0, 2, 3, 1).flags.c_contiguous


def test_a_sample_does_not_depend_on_its_batch():
    whole = stream("test").next(20)
    pieces = list(stream("test").sweep(size=7))
    assert [len(piece["data"]) for piece in pieces] == [7, 7, 6]
    for top in set(TOPS) - {"rois"}:
        axis = 1 if top in ("caption", "next_word", "cont") else 0
        np.testing.assert_array_equal(np.concatenate([p[top] for p in pieces], axis), whole[top])
    # the number of the picture counts within the batch
    np.testing.assert_array_equal(np.concatenate([p["rois"] for p in pieces])[:, 1:], whole["rois"][:, 1:])
    assert pieces[2]["rois"][:, 0].max() == 5


def test_a_top_does_not_depend_on_what_else_is_asked_for():
    whole = stream().next()
    for top in ("mask", "right", "flow", "gt_boxes", "next_word"):
        assert same(stream(tops_=(top,)).next(), {top: whole[top]})
    assert same(stream(tops_=("left",)).next(), {"left": whole["data"]})


def test_a_label_is_the_main_shape_or_beside_rois_theirs():
    batch = stream(tops_=("data", "label", "gt_boxes")).next()
    np.testing.assert_array_equal(batch["label"], batch["gt_boxes"][:, 0, 4])
    assert stream(tops_=("label", "rois")).next()["label"].shape == (30,)


@pytest.mark.parametrize("prefetch", [False, True])
def test_a_stream_goes_on_where_it_was(prefetch):
    whole = stream(prefetch=prefetch)
    batches = [whole.next() for _ in range(7)]
    other = stream(prefetch=prefetch)
    other.position = Position(0, 18)
    for expected in batches[3:]:
        assert same(other.next(), expected)
    assert other.position == whole.position == Position(2, 2)
    whole.close()
    other.close()


def test_the_solver_decides_the_order_and_the_source_the_scenes():
    one, other = stream(seed=1).next(20), stream(seed=2).next(20)
    assert not np.array_equal(one["mask"], other["mask"])
    scenes = [{array.tobytes() for array in batch["data"]} for batch in (one, other)]
    assert scenes[0] == scenes[1]
    assert len(scenes[0]) == 20


def pictures(phase, **fields):
    recipe = source(noise=0.0, tops_=("data",), **fields).recipe(phase)
    return {picture.tobytes() for picture in open_stream(recipe, seed=0, prefetch=False).next(20)["data"]}


def test_halves_and_seeds_share_no_picture():
    found = [pictures(phase, seed=seed) for seed in (0, 1) for phase in ("train", "test")]
    assert len(set.union(*found)) == 80
    assert pictures("test", split="train") == found[0]


def test_a_part_is_a_range_of_the_pictures():
    whole = stream("test").next(20)["mask"]
    part = stream("test", part=(0.5, 0.75))
    assert len(part) == 5
    np.testing.assert_array_equal(part.next(5)["mask"], whole[10:15])
    with pytest.raises(DataError, match=r"shapes: part \[0\.5, 0\.51\] of 20 samples is empty"):
        stream(part=(0.5, 0.51))


def test_mean_and_scale_act_on_the_pictures_alone():
    plain, changed = stream().next(), stream(mean=(0.5, 0.25, 0.125), scale=2.0).next()
    mean = np.array([0.5, 0.25, 0.125], np.float32).reshape(3, 1, 1)
    for top in TOPS:
        expected = (plain[top] - mean) * 2 if top in ("data", "right") else plain[top]
        np.testing.assert_array_equal(changed[top], expected)


def test_a_net_with_too_few_classes_or_words_is_told():
    made = stream()
    for top, classes in (("mask", 5), ("label", 9), ("caption", 1000), ("data", 1)):
        made.check_labels(top, classes)
    made.check_labels("next_word", 1000, ignore=-1)
    with pytest.raises(DataError, match=r"^shapes: mask has 5 classes, the net takes 4; a layer must take 5"):
        made.check_labels("mask", 4)
    with pytest.raises(DataError, match=r"^shapes: caption has \d\d words, the net takes 20; a layer must take"):
        made.check_labels("caption", 20)
    with pytest.raises(DataError, match="next_word is -1 where a caption has ended; give the loss ignore_label: -1"):
        made.check_labels("next_word", 1000)


def test_the_bits_are_those_of_every_machine():
    batch = stream("test", noise=0.1, classes=9).next(8)
    # written down once: a library, a processor or a release that changes them changes all results on this source
    assert {top: digest(batch[top]) for top in KNOWN} == KNOWN


def digest(array: np.ndarray) -> str:
    values = np.ascontiguousarray(array)
    return hashlib.sha256(values.astype(values.dtype.newbyteorder("<")).tobytes()).hexdigest()[:16]


KNOWN = {
    "data": "dbddbc06fb24b40e",
    "right": "918fef483c747a6b",
    "mask": "daacddfee69857ee",
    "depth": "482d6ef9d44c842a",
    "flow": "f956c4d775b3890a",
    "gt_boxes": "dd29e209de0a4234",
    "rois": "3807efd9a8667ff1",
    "box_target": "30faf81269726032",
    "next_word": "9c0a9a5f8db7096b",
}


def test_a_position_beyond_the_pictures_is_refused():
    with pytest.raises(UsageError, match="shapes: no position 20 in epoch 0, the source has 20 samples"):
        stream().position = Position(0, 20)
