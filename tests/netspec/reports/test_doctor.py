"""doctor: every part is tried; what breaks is a failed check, not a traceback."""

from __future__ import annotations

import json

import pytest

from netspec.reports import doctor
from netspec.reports.devices import devices, known
from runtime.errors import UsageError

NAMES = ["python", "packages", "yaml", "cpu", "threads", "cache", "kernels", "determinism", "data", "extras"]


@pytest.fixture(scope="module")
def diagnosis():
    return doctor.diagnose()


def test_this_machine_is_healthy(diagnosis):
    assert [check for check in diagnosis.checks if not check.passed] == []


def test_every_part_is_looked_at(diagnosis):
    assert [check.name for check in diagnosis.checks] == NAMES


def test_the_document_has_the_keys_of_the_interface(diagnosis):
    document = json.loads(json.dumps(diagnosis.to_dict()))
    assert document["passed"] is True
    assert list(document["checks"][0]) == ["name", "passed", "detail"]


def test_a_check_that_breaks_is_reported_with_its_reason():
    def broken():
        raise OSError("no such processor")

    check = doctor._run("cpu", broken)
    assert check == doctor.Check("cpu", False, "OSError: no such processor")


def test_a_data_root_that_is_no_folder_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path / "nowhere"))
    passed, detail = doctor._data()
    assert not passed
    assert "which is not a folder" in detail


def test_devices_are_those_that_a_net_can_be_opened_on():
    assert [device.name for device in devices()] == ["cpu", "reference"]
    assert known("reference") == "reference"
    with pytest.raises(UsageError, match=r"no device 'cuda:0'; devices: cpu, reference"):
        known("cuda:0")
