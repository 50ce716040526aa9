"""Where ``--output`` and ``--resume`` begin."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from netspec.training.resume import check_fits, find_start, seed_of
from runtime.errors import StateError, UsageError
from runtime.snapshot import Snapshot, file_name, save


def put(folder, iteration: int, **fields) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / file_name(iteration), Snapshot(tensors={"w": np.ones(3)}, iteration=iteration, seed=9, **fields))


def test_without_resume_a_run_begins_afresh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = find_start("net", None, None)
    assert (str(start.output), start.snapshot, start.resuming) == ("runs/net-1", None, False)


def test_a_file_alone_goes_on_in_its_folder(tmp_path):
    put(tmp_path / "r", 5)
    start = find_start("net", None, tmp_path / "r" / file_name(5))
    assert (start.output, start.snapshot.iteration) == (tmp_path / "r", 5)
    elsewhere = find_start("net", tmp_path / "other", tmp_path / "r" / file_name(5))
    assert elsewhere.output == tmp_path / "other"


def test_a_folder_takes_its_newest_snapshot(tmp_path):
    put(tmp_path / "r", 5)
    put(tmp_path / "r", 20)
    assert find_start("net", None, tmp_path / "r").snapshot.iteration == 20


def test_a_folder_without_a_snapshot_cannot_be_resumed(tmp_path):
    with pytest.raises(StateError, match="no snapshot to resume from"):
        find_start("net", None, tmp_path)


def test_auto_starts_afresh_where_there_is_none(tmp_path):
    (tmp_path / "r").mkdir()
    for output in (tmp_path / "r", tmp_path / "absent"):
        start = find_start("net", output, "auto")
        assert (start.output, start.snapshot, start.resuming) == (output, None, True)


def test_auto_passes_over_a_damaged_snapshot_and_says_so(tmp_path):
    put(tmp_path / "r", 5)
    put(tmp_path / "r", 20)
    damaged = tmp_path / "r" / file_name(20)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    start = find_start("net", tmp_path / "r", "auto")
    assert start.snapshot.iteration == 5
    assert file_name(20) in start.notes[0]


def test_auto_without_an_output_takes_the_last_run_of_the_net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "runs" / "net-1", 5)
    put(tmp_path / "runs" / "net-2", 7)
    assert find_start("net", None, "auto").snapshot.iteration == 7
    assert str(find_start("new", None, "auto").output) == "runs/new-1"


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"--resume .*: no such file or folder"):
        find_start("net", None, tmp_path / "absent")


def test_the_seed_of_the_snapshot_counts(tmp_path):
    put(tmp_path / "r", 5)
    start = find_start("net", None, tmp_path / "r")
    assert seed_of(start, None, 0) == 9
    assert seed_of(start, 9, 0) == 9
    with pytest.raises(UsageError, match=r"--seed 4: the run of .* began with seed 9"):
        seed_of(start, 4, 0)
    fresh = find_start("net", tmp_path / "new", None)
    assert (seed_of(fresh, None, 6), seed_of(fresh, 4, 6)) == (6, 4)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"w": (3,), "b": (1,)}, "it has no b"),
        ({"w": (4,)}, r"w is \[3\], here \[4\]"),
        ({}, "it has w, this one does not"),
    ],
)
def test_a_snapshot_of_another_net_is_refused_by_name(tmp_path, shapes, message):
    states = {name: SimpleNamespace(view=SimpleNamespace(shape=shape)) for name, shape in shapes.items()}
    with pytest.raises(StateError, match=message):
        check_fits(tmp_path / "s", Snapshot(tensors={"w": np.ones(3)}), states)


@pytest.mark.parametrize("name", ["a" * 300, "nul\0"])
def test_a_name_that_cannot_be_there_is_a_usage_error(tmp_path, name):
    with pytest.raises(UsageError, match="no such file"):
        find_start("net", None, tmp_path / name)
