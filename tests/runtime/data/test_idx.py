"""idx files: every claim of the header is checked against the bytes."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from runtime.data.idx import read_idx, read_pair
from runtime.data.recipe import IdxFiles
from runtime.errors import DataError


def idx_bytes(array: np.ndarray, code: int = 8) -> bytes:
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 4, 3)).astype(np.uint8)


@pytest.mark.parametrize("packed", [False, True])
def test_an_array_reads_back(tmp_path, images, packed):
    path = tmp_path / ("a.gz" if packed else "a")
    data = idx_bytes(images)
    path.write_bytes(gzip.compress(data) if packed else data)
    np.testing.assert_array_equal(read_idx(path), images)


@pytest.mark.parametrize(("code", "kind"), [(0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")])
def test_big_endian_types_come_out_native(tmp_path, code, kind):
    values = np.arange(6).reshape(2, 3).astype(kind)
    path = tmp_path / "a"
    path.write_bytes(idx_bytes(values, code))
    got = read_idx(path)
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, values)


def test_a_wrong_magic_names_the_offset(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"PK\3\4" + bytes(100))
    with pytest.raises(DataError, match=r"not an idx file: magic 504b0304 \(offset 0\)"):
        read_idx(path)


@pytest.mark.parametrize("length", [1, 3, 7, 15, 16, 40])
def test_a_file_cut_anywhere_says_where_it_ends(tmp_path, images, length):
    path = tmp_path / "a"
    path.write_bytes(idx_bytes(images)[:length])
    with pytest.raises(DataError, match=rf"ends at offset {length}|the file can hold {length} at most"):
        read_idx(path)


def test_a_longer_file_than_claimed_is_refused(tmp_path, images):
    path = tmp_path / "a"
    path.write_bytes(idx_bytes(images) + b"x")
    with pytest.raises(DataError, match="more bytes than the header claims \\(offset 76\\)"):
        read_idx(path)


@pytest.mark.parametrize("packed", [False, True])
def test_a_header_that_claims_terabytes_allocates_nothing(tmp_path, packed):
    data = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 1024, 1024) + bytes(100)
    path = tmp_path / ("a.gz" if packed else "a")
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(DataError, match="the header claims 2251799813685248 bytes"):
        read_idx(path)


def test_a_gzip_cut_short_is_truncated(tmp_path, images):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(idx_bytes(images))[:-12])
    with pytest.raises(DataError, match=r"truncated|bytes short"):
        read_idx(path)


def test_a_gzip_with_a_wrong_checksum_is_damaged(tmp_path, images):
    data = bytearray(gzip.compress(idx_bytes(images)))
    data[-8] ^= 1
    path = tmp_path / "a.gz"
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="damaged: CRC check failed"):
        read_idx(path)


def test_every_flipped_byte_of_a_gzip_is_a_data_error_or_harmless(tmp_path, images):
    good = gzip.compress(idx_bytes(images))
    path, refused = tmp_path / "a.gz", []
    for place in range(len(good)):
        data = bytearray(good)
        data[place] ^= 0xFF
        path.write_bytes(bytes(data))
        try:
            got = read_idx(path)
        except DataError as error:
            refused.append(str(error))
        else:  # time stamp, system: not part of the data
            np.testing.assert_array_equal(got, images)
    assert all("a.gz" in message for message in refused)
    assert len(refused) > len(good) // 2


def pair(folder, images, labels, name="img") -> IdxFiles:
    (folder / "img").write_bytes(idx_bytes(images))
    (folder / "lab").write_bytes(idx_bytes(labels))
    return IdxFiles(folders=(folder,), images=name, labels="lab", item=(1, 4, 3), hint="looked in X")


def test_a_pair_comes_with_the_channel_last(tmp_path, images):
    labels = np.arange(5, dtype=np.uint8)
    items = read_pair(pair(tmp_path, images, labels))
    assert items.item_shape(0) == (1, 4, 3)
    np.testing.assert_array_equal(items.arrays[0][np.arange(5)][..., 0], images)
    np.testing.assert_array_equal(items.arrays[1][np.arange(5)], labels)


def test_counts_that_differ_are_named(tmp_path, images):
    with pytest.raises(DataError, match="img has 5, lab has 4"):
        read_pair(pair(tmp_path, images, np.arange(4, dtype=np.uint8)))


def test_pictures_of_another_size_are_refused(tmp_path, images):
    with pytest.raises(DataError, match=r"samples are \[3, 4\], expected \[4, 3\]"):
        read_pair(pair(tmp_path, images.transpose(0, 2, 1).copy(), np.arange(5, dtype=np.uint8)))


def test_missing_files_say_where_they_were_looked_for(tmp_path, images):
    files = pair(tmp_path, images, np.arange(5, dtype=np.uint8), name="other")
    with pytest.raises(
        DataError, match=r"other: No such file .*\(errno 2\), nor other.gz\n  needed: other and lab; looked in X"
    ):
        read_pair(files)


def test_no_samples_at_all_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="no samples"):
        read_pair(pair(tmp_path, np.zeros((0, 4, 3), np.uint8), np.zeros(0, np.uint8)))
