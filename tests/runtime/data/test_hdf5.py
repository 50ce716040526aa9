"""HDF5 files: datasets by name, lists of files, and nothing that leads to another file."""

from __future__ import annotations

import sys
from contextlib import suppress

import numpy as np
import pytest

from runtime.data.hdf5 import read_hdf5
from runtime.data.hdf5_file import headers_of
from runtime.data.recipe import Hdf5Files
from runtime.errors import DataError, UsageError

h5py = pytest.importorskip("h5py")
RNG = np.random.default_rng(0)


def write(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def read(path, *arrays: str, **fields):
    return read_hdf5(Hdf5Files(path=path, arrays=arrays or ("data", "label"), **fields))


def test_the_datasets_are_the_tops(tmp_path):
    data, label = RNG.normal(size=(5, 3, 4, 6)).astype(np.float32), np.arange(5, dtype=np.int16)
    path = write(tmp_path / "a.h5", data=data, label=label, more=np.zeros((5, 2), ">f4"))
    items = read(path, "data", "label", "more")
    np.testing.assert_array_equal(np.moveaxis(items.arrays[0][np.arange(5)], 3, 1), data)
    assert items.arrays[1].tolist() == [0, 1, 2, 3, 4]
    assert (items.pictures, items.is_label(1), items.is_label(2)) == (True, True, False)
    assert items.arrays[2].dtype == np.dtype("=f4")


def test_a_dataset_may_lie_in_a_group(tmp_path):
    path = write(tmp_path / "a.h5", **{"g/data": np.arange(3.0)})
    assert read(path, "g/data").arrays[0].tolist() == [0, 1, 2]
    assert headers_of(path, ("g/data",)) == [((3,), False)]


def test_the_files_of_a_list_follow_each_other(tmp_path):
    for k in range(3):
        write(tmp_path / f"{k}.h5", data=np.full((k + 1, 2), float(k)), label=np.full(k + 1, k))
    (tmp_path / "list.txt").write_text("0.h5\n\n2.h5\n1.h5\n")
    items = read(tmp_path / "list.txt")
    assert items.arrays[1].tolist() == [0, 2, 2, 2, 1, 1]
    assert headers_of(tmp_path / "list.txt", ("label",)) == [((1,), True)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a.h5\nabsent.h5\n", r"list.txt:2: absent.h5: no such file \(list.txt is no HDF5 file, so it lists some\)"),
        ("../a.h5\n", r"list.txt:1: ../a.h5 leads out of "),
        ("list.txt\n", r"list.txt: not an HDF5 file \(offset 0\)"),
        ("a.h5\nwide.h5\n", r"wide.h5: samples of data are \[3\], those of a.h5 \[2\]"),
        (" \n", r"list.txt: neither an HDF5 file nor a list of them"),
    ],
)
def test_a_list_that_is_wrong_says_where(tmp_path, lines, message):
    write(tmp_path / "a.h5", data=np.zeros((2, 2)), label=np.zeros(2))
    write(tmp_path / "wide.h5", data=np.zeros((2, 3)), label=np.zeros(2))
    (tmp_path / "list.txt").write_text(lines)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "list.txt")


def test_what_does_not_fit_is_named(tmp_path):
    path = write(tmp_path / "a.h5", data=np.zeros((3, 2)), label=np.zeros(4), one=np.float64(1), word=np.bytes_("x"))
    with pytest.raises(DataError, match="different numbers of samples: data has 3, label has 4"):
        read(path)
    with pytest.raises(DataError, match="no dataset 'image', it holds data, label, one, word; name them with arrays"):
        read(path, "image")
    with pytest.raises(DataError, match="one has no axes"):
        read(path, "one")
    with pytest.raises(DataError, match="are no plain numbers"):
        read(path, "word")
    with pytest.raises(DataError, match=r"samples of 'data' are \[2\], the spec says shape: \[3\]"):
        read(path, "data", item=(3,))


def test_values_that_lie_in_other_files_are_not_read(tmp_path):
    other = write(tmp_path / "other.h5", data=np.arange(3.0))
    (tmp_path / "secret").write_bytes(bytes(24))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["link"] = h5py.ExternalLink(str(other), "data")
        file["group"] = h5py.ExternalLink(str(other), "/")
        file["soft"] = h5py.SoftLink("/link")
        file.create_dataset("raw", (3,), "f8", external=[(str(tmp_path / "secret"), 0, 24)])
        layout = h5py.VirtualLayout(shape=(3,), dtype="f8")
        layout[:] = h5py.VirtualSource(str(other), "data", shape=(3,))
        file.create_virtual_dataset("virtual", layout)
    for name in ("link", "group/data", "soft"):
        with pytest.raises(DataError, match="no dataset"):
            read(tmp_path / "a.h5", name)
    for name in ("raw", "virtual"):
        with pytest.raises(DataError, match="its values lie in other files"):
            read(tmp_path / "a.h5", name)


def test_a_dataset_that_claims_more_than_the_file_can_hold_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", (10**9, 1000), "f8", chunks=(1, 1000))
    with pytest.raises(DataError, match="claims 8000000000000 bytes, the file can hold"):
        read(tmp_path / "a.h5", "data")


@pytest.mark.parametrize("keep", [8, 40, 600, 2100])
def test_a_file_cut_short_is_a_data_error(tmp_path, keep):
    path = write(tmp_path / "a.h5", data=RNG.normal(size=(40, 30)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="damaged"):
        read(path, "data")


def test_bytes_turned_over_never_end_in_a_traceback(tmp_path):
    path = write(tmp_path / "a.h5", data=np.arange(200.0))
    whole = path.read_bytes()
    for place in range(8, len(whole), 41):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(DataError):
            assert len(read(path, "data").arrays[0]) > 0


@pytest.mark.parametrize("error", [RuntimeError("overflow"), ValueError("no such precision"), TypeError("no type")])
def test_a_header_that_h5py_cannot_make_sense_of_is_a_data_error(tmp_path, monkeypatch, error):
    def fail(_):
        raise error

    path = write(tmp_path / "a.h5", data=np.arange(3.0))
    monkeypatch.setattr(h5py.Dataset, "dtype", property(fail))
    with pytest.raises(DataError, match=f"data: damaged: {error}"):
        read(path, "data")


def test_without_h5py_the_extra_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "a.h5", data=np.zeros(3))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"source hdf5 needs h5py: pip install 'netspec\[hdf5\]'"):
        read(path, "data")
