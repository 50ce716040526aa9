"""Pairs: half of them of one class, drawn anew each epoch, the same whenever they are asked for."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.data.items import Items
from runtime.data.open import open_stream
from runtime.data.pairs import PairBatches
from runtime.data.recipe import DigitsFiles, Recipe, Transform

TOPS = ("left", "right", "same")
AUGMENT = Transform(pad=2, crop=8, mirror=True, scale=0.1, random=True)


def recipe(**fields) -> Recipe:
    values = {"name": "digits", "files": DigitsFiles(test=False), "tops": TOPS, "batch_size": 50, "pairs": True}
    return Recipe(**{**values, "transform": Transform(), **fields})


def made_of(labels: list[int], seed: int) -> PairBatches:
    data = np.arange(len(labels), dtype=np.float64)[:, None]
    return PairBatches(recipe(), Items(arrays=(data, np.array(labels)), pictures=False), seed, "float64")


@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=30), seed=st.integers(0, 1000), epoch=st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_partners_are_others_where_there_are_any_and_same_tells_the_truth(labels, seed, epoch):
    batches = made_of(labels, seed)
    samples = np.arange(len(labels))
    right = batches.partners(samples, np.full(len(labels), epoch))
    assert ((right >= 0) & (right < len(labels))).all()
    for left, other in zip(samples, right, strict=True):
        alone = labels.count(labels[left]) == 1
        assert left != other or (alone and len(set(labels)) == 1)


def test_half_of_the_pairs_are_of_one_class_and_every_partner_has_its_turn():
    labels = [0] * 40 + [1] * 10 + [2] * 50
    batches = made_of(labels, 0)
    samples = np.tile(np.arange(100), 400)
    epochs = np.repeat(np.arange(400), 100)
    right = batches.partners(samples, epochs)
    same = np.array(labels)[samples] == np.array(labels)[right]
    # 40,000 draws: the standard deviation of the mean is 0.0025
    assert abs(same.mean() - 0.5) < 0.0125
    counts = np.bincount(right[(samples == 3) & same[:]], minlength=100)
    assert (counts[:40] > 0).sum() == 39
    others = np.bincount(right[(samples == 3) & ~same], minlength=100)
    assert others[:40].sum() == 0
    assert (others[40:] > 0).mean() > 0.9


def test_pairs_are_drawn_anew_each_epoch_and_are_the_same_when_asked_again():
    batches = made_of([0, 1] * 20, 3)
    samples = np.arange(40)
    first, second = (batches.partners(samples, np.full(40, epoch)) for epoch in (0, 1))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, batches.partners(samples, np.zeros(40, np.int64)))


def test_a_batch_holds_both_pictures_transformed_and_whether_they_are_alike():
    stream = open_stream(recipe(transform=AUGMENT, shuffle=True), seed=1)
    batch = stream.next()
    assert [(top, batch[top].shape) for top in batch] == [
        ("left", (50, 1, 8, 8)), ("right", (50, 1, 8, 8)), ("same", (50,)),
    ]  # fmt: skip
    assert batch["same"].dtype == np.int32
    assert set(batch["same"].tolist()) == {0, 1}
    again = open_stream(recipe(transform=AUGMENT, shuffle=True, prefetch=True), seed=1)
    assert all(np.array_equal(batch[top], value) for top, value in again.next().items())
    again.close()


def test_a_part_pairs_within_itself():
    whole = open_stream(recipe(part=(0.0, 1.0)), seed=0)
    stream = open_stream(recipe(part=(0.5, 1.0)), seed=0)
    right = next(stream.sweep(len(stream)))["right"].reshape(len(stream), -1)
    allowed = next(whole.sweep(len(whole)))["left"][-len(stream) :].reshape(len(stream), -1)
    known = {row.tobytes() for row in allowed}
    assert all(row.tobytes() in known for row in right)
    stream.check_labels("same", 1)
