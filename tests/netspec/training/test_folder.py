"""The rules of a run's folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netspec.training import folder
from runtime.errors import StateError


def test_runs_are_numbered_from_one_with_the_smallest_free_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(folder.default_folder("lenet")) == "runs/lenet-1"
    for n in (1, 3):
        (tmp_path / "runs" / f"lenet-{n}").mkdir(parents=True)
    assert str(folder.default_folder("lenet")) == "runs/lenet-2"
    assert str(folder.last_folder("lenet")) == "runs/lenet-3"
    assert folder.last_folder("other") is None


@pytest.mark.parametrize(
    ("name", "expected"), [("../../etc", "etc"), ("a/b c", "a-b-c"), ("", "net"), ("..", "net"), ("ü", "net")]
)
def test_a_name_never_leaves_the_folder_runs(tmp_path, monkeypatch, name, expected):
    monkeypatch.chdir(tmp_path)
    assert str(folder.default_folder(name)) == f"runs/{expected}-1"


def test_a_folder_that_is_not_empty_is_refused_untouched(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(StateError, match=r"not empty; take another --output, or go on with --resume auto"):
        folder.check(tmp_path, resuming=False)
    with pytest.raises(StateError, match=r"not the folder of a run \(it holds notes.txt\)"):
        folder.check(tmp_path, resuming=True)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_or_absent_folder_and_that_of_a_run_are_accepted(tmp_path):
    folder.check(tmp_path, resuming=False)
    folder.check(tmp_path / "absent", resuming=False)
    (tmp_path / "log.jsonl").touch()
    folder.check(tmp_path, resuming=True)
    assert not (tmp_path / "absent").exists()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(StateError, match="is no folder"):
        folder.check(tmp_path / "f", resuming=False)


def test_claiming_makes_the_folder_and_leaves_it_empty(tmp_path):
    folder.claim(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_cannot_be_made_names_the_errno(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(StateError, match=r"cannot be written: Not a directory \(errno 20\)"):
        folder.claim(tmp_path / "f" / "run")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_found_at_the_start(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StateError, match=r"errno 13"):
        folder.claim(tmp_path)


def test_a_full_disk_leaves_no_trial_file(tmp_path, monkeypatch):
    def full(self, data):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StateError, match=r"errno 28"):
        folder.claim(tmp_path / "run")
    assert list((tmp_path / "run").iterdir()) == []


def test_a_folder_that_cannot_be_read_names_the_errno(tmp_path, monkeypatch):
    def denied(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(StateError, match=r"cannot be read: Permission denied \(errno 13\)"):
        folder.check(tmp_path, resuming=True)


def test_of_two_runs_that_begin_in_one_folder_the_second_is_refused(tmp_path):
    folder.write_spec(tmp_path, "one", resuming=False)
    with pytest.raises(StateError, match="another run has just begun there; take another --output"):
        folder.write_spec(tmp_path, "two", resuming=False)
    assert (tmp_path / folder.SPEC).read_text() == "one"
    folder.write_spec(tmp_path, "three", resuming=True)
    assert (tmp_path / folder.SPEC).read_text() == "three"
