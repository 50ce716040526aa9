"""CIFAR-10's binary batches."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.data.cifar import read_batches
from runtime.data.recipe import CifarFiles
from runtime.errors import DataError


@pytest.fixture
def records() -> np.ndarray:
    records = np.random.default_rng(0).integers(0, 256, (6, 3073)).astype(np.uint8)
    records[:, 0] = np.arange(6)
    return records


def files(folder) -> CifarFiles:
    return CifarFiles(folders=(folder / "none", folder), names=("one.bin", "two.bin"), hint="set data.root")


def test_batches_are_joined_and_pictures_have_their_channels_last(tmp_path, records):
    (tmp_path / "one.bin").write_bytes(records[:4].tobytes())
    (tmp_path / "two.bin").write_bytes(records[4:].tobytes())
    items = read_batches(files(tmp_path))
    everything = np.arange(6)
    expected = records[:, 1:].reshape(6, 3, 32, 32).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(items.arrays[0][everything], expected)
    np.testing.assert_array_equal(items.arrays[1][everything], everything)
    assert items.item_shape(0) == (3, 32, 32)


def test_a_batch_cut_short_is_refused(tmp_path, records):
    (tmp_path / "one.bin").write_bytes(records.tobytes()[:-1])
    (tmp_path / "two.bin").write_bytes(records.tobytes())
    with pytest.raises(DataError, match=r"18437 bytes is no multiple of a record's 3073 \(offset 15365\)"):
        read_batches(files(tmp_path))


def test_a_label_byte_above_nine_names_the_record(tmp_path, records):
    records[2, 0] = 77
    (tmp_path / "one.bin").write_bytes(records.tobytes())
    (tmp_path / "two.bin").write_bytes(records.tobytes())
    with pytest.raises(DataError, match=r"one.bin: record 2 has label 77, expected 0 to 9 \(offset 6146\)"):
        read_batches(files(tmp_path))


def test_a_missing_batch_is_a_data_error(tmp_path, records):
    with pytest.raises(
        DataError, match=r"one.bin: No such file or directory \(errno 2\)\n.*one.bin, two.bin; set data.root"
    ):
        read_batches(files(tmp_path))
    (tmp_path / "one.bin").write_bytes(records.tobytes())
    with pytest.raises(DataError, match=r"two.bin: No such file"):
        read_batches(files(tmp_path))
