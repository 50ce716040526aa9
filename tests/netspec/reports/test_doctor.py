"""doctor: every part is tried; what breaks is a failed check, not a traceback."""

from __future__ import annotations

import json

import pytest

from netspec.reports import devices as machine
from netspec.reports import doctor
from netspec.reports.devices import devices, known, known_kind, to_dict, to_text, why_no_gpu
from runtime.cuda.driver import Properties
from runtime.errors import UsageError

NAMES = ["python", "packages", "yaml", "cpu", "threads", "cache", "kernels", "determinism", "cuda", "data", "extras"]


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


HOPPER = Properties("Fake Hopper", (9, 0), 132, 141 * 10**9, 227 * 1024)


def no_extra() -> tuple[Properties, ...]:
    raise UsageError("the device cuda needs the extra netspec[cuda]")


def test_without_a_gpu_the_devices_are_the_cpu_and_the_reference(monkeypatch):
    monkeypatch.setattr(machine, "found_gpus", no_extra)
    found = devices()
    assert [device.name for device in found] == ["cpu", "reference"]
    assert known("reference") == "reference"
    for name in ("cuda", "cuda:0", "cuda:7"):
        with pytest.raises(UsageError, match=r"^the device cuda needs the extra netspec\[cuda\]$"):
            known(name)
        assert known_kind(name) == name, "a plan can be made for it"
    assert to_text(found, why_no_gpu()).endswith("\nno GPU: the device cuda needs the extra netspec[cuda]\n")
    assert doctor._cuda() == (True, "no GPU: the device cuda needs the extra netspec[cuda]")


def test_gpus_are_listed_by_number(monkeypatch):
    monkeypatch.setattr(machine, "found_gpus", lambda: (HOPPER, HOPPER))
    found = devices()
    assert [device.name for device in found] == ["cpu", "cuda:0", "cuda:1", "reference"]
    assert to_dict(found)["devices"][2] == {
        "name": "cuda:1",
        "kind": "cuda",
        "cores": 132,
        "memory": 141 * 10**9,
        "model": "Fake Hopper, compute capability 9.0",
    }
    assert [known(name) for name in ("cuda", "cuda:1")] == ["cuda", "cuda:1"]
    with pytest.raises(UsageError, match=r"no device 'cuda:2'; devices: cpu, cuda:0, cuda:1, reference"):
        known("cuda:2")
    with pytest.raises(UsageError, match="one GPU at a time"):
        known("cuda:0,cuda:1")
    assert "no GPU" not in to_text(found, why_no_gpu())
