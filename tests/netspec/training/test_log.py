"""log.jsonl to the letter of INTERFACES.md."""

from __future__ import annotations

import json

import pytest

from netspec.training.log import RunLog
from runtime.errors import StateError


def test_a_line_is_one_object_and_is_there_at_once(tmp_path):
    log = RunLog(tmp_path / "log.jsonl")
    log.write("start", 0, name="ä")
    (line,) = (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert list(json.loads(line)) == ["event", "iter", "time", "name"]
    log.close()


def test_numbers_that_are_not_finite_are_strings(tmp_path):
    log = RunLog(tmp_path / "log.jsonl")
    log.write("display", 3, loss=float("nan"), outputs={"a": float("inf"), "b": float("-inf"), "c": [1.5]})
    log.close()
    record = json.loads((tmp_path / "log.jsonl").read_text())
    assert (record["loss"], record["outputs"]) == ("nan", {"a": "inf", "b": "-inf", "c": [1.5]})


def test_half_a_line_of_a_killed_writer_is_not_glued_to_the_next(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"event":"start"}\n{"event":"dis')
    log = RunLog(tmp_path / "log.jsonl")
    log.write("start", 5)
    log.write("end", 5)
    log.close()
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines[2:]] == ["start", "end"]


def test_a_log_that_cannot_be_opened_is_a_state_error(tmp_path):
    with pytest.raises(StateError, match=r"cannot be written: Is a directory \(errno 21\)"):
        RunLog(tmp_path)
