"""Every file in tests/invalid with its exact message beside it, and every code provoked by one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.checking import check
from netspec.spec.codes import CODES
from netspec.spec.render import render

FOLDER = Path(__file__).parent / "invalid"
FILES = sorted(FOLDER.glob("*.yaml"))

NOT_PROVOKED = {
    "E101": "needs a file of more than 8 MiB: test_read makes one",
    "E108": "needs a file of more than 100,000 values: test_read makes one",
    "E242": "needs 33 files: test_files makes them",
    "E613": "names a file by its full path: test_checking makes one",
}


@pytest.fixture(autouse=True)
def _beside_the_files(monkeypatch):
    # messages name the file as it was given: without a folder they are the same everywhere
    monkeypatch.chdir(FOLDER)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_wrong_file_gets_exactly_the_message_beside_it(path):
    result = check(path.name)
    assert render(result.diagnostics, result.sources) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert result.ok == path.stem.startswith("warning_")


def test_every_code_is_provoked_by_a_file():
    provoked = {d.code for path in FILES for d in check(path.name).diagnostics}
    assert sorted(CODES.keys() - provoked) == sorted(NOT_PROVOKED)
    assert len(provoked) >= 45


def test_no_message_lacks_its_file():
    assert sorted(p.stem for p in FOLDER.glob("*.txt")) == [p.stem for p in FILES]
