"""Archives of arrays: no pickle, no claim believed unchecked."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from runtime.data.npy import npz_headers
from runtime.data.npz import load, load_npy, read_digits, read_npz
from runtime.data.recipe import DigitsFiles, NpzFile
from runtime.errors import DataError


def write_member(path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)


def npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["u1", "i2", "<i8", ">i4", "f2", "<f4", ">f8", "?"])
def test_arrays_of_plain_numbers_read_back(tmp_path, save, kind):
    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    save(tmp_path / "a.npz", x=array, y=np.asfortranarray(array), z=np.float32(3))
    for name in "xy":
        got = load(tmp_path / "a.npz", name)
        assert got.dtype.isnative
        assert got.flags.c_contiguous
        np.testing.assert_array_equal(got, array)
    header = npz_headers(tmp_path / "a.npz")["x"]
    assert (header.shape, header.is_integer) == ((2, 3, 4), np.dtype(kind).kind in "iub")


def test_objects_are_refused_because_they_would_be_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    with pytest.raises(DataError, match=r"a\.npz: x: not an array of plain numbers"):
        load(tmp_path / "a.npz", "x")


def test_a_header_that_claims_more_than_the_file_holds_is_refused(tmp_path):
    data = npy_bytes(np.zeros((3, 2), np.uint8)).replace(b"(3, 2), }", b"(3000000000000, 2), }"[:21])
    write_member(tmp_path / "a.npz", "x.npy", data)
    with pytest.raises(DataError, match=r"x: the header claims 6000000000000 bytes \|u1"):
        load(tmp_path / "a.npz", "x")


def test_an_absent_array_lists_those_that_are_there(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros(3), labels=np.zeros(3))
    with pytest.raises(DataError, match="no array 'data', it holds images, labels"):
        load(tmp_path / "a.npz", "data")


@pytest.mark.parametrize("data", [b"junk" * 20, b"PK\3\4" + bytes(60), b"PK\5\6" + bytes(18) + b"x"])
def test_what_is_no_archive_is_a_data_error(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.npz"):
        load(tmp_path / "a.npz", "x")


def test_every_flipped_byte_is_a_data_error_or_harmless(tmp_path):
    array = np.arange(40, dtype=np.uint8).reshape(2, 20)
    np.savez_compressed(tmp_path / "a.npz", x=array)
    good, refused = (tmp_path / "a.npz").read_bytes(), []
    for place in range(len(good)):
        data = bytearray(good)
        data[place] ^= 0x55
        (tmp_path / "b.npz").write_bytes(bytes(data))
        try:
            got = load(tmp_path / "b.npz", "x")
        except DataError as error:
            refused.append(str(error))
        else:
            np.testing.assert_array_equal(got, array)
    assert all("b.npz" in message for message in refused)
    assert len(refused) > len(good) // 4


def test_a_mean_file_cut_short_is_refused(tmp_path):
    data = npy_bytes(np.zeros((3, 4, 4), np.float32))
    (tmp_path / "m.npy").write_bytes(data[:-1])
    with pytest.raises(DataError, match="191 bytes of values, the header claims 192"):
        load_npy(tmp_path / "m.npy")


def test_an_archive_that_disagrees_with_the_declared_shape_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", data=np.zeros((5, 3, 4, 4)), label=np.zeros(5, np.int64))
    files = NpzFile(path=tmp_path / "a.npz", arrays=("data", "label"), item=(3, 8, 8))
    with pytest.raises(DataError, match=r"samples of 'data' are \[3, 4, 4\], the spec says shape: \[3, 8, 8\]"):
        read_npz(files)


def test_the_two_halves_of_the_digits_are_every_fifth_and_the_rest():
    test, train = read_digits(DigitsFiles(test=True)), read_digits(DigitsFiles(test=False))
    assert (test.count, train.count) == (360, 1437)
    assert [test.number(i) for i in range(3)] == [0, 5, 10]
    assert [train.number(i) for i in range(5)] == [1, 2, 3, 4, 6]
    pictures = test.arrays[0][np.arange(360)]
    assert pictures.shape == (360, 8, 8, 1)
    assert int(pictures.max()) == 16
