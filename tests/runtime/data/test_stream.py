"""Order, positions and prefetching: the same bits however they are asked for."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.data import open as opening
from runtime.data.batches import Position
from runtime.data.counter import permutation
from runtime.data.open import open_stream
from runtime.data.recipe import DigitsFiles, NpzFile, Recipe, SyntheticItems, Transform
from runtime.errors import DataError, ResourceError, UsageError

AUGMENT = Transform(pad=2, crop=8, mirror=True, mean=(3.0,), scale=0.1, random=True)


def digits(**fields) -> Recipe:
    values = {"name": "digits", "files": DigitsFiles(test=False), "tops": ("data", "label"), "labels": ("label",)}
    return Recipe(**{**values, "batch_size": 50, "transform": AUGMENT, "shuffle": True, "classes": 10, **fields})


def npz(path, arrays=("data", "label"), **fields) -> Recipe:
    files = NpzFile(path=path, arrays=arrays)
    values = {"name": "npz", "files": files, "tops": arrays, "batch_size": 4, "transform": Transform()}
    return Recipe(**{**values, **fields})


def same(a: dict, b: dict) -> bool:
    return list(a) == list(b) and all(np.array_equal(a[k], b[k]) for k in a)


def test_a_batch_is_n_c_h_w_over_n_h_w_c_memory(tmp_path):
    np.savez(tmp_path / "a.npz", data=np.zeros((9, 3, 5, 6), np.uint8), label=np.zeros(9, np.uint8))
    batch = open_stream(npz(tmp_path / "a.npz"), seed=0, dtype="float64").next()
    assert batch["data"].shape == (4, 3, 5, 6)
    assert batch["data"].dtype == np.float64
    assert batch["data"].transpose(0, 2, 3, 1).flags.c_contiguous
    assert (batch["label"].dtype, batch["label"].shape) == (np.int32, (4,))


def test_the_pixels_of_an_archive_arrive_where_they_were(tmp_path):
    data = np.random.default_rng(0).normal(size=(9, 3, 5, 6)).astype(np.float32)
    np.savez(tmp_path / "a.npz", data=data, label=np.arange(9))
    batch = open_stream(npz(tmp_path / "a.npz"), seed=0).next(9)
    np.testing.assert_array_equal(batch["data"], data)
    np.testing.assert_array_equal(batch["label"], np.arange(9))


def test_a_float_target_keeps_its_type_and_shape(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((9, 3)), y=np.ones((9, 2)))
    batch = open_stream(npz(tmp_path / "a.npz", ("x", "y")), seed=0).next()
    assert (batch["y"].shape, batch["y"].dtype) == ((4, 2), np.float32)


def test_an_epoch_is_a_permutation_and_the_next_one_another():
    orders = [permutation(7, epoch, 1000) for epoch in range(3)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    assert not np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], permutation(8, 0, 1000))


def test_the_order_is_the_same_on_every_machine_and_version():
    assert permutation(0, 0, 10).tolist() == [0, 1, 9, 4, 2, 3, 6, 8, 7, 5]


def test_an_epoch_takes_each_sample_once_and_goes_on_with_the_next_in_the_same_batch(tmp_path):
    np.savez(tmp_path / "a.npz", data=np.arange(10.0)[:, None], label=np.arange(10))
    stream = open_stream(npz(tmp_path / "a.npz", shuffle=True), seed=1)
    labels = np.concatenate([stream.next()["label"] for _ in range(5)])
    assert sorted(labels[:10]) == sorted(labels[10:]) == list(range(10))
    assert stream.position == Position(2, 0)


@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=8), seed=st.integers(0, 2**53 - 1))
@settings(max_examples=30, deadline=None)
def test_samples_come_in_one_order_however_they_are_cut_into_batches(sizes, seed):
    cut, whole = open_stream(digits(), seed=seed), open_stream(digits(), seed=seed)
    pieces = [cut.next(size) for size in sizes]
    together = whole.next(sum(sizes))
    assert same({name: np.concatenate([piece[name] for piece in pieces]) for name in together}, together)
    assert cut.position == whole.position


def test_a_batch_larger_than_the_source_wraps_around(tmp_path):
    np.savez(tmp_path / "a.npz", data=np.arange(3.0)[:, None], label=np.arange(3))
    batch = open_stream(npz(tmp_path / "a.npz", batch_size=8), seed=1).next()
    assert batch["label"].tolist() == [0, 1, 2, 0, 1, 2, 0, 1]


def test_a_position_restores_the_stream_to_the_bit():
    stream = open_stream(digits(), seed=5)
    for _ in range(40):
        stream.next()
    position = stream.position
    expected = [stream.next() for _ in range(3)]
    other = open_stream(digits(), seed=5)
    other.position = position
    assert position == Position(1, 40 * 50 - 1437)
    assert all(same(a, other.next()) for a in expected)


def test_a_position_outside_the_source_is_refused():
    stream = open_stream(digits(), seed=5)
    with pytest.raises(UsageError, match="no position 1437 in epoch 0, the source has 1437 samples"):
        stream.position = Position(0, 1437)


def test_prefetching_changes_no_bit_and_no_position():
    plain, ahead = open_stream(digits(), seed=5), open_stream(digits(prefetch=True), seed=5)
    for size in (50, 50, 50, 7, 50):
        assert same(plain.next(size), ahead.next(size))
        assert plain.position == ahead.position
    ahead.position = plain.position = Position(3, 1400)
    assert same(plain.next(), ahead.next())
    ahead.close()
    assert same(plain.next(), ahead.next())
    ahead.close()


@pytest.mark.parametrize("prefetch", [False, True])
def test_looking_ahead_changes_no_bit_and_no_position(prefetch):
    plain, looking = open_stream(digits(), seed=5), open_stream(digits(prefetch=prefetch), seed=5)
    for size in (None, None, 7, None):
        position, ahead = looking.position, looking.peek()
        assert looking.peek() is ahead
        assert looking.position == position == plain.position
        taken = looking.next(size)
        assert same(plain.next(size), taken)
        assert (taken is ahead) == (size is None)
        assert looking.position == plain.position
    looking.peek()
    looking.position = plain.position = Position(3, 1400)
    assert same(plain.next(), looking.next())
    looking.close()


@pytest.mark.parametrize("prefetch", [False, True])
def test_what_fails_while_looking_ahead_is_raised_where_the_batch_is_taken(monkeypatch, prefetch):
    def failing(position, size):
        raise DataError("disk gone")

    stream = open_stream(digits(prefetch=prefetch), seed=5)
    monkeypatch.setattr(stream._batches, "make", failing)
    assert stream.peek() is None
    assert stream.peek() is None
    with pytest.raises(DataError, match="disk gone"):
        stream.next()


def prefetching_threads() -> int:
    return sum(thread.name == "netspec-prefetch" for thread in threading.enumerate())


def wait_for_threads(count: int) -> int:
    end = time.monotonic() + 10
    while prefetching_threads() > count and time.monotonic() < end:
        time.sleep(0.01)
    return prefetching_threads()


def test_a_forgotten_stream_stops_its_thread():
    gc.collect()
    before = wait_for_threads(0)
    stream = open_stream(digits(prefetch=True), seed=5)
    stream.next()
    assert prefetching_threads() == before + 1
    del stream
    gc.collect()
    assert wait_for_threads(before) == before


def test_what_fails_ahead_is_raised_where_the_batch_is_taken(monkeypatch):
    stream = open_stream(digits(prefetch=True), seed=5)
    make, calls = stream._batches.make, []

    def failing(position, size):
        calls.append(position)
        if len(calls) > 2:
            raise DataError("disk gone")
        return make(position, size)

    monkeypatch.setattr(stream._batches, "make", failing)
    stream.next()
    stream.next()
    with pytest.raises(DataError, match="disk gone"):
        stream.next()


def test_a_sweep_takes_the_whole_source_once_with_what_is_left_last():
    stream = open_stream(digits(files=DigitsFiles(test=True), shuffle=False, transform=Transform()), seed=0)
    sizes = [len(batch["label"]) for batch in stream.sweep(100)]
    assert sizes == [100, 100, 100, 60]
    assert stream.position == Position(0, 0)


def test_a_sweep_of_so_many_batches_wraps_around():
    stream = open_stream(digits(files=DigitsFiles(test=True), shuffle=False, transform=Transform()), seed=0)
    sizes = [len(batch["label"]) for batch in stream.sweep(100, batches=5)]
    assert sizes == [100] * 5


def test_parts_share_nothing_and_leave_nothing_out():
    cuts = [(0.0, 0.3), (0.3, 0.77), (0.77, 1.0)]
    streams = [open_stream(digits(part=part, transform=Transform(), shuffle=False), seed=0) for part in cuts]
    whole = open_stream(digits(transform=Transform(), shuffle=False), seed=0)
    labels = np.concatenate([batch["label"] for stream in streams for batch in stream.sweep(64)])
    np.testing.assert_array_equal(labels, next(whole.sweep(len(whole)))["label"])


def test_an_empty_part_is_a_data_error():
    with pytest.raises(DataError, match=r"part .* of 1437 samples is empty"):
        open_stream(digits(part=(0.5001, 0.5002)), seed=0)


def test_a_label_out_of_range_names_the_sample_of_the_file(tmp_path):
    labels = np.array([0, 1, 2, 255, 12, 3, -1, 0])
    np.savez(tmp_path / "a.npz", data=np.zeros((8, 2)), label=labels)
    stream = open_stream(npz(tmp_path / "a.npz", part=(0.25, 1.0)), seed=0)
    with pytest.raises(DataError, match="npz: sample 3 has label 255, expected 0 to 9"):
        stream.check_labels("label", 10)
    with pytest.raises(DataError, match="npz: sample 4 has label 12, expected 0 to 9"):
        stream.check_labels("label", 10, ignore=255)
    with pytest.raises(DataError, match="npz: sample 6 has label -1"):
        stream.check_labels("label", 13, ignore=255)


def test_a_file_that_disagrees_with_the_declared_classes_is_a_data_error():
    with pytest.raises(DataError, match="digits: sample 9 has label 9, expected 0 to 8"):
        open_stream(digits(classes=9), seed=0)


def test_samples_beyond_the_memory_are_a_resource_error(monkeypatch):
    def read(files):
        raise MemoryError

    monkeypatch.setattr(opening, "read", read)
    with pytest.raises(ResourceError, match="digits: the samples do not fit into memory"):
        open_stream(digits(), seed=0)


def test_synthetic_samples_are_the_same_every_time_and_differ_between_the_halves():
    def first(test: bool) -> dict:
        files = SyntheticItems(item=(3, 6, 5), classes=4, samples=20, seed=1, test=test)
        recipe = Recipe(name="synthetic", files=files, tops=("data", "label"), batch_size=20, transform=Transform())
        return open_stream(recipe, seed=0).next()

    assert same(first(False), first(False))
    assert not np.array_equal(first(False)["data"], first(True)["data"])
    assert float(np.abs(first(False)["data"]).max()) <= 1.0
    assert first(False)["label"].tolist() == [i % 4 for i in range(20)]
