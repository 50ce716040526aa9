"""Whatever the bytes of a data file are, a reader gives samples or a DataError that names the file."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runtime.data.open import open_stream
from runtime.data.recipe import CsvFile, Hdf5Files, ImageFiles, NpzFile, Recipe, TextFile, Transform
from runtime.errors import DataError

READERS = {
    "csv": lambda path: CsvFile(path=path, columns=(("a",), ("b",)), single=(True, True)),
    "text": lambda path: TextFile(path=path, steps=2),
    "list": lambda path: ImageFiles(path=path, base=path.parent, is_folder=False, least=1),
    "picture": lambda path: ImageFiles(path=path.parent / "list.txt", base=path.parent, is_folder=False, least=1),
    "hdf5": lambda path: Hdf5Files(path=path, arrays=("a", "b")),
    "npz": lambda path: NpzFile(path=path, arrays=("a", "b")),
}
SEEDS = (
    b"a,b\n1,2\n3,4\n",
    b'"a",b\n"1,\n2"',
    b"file 0\nfile 1\n",
    b"\x89PNG\r\n\x1a\n",
    b"\x89HDF\r\n\x1a\n",
    b"PK\x03\x04",
)


@pytest.mark.parametrize("kind", READERS)
@given(start=st.sampled_from((b"", *SEEDS)), data=st.binary(max_size=200))
@example(start=b"", data=b"")
@example(start=b"a,b\n", data=b"1," + b"9" * 5000 + b"\n")
@example(start=b"", data=b"\xff\xfe" * 50)
@example(start=b"", data=b"\0 0\n")
@example(start=b"", data=b"\xed\xa0\x80 0\n")
@example(start=b"", data=b"x" * 300 + b" 0\n")
@example(start=b"GIF89a", data=b"\xff" * 60)
@settings(max_examples=60, deadline=None)
def test_no_bytes_end_in_anything_but_samples_or_a_data_error(tmp_path_factory, kind, start, data):
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "file"
    path.write_bytes(start + data)
    (folder / "list.txt").write_text("file 0\n")
    crop = Transform(crop=1) if kind in ("list", "picture") else Transform()
    recipe = Recipe(name=kind, files=READERS[kind](path), tops=("a", "b"), batch_size=2, transform=crop)
    with suppress(DataError):
        assert len(open_stream(recipe, seed=0).next()) == 2
