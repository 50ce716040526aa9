"""``netspec train`` and ``netspec test``: exit codes, streams, JSON, signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from training_support import events, small_spec

from netspec.cli.main import main
from runtime.cpu.isa import detect
from runtime.cpu.objects import KernelCache
from runtime.errors import UsageError
from runtime.snapshot import load
from runtime.vector.kernel import Kernel

ROOT = Path(__file__).parents[3]


def run(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments), "--device", "reference"])


def test_train_then_test_report_the_same_figures_as_json(tmp_path):
    spec = small_spec(tmp_path)
    trained = run("train", spec, "--output", tmp_path / "r", "--format", "json")
    assert trained.exit_code == 0
    document = json.loads(trained.stdout)
    assert list(document) == ["output", "iteration", "outputs", "seconds"]
    assert (document["output"], document["iteration"]) == (str(tmp_path / "r"), 30)
    tested = run("test", spec, "--weights", tmp_path / "r" / "snapshot_000030.safetensors", "--format", "json")
    assert tested.exit_code == 0
    assert json.loads(tested.stdout) == {"outputs": document["outputs"], "samples": 360, "sources": {}}
    assert "loaded" in tested.stderr


def test_progress_goes_to_stderr_and_stdout_stays_empty(tmp_path):
    result = run("train", small_spec(tmp_path), "--output", tmp_path / "r")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "iter 10  loss " in result.stderr
    assert "iter 30  snapshot  " in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(("options", "code"), [("2>/dev/full", 0), ("2>&-", 0), ("--format json >/dev/full", 4)])
def test_a_stream_that_cannot_be_written_costs_no_training(tmp_path, options, code):
    spec, run_folder = small_spec(tmp_path), tmp_path / "r"
    command = f"{sys.executable} -m netspec.cli.main train {spec} --output {run_folder} --device reference {options}"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert events(run_folder, "end")[0]["reason"] == "done"


def test_quiet_says_nothing_when_all_is_well(tmp_path):
    result = run("train", small_spec(tmp_path), "--output", tmp_path / "r", "--quiet", "--max-iter", 2)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_runs_are_numbered_from_one(tmp_path, monkeypatch):
    spec = small_spec(tmp_path)
    monkeypatch.chdir(tmp_path)
    for n in (1, 2):
        result = run("train", spec, "--max-iter", 0, "--format", "json")
        assert json.loads(result.stdout)["output"] == f"runs/small-{n}"


def test_the_last_partial_batch_is_weighed_exactly(tmp_path):
    spec = small_spec(tmp_path)
    run("train", spec, "--output", tmp_path / "r", "--max-iter", 3)
    weights = tmp_path / "r" / "snapshot_000003.safetensors"
    figures = [
        json.loads(run("test", spec, "--weights", weights, "--batch", batch, "--format", "json").stdout)
        for batch in (360, 100, 7)
    ]
    assert [figure["samples"] for figure in figures] == [360, 360, 360]
    for figure in figures:
        # float32 means over batches of different sizes: seven digits, less one
        assert figure["outputs"] == pytest.approx(figures[0]["outputs"], rel=1e-6)


def test_a_net_without_data_is_refused_before_anything_is_said_or_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("seg.yaml").write_text(
        "name: seg\ninputs: {x: [4], y: []}\nlayers:\n  - {name: ip, type: InnerProduct, bottom: x, num_output: 3}\n"
        "  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, y]}\nsolver: {type: SGD, base_lr: 0.1, max_iter: 2}\n"
    )
    Path("w").write_bytes(b"")
    result = run("train", "seg.yaml")
    assert (result.exit_code, result.stderr) == (
        2, "error: seg.yaml: phase train has no data, nothing gives x, y; write a source in place of inputs: "
        "data: {source: npz, file: F.npz, tops: [x, y]}\n",
    )  # fmt: skip
    assert not Path("runs").exists()
    tested = run("test", "seg.yaml", "--weights", "w")
    assert (tested.exit_code, tested.stderr) == (
        2, "error: seg.yaml: no test source; write "
        "data: {source: npz, tops: [x, y], train: {file: F.npz}, test: {file: G.npz}}\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["train", "no_such.yaml"], 2, "no spec 'no_such.yaml'"),
        (["train", "SPEC", "--weights", "absent"], 2, "absent: no such file"),
        (["train", "SPEC", "--resume", "absent"], 2, "absent: no such file"),
        (["train", "SPEC", "--max-iter", "-1"], 2, "-1"),
        (["train", "SPEC", "--phase", "test"], 2, "train works in phase train"),
        (["train", "SPEC", "--set", "solver.bse_lr=1"], 1, "base_lr"),
        (["train", "SPEC", "--output", "FULL"], 4, "not empty"),
        (["train", "SPEC", "--resume", "FULL"], 4, "no snapshot to resume from"),
        (["train", "SPEC", "--resume", "FULL/broken"], 4, "not a whole safetensors file"),
        (["train", "SPEC", "--except", "ip1"], 2, "give --weights F too"),
        (
            ["train", "SPEC", "--set", "solver.max_iter=0", "--set", "solver.lr_policy=fixed"],
            2,
            "max_iter is missing or 0",
        ),
        (["test", "SPEC"], 2, "needs --weights"),
        (["test", "SPEC", "--weights", "absent"], 2, "absent: no such file"),
        (["test", "SPEC", "--weights", "FULL/broken"], 4, "not a whole safetensors file"),
    ],
)
def test_a_refusal_has_its_exit_code_and_leaves_stdout_empty(tmp_path, monkeypatch, arguments, code, text):
    monkeypatch.chdir(tmp_path)
    spec = small_spec(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "broken").write_bytes(b"x" * 50)
    words = [word.replace("SPEC", str(spec)).replace("FULL", "full") for word in arguments]
    result = run(*words, "--format", "json")
    assert (result.exit_code, result.stdout) == (code, "")
    assert text in result.stderr
    assert not (tmp_path / "runs").exists()


def test_a_loss_that_is_not_finite_exits_5(tmp_path):
    with np.errstate(all="ignore"):
        result = run("train", small_spec(tmp_path), "--output", tmp_path / "r", "--set", "solver.base_lr=1e30",
                     "--set", "solver.weight_decay=1e8", "--quiet")  # fmt: skip
    assert result.exit_code == 5
    assert "hint: lower base_lr" in result.stderr


def start(*arguments) -> subprocess.Popen:
    command = [sys.executable, "-m", "netspec.cli.main", *map(str, arguments), "--device", "reference"]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(path: Path, text: str) -> None:
    end = time.monotonic() + 60  # a generous limit, not a figure
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < end, f"{path} never held {text}"
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_stopped_run_goes_on_to_the_bytes_of_one_that_was_not(tmp_path, number, code):
    spec = small_spec(tmp_path, snapshot=15)
    process = start("train", spec, "--output", tmp_path / "r", "--max-iter", 1_000_000)
    wait_for(tmp_path / "r" / "log.jsonl", '"event": "snapshot", "iter": 15')
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, b"")
    assert b"Traceback" not in err
    if code > 0:
        assert [(e["reason"], e["exit_code"]) for e in events(tmp_path / "r", "end")] == [("signal", code)]
    last = max(load(path).iteration for path in (tmp_path / "r").glob("snapshot*")) + 5
    assert run("train", spec, "--resume", tmp_path / "r", "--max-iter", last).exit_code == 0
    assert run("train", spec, "--output", tmp_path / "whole", "--max-iter", last).exit_code == 0
    resumed, whole = (tmp_path / name / f"snapshot_{last:06d}.safetensors" for name in ("r", "whole"))
    assert resumed.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_the_first_run_says_that_it_compiles_and_leaves_stdout_to_json(tmp_path):
    spec, env = small_spec(tmp_path), {**os.environ, "NETSPEC_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "netspec.cli.main", "train", str(spec), "--max-iter", "1", "--format", "json"]
    for quiet in ([], ["--quiet"]):
        output = ["--output", str(tmp_path / f"r{len(quiet)}")]
        done = subprocess.run(
            [*command, *output, *quiet], cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout)["iteration"] == 1
        lines = done.stderr.splitlines()
        if quiet:
            assert lines == []
        else:
            assert lines[0] == f"training small in {tmp_path / 'r0'}"
            assert re.fullmatch(rf"compiling \d+ kernels \(first run only, kept in {tmp_path / 'cache'}\)", lines[1])


def test_a_test_names_what_was_left_out_unless_quiet(tmp_path):
    spec = small_spec(tmp_path)
    run("train", spec, "--output", tmp_path / "r", "--max-iter", 1)
    arguments = ["test", spec, "--weights", tmp_path / "r" / "snapshot_000001.safetensors", "--except", "ip2"]
    result = run(*arguments)
    assert result.stderr.startswith("loaded 7 of 9 tensors from ")
    names = [line.split()[0] for line in result.stderr.splitlines()[1:]]
    assert names == ["ip2.weight", "ip2.bias"]
    assert run(*arguments, "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("command", "worker"),
    [("time", "netspec.reports.timing.time_spec"), ("gradcheck", "netspec.reports.gradcheck.gradcheck")],
)
def test_measuring_says_that_it_compiles(tmp_path, monkeypatch, command, worker):
    def works(*_, **__):
        kernels = [Kernel(f"k{k}", f"def kernel(args, first, last, thread):\n    {k}\n") for k in range(2)]
        KernelCache(detect(), tmp_path / "cache").load(kernels)
        raise UsageError("far enough")

    monkeypatch.setattr(worker, works)
    result = run(command, small_spec(tmp_path))
    assert f"compiling 2 kernels (first run only, kept in {tmp_path / 'cache'})" in result.stderr
    assert (result.exit_code, result.stdout) == (2, "")
