"""report.html of a run: when it is written, what it covers, what it may cost."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest
from training_support import events, small_spec

from netspec.reports.run import RunFacts
from netspec.training import folder
from netspec.training.report import RunReport
from netspec.training.trainer import Trainer
from runtime.errors import NetspecError, NumericError


def train(spec, output, **fields):
    return Trainer(spec, output, device="reference", quiet=True, **fields).run()


@pytest.fixture
def run(tmp_path):
    """A folder with a short log, and its report with the warnings it gave."""
    (tmp_path / "log.jsonl").write_text('{"event": "start", "iter": 0, "time": 0}\n')
    warnings: list[str] = []
    report = RunReport(tmp_path, lambda: RunFacts(name="net"), warnings.append)
    return SimpleNamespace(report=report, folder=tmp_path, path=tmp_path / "report.html", warnings=warnings)


def test_a_run_leaves_a_page_of_itself(tmp_path):
    result = train(small_spec(tmp_path), tmp_path / "r")
    text = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert f"done, 30 iterations, {result.seconds:.1f}"[:20] in text
    assert f"accuracy {result.outputs['accuracy']:.4g}" in text
    for told in ("SoftmaxWithLoss", "training loss", "reference", f"--resume {tmp_path / 'r'}", "lr_policy: poly"):
        assert told in text
    assert f"netspec test {tmp_path / 'r' / 'spec.yaml'} --weights" in text
    assert str(tmp_path / "small.yaml") in text


def test_the_page_is_there_while_the_run_goes_on(tmp_path, monkeypatch):
    found = []
    write = folder.replace

    def watched(path, data):
        write(path, data)
        found.append(data.decode())

    monkeypatch.setattr(folder, "replace", watched)
    train(small_spec(tmp_path, test_interval=10), tmp_path / "r")
    assert "under way when this page was written, or killed, 0 iterations" in found[0]
    assert "done, 30 iterations" in found[-1]


def test_after_a_resume_the_page_covers_the_whole_log(tmp_path):
    spec = small_spec(tmp_path, snapshot=10)
    train(spec, tmp_path / "r", max_iter=20)
    train(spec, tmp_path / "r", resume=tmp_path / "r" / "snapshot_000010.safetensors")
    text = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert "0 to 20 in" in text
    assert "10 to 30 in" in text
    first = next(e for e in events(tmp_path / "r", "test"))["outputs"]["loss"]
    assert f"test: {first:.4g} at iteration 0" in text


def test_a_run_that_diverges_leaves_a_page_that_says_so(tmp_path):
    with pytest.raises(NumericError), np.errstate(all="ignore"):
        train(small_spec(tmp_path), tmp_path / "r", overrides={"solver.base_lr": 1e30, "solver.weight_decay": 1e8})
    assert "stopped: a value was not finite (exit code 5)" in (tmp_path / "r" / "report.html").read_text()


def test_a_page_that_cannot_be_written_costs_a_warning_and_not_the_run(tmp_path, monkeypatch, capsys):
    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "replace", full)
    assert train(small_spec(tmp_path), tmp_path / "r").iteration == 30
    warning = "warning: report.html: No space left on device (errno 28); training goes on\n"
    assert capsys.readouterr().err == warning
    assert not (tmp_path / "r" / "report.html").exists()


def test_a_full_disk_leaves_the_old_page_whole(run, monkeypatch):
    run.report.write()
    before = run.path.read_bytes()

    def full(self, data):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(run.path), "write_bytes", full)
    run.report.write()
    assert run.path.read_bytes() == before
    assert sorted(p.name for p in run.folder.iterdir()) == ["log.jsonl", "report.html"]
    assert len(run.warnings) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_costs_a_warning(run):
    run.folder.chmod(0o500)
    run.report.write()
    run.folder.chmod(0o700)
    assert "errno 13" in run.warnings[0]


def test_a_folder_that_has_gone_costs_one_warning(run):
    (run.folder / "log.jsonl").unlink()
    run.report.write()
    run.report.write()
    assert run.warnings == ["report.html: No such file or directory (errno 2); training goes on"]


def test_what_cannot_be_told_of_the_net_costs_the_page_alone(tmp_path):
    def facts() -> RunFacts:
        raise NetspecError("no room")

    warnings: list[str] = []
    RunReport(tmp_path, facts, warnings.append).write()
    assert warnings == ["report.html: no room; training goes on"]


def test_pages_take_a_small_part_of_the_time(run, monkeypatch):
    clock = iter([100.0, 100.0, 101.0, 120.9, 121.0, 121.0, 121.5])
    monkeypatch.setattr("netspec.training.report.time.monotonic", lambda: next(clock))
    run.report()  # from 100 to 101 s
    run.path.unlink()
    run.report()
    assert not run.path.exists()
    run.report()
    assert run.path.exists()


def test_lines_that_a_crash_cut_off_are_passed_over(run):
    with (run.folder / "log.jsonl").open("ab") as log:
        log.write(
            b'{"event": "disp\n\xff\xfe\n{"event": "end", "iter": 7, "time": 2, "reason": "done", "exit_code": 0}\n'
        )
    run.report.write()
    assert "done, 7 iterations, 2.0 s" in run.path.read_text()
    assert run.warnings == []


def test_the_page_can_be_read_as_widely_as_the_other_files(run):
    run.report.write()
    assert run.path.stat().st_mode == (run.folder / "log.jsonl").stat().st_mode
