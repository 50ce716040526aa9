"""Transforms against a plain reading of their definition, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.data.recipe import Transform
from runtime.data.transform import Transformer
from runtime.errors import DataError


@pytest.fixture
def raw() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (7, 6, 5, 3)).astype(np.uint8)


def apply(raw: np.ndarray, epoch: int = 0, seed: int = 3, dtype: str = "float64", **fields) -> np.ndarray:
    transformer = Transformer(Transform(**fields), raw.shape[1:], raw.ndim == 4, seed, dtype)
    n = len(raw)
    return transformer(raw, np.full(n, epoch, np.int64), np.arange(n, dtype=np.int64))


def windows(picture: np.ndarray, pad: int, size: tuple[int, int]) -> list[np.ndarray]:
    padded = np.pad(picture, ((pad, pad), (pad, pad), (0, 0)))
    tops, lefts = padded.shape[0] - size[0] + 1, padded.shape[1] - size[1] + 1
    return [padded[y : y + size[0], x : x + size[1]] for y in range(tops) for x in range(lefts)]


def test_no_transform_only_casts(raw):
    got = apply(raw, dtype="float32")
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, raw)


def test_mean_a_channel_then_scale(raw):
    got = apply(raw, mean=(1.5, 2.5, 3.5), scale=0.25)
    np.testing.assert_array_equal(got, (raw - np.array([1.5, 2.5, 3.5])) * 0.25)


def test_one_mean_serves_all_channels(raw):
    np.testing.assert_array_equal(apply(raw, mean=(100.0,)), raw - 100.0)


def test_the_test_phase_takes_the_centre_and_never_mirrors(raw):
    got = apply(raw, pad=1, crop=4, mirror=True)
    np.testing.assert_array_equal(got, raw[:, 1:5, 0:4].astype(float))


def test_pad_alone_surrounds_with_zeros(raw):
    got = apply(raw, pad=2)
    np.testing.assert_array_equal(got, np.pad(raw, ((0, 0), (2, 2), (2, 2), (0, 0))).astype(float))


def test_training_crops_are_windows_of_the_padded_picture_mirrored_or_not(raw):
    seen_mirrored, seen_straight, places = 0, 0, set()
    for epoch in range(60):
        for picture, got in zip(raw, apply(raw, epoch, pad=2, crop=5, mirror=True, random=True), strict=True):
            candidates = windows(picture, 2, (5, 5))
            straight = [i for i, window in enumerate(candidates) if np.array_equal(window, got)]
            flipped = [i for i, window in enumerate(candidates) if np.array_equal(window[:, ::-1], got)]
            assert len(straight) + len(flipped) == 1
            seen_straight += len(straight)
            seen_mirrored += len(flipped)
            places.update(straight or flipped)
    # 420 fair coins lie within 4 standard deviations (41) of the half.
    assert abs(seen_mirrored - seen_straight) < 82
    assert len(places) == 6 * 5


def test_a_draw_depends_on_seed_epoch_and_sample_alone(raw):
    fields = {"pad": 2, "crop": 4, "mirror": True, "random": True}
    np.testing.assert_array_equal(apply(raw, 4, **fields), apply(raw, 4, **fields))
    assert not np.array_equal(apply(raw, 4, **fields), apply(raw, 5, **fields))
    assert not np.array_equal(apply(raw, 4, **fields), apply(raw, 4, seed=4, **fields))
    transformer = Transformer(Transform(**fields), raw.shape[1:], True, 3, "float64")
    alone = transformer(raw[5:6], np.array([4]), np.array([5]))
    np.testing.assert_array_equal(alone[0], apply(raw, 4, **fields)[5])


def test_mean_file_is_taken_at_the_place_of_the_crop_and_mirrored_with_it(tmp_path, raw):
    mean = np.random.default_rng(2).normal(size=(3, 6, 5))
    np.save(tmp_path / "m.npy", mean)
    fields = {"crop": 4, "mirror": True, "random": True, "mean_file": tmp_path / "m.npy"}
    taken = raw - np.moveaxis(mean, 0, 2)
    for picture, got in zip(taken, apply(raw, **fields), strict=True):
        candidates = windows(picture, 0, (4, 4))
        assert any(np.allclose(w, got, atol=1e-12) or np.allclose(w[:, ::-1], got, atol=1e-12) for w in candidates)


def test_mean_file_of_another_shape_is_refused(tmp_path, raw):
    np.save(tmp_path / "m.npy", np.zeros((3, 4, 4)))
    with pytest.raises(DataError, match=r"the mean is \[3, 4, 4\], the samples before pad and crop are \[3, 6, 5\]"):
        apply(raw, mean_file=tmp_path / "m.npy")


def test_vectors_take_mean_and_scale(raw):
    vectors = raw[:, :, 0, 0]
    np.testing.assert_array_equal(apply(vectors, mean=(2.0,), scale=0.5), (vectors - 2.0) * 0.5)


@pytest.mark.parametrize("fields", [{"pad": 1}, {"crop": 2}, {"mirror": True}])
def test_vectors_are_no_pictures(raw, fields):
    with pytest.raises(DataError, match="need pictures"):
        apply(raw[:, :, 0, 0], **fields)


def test_a_crop_larger_than_the_picture_is_refused(raw):
    with pytest.raises(DataError, match="crop_size 8 is larger than the pictures, 8 x 7"):
        apply(raw, pad=1, crop=8)


def test_a_mean_for_other_channels_is_refused(raw):
    with pytest.raises(DataError, match="mean has 2 values, the pictures have 3 channels"):
        apply(raw, mean=(1.0, 2.0))
