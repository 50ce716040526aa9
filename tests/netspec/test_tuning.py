"""tuning: what is measured is remembered, checked and shared; a damaged file is measured again."""

from __future__ import annotations

import json
import os

import pytest
from way_cases import cases

import netspec.tuning
from netspec.tuning import Tuner, key_of, memory_path, read, write
from runtime.cache import CacheWarning
from runtime.ways import DIRECT, WINOGRAD_4

WAYS = (DIRECT, WINOGRAD_4)
CASE = cases(2, 8, 12, 8, 3, pad=1)["Conv"]


@pytest.fixture
def measured(monkeypatch):
    """Trials that run nothing; the cases they were made for."""
    made = []

    class FakeTrial:
        def __init__(self, case, ways, device, threads):
            made.append(case)
            self.ways = ways

        def seconds(self):
            return {way: 0.5 + 0.25 * k for k, way in enumerate(self.ways)}

        def close(self):
            pass

    monkeypatch.setattr(netspec.tuning, "Trial", FakeTrial)
    return made


@pytest.fixture
def path(tmp_path, monkeypatch):
    """The file of a machine whose cache is an empty folder."""
    path = tmp_path / "ways-test.json"
    monkeypatch.setattr(netspec.tuning, "memory_path", lambda threads, device: path)
    return path


def test_what_a_gpu_takes_is_remembered_apart():
    paths = {memory_path(1), memory_path(2), memory_path(1, "cuda"), memory_path(1, "cuda:1")}
    assert len(paths) == 4


def test_a_case_is_measured_once_and_remembered_for_the_next_process(path, measured):
    tuner = Tuner("cpu", 1)
    assert tuner(CASE, WAYS) == tuner(CASE, WAYS) == {DIRECT: 0.5, WINOGRAD_4: 0.75}
    assert Tuner("cpu", 1)(CASE, WAYS) == {DIRECT: 0.5, WINOGRAD_4: 0.75}
    assert measured == [CASE]


def test_a_new_way_measures_all_of_them_again(path, measured):
    Tuner("cpu", 1)(CASE, (DIRECT,))
    assert set(Tuner("cpu", 1)(CASE, WAYS)) == set(WAYS)
    assert len(measured) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"0.5", b"0.1"),
        lambda data: b"\xff\xfe",
        lambda data: b"[]",
        lambda data: b'{"crc32": 0}',
        lambda data: b"",
    ],
    ids=["cut", "changed", "no text", "a list", "no figures", "empty"],
)
def test_a_damaged_file_is_measured_again_and_made_whole(path, measured, damage):
    Tuner("cpu", 1)(CASE, WAYS)
    path.write_bytes(damage(path.read_bytes()))
    assert read(path) == {}
    assert Tuner("cpu", 1)(CASE, WAYS) == {DIRECT: 0.5, WINOGRAD_4: 0.75}
    assert len(measured) == 2
    assert read(path) == {key_of(CASE): {DIRECT: 0.5, WINOGRAD_4: 0.75}}


@pytest.mark.parametrize("content", [None, [], {"a case": None}])
def test_a_file_of_another_form_counts_as_absent(path, content):
    write(path, content)
    assert read(path) == {}


def test_what_another_process_measured_meanwhile_is_kept(path, measured):
    tuner = Tuner("cpu", 1)
    write(path, {"another": {DIRECT: 1.0}})
    tuner(CASE, WAYS)
    assert set(read(path)) == {"another", key_of(CASE)}


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path, measured, monkeypatch):
    monkeypatch.setattr(netspec.tuning, "memory_path", lambda threads, device: tmp_path / "absent" / "ways.json")
    with pytest.warns(CacheWarning, match="what was measured is not kept"):
        assert Tuner("cpu", 1)(CASE, WAYS)[DIRECT] == 0.5


def test_writing_leaves_nothing_else_behind(path):
    write(path, {"a": {DIRECT: 1.0}})
    write(path, {"b": {DIRECT: 2.0}})
    assert os.listdir(path.parent) == [path.name]
    assert json.loads(path.read_text())["seconds"] == {"b": {DIRECT: 2.0}}


def test_cases_that_differ_have_keys_that_differ():
    found = [*cases(2, 8, 12, 8, 3, pad=1).values(), cases(3, 8, 12, 8, 3, pad=1)["Conv"]]
    found += [cases(2, 8, 12, 8, 3, pad=1, **more)["Conv"] for more in ({"dtype": "f64"}, {"fixed": True})]
    assert len({key_of(case) for case in found}) == len(found)


def test_the_file_is_of_this_machine_and_number_of_threads():
    one, two = memory_path(1), memory_path(2)
    assert one is not None
    assert one.parent == two.parent
    assert one.name != two.name == memory_path(2).name
