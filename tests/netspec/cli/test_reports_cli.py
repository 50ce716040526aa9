"""inspect, plan, gradcheck, time, devices, doctor on the command line: documents, exit codes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from netspec.cli.main import main

SPEC = """
name: small
inputs: {data: [2, 6, 6], label: []}
layers:
  - {name: conv, type: Convolution, num_output: 3, kernel_size: 3}
  - {name: tanh, type: TanH}
  - {name: ip, type: InnerProduct, num_output: 4}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
solver: {type: SGD, base_lr: 0.1, momentum: 0.9, lr_policy: fixed, max_iter: 10}
"""


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    return str(path)


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["inspect"], ["name", "phase", "batch", "layers", "totals"]),
        (["plan"], ["steps", "kernels", "arena_bytes", "not_fused", "moved_bytes", "least_bytes"]),
        (["time", "--algorithms", "conv", "--threads", "1"], ["layer", "dtype", "threads", "error_bound", "cases"]),
        (
            ["gradcheck", "--device", "reference", "--samples", "3", "--batch", "2"],
            ["passed", "max_relative_error", "checks"],
        ),
    ],
    ids=lambda value: value[0],
)
def test_json_is_one_document_on_stdout_and_nothing_else(spec, arguments, keys):
    done = run(arguments[0], spec, *arguments[1:], "--format", "json")
    assert done.exit_code == 0, done.stderr
    assert list(json.loads(done.stdout)) == keys


@pytest.mark.parametrize("command", ["inspect", "plan", "time", "gradcheck"])
def test_a_missing_spec_is_a_usage_error(command):
    done = run(command, "no/such/file.yaml", "--format", "json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no such file" in done.stderr


@pytest.mark.parametrize("command", ["plan", "time", "gradcheck"])
def test_an_unknown_device_is_a_usage_error(spec, command):
    done = run(command, spec, "--device", "tpu")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no device 'tpu'" in done.stderr


@pytest.mark.parametrize("command", ["inspect", "plan", "time", "gradcheck"])
def test_a_bad_spec_ends_with_1_and_its_diagnostics(tmp_path, command):
    path = tmp_path / "bad.yaml"
    path.write_text(SPEC.replace("num_output: 3", "nun_output: 3"))
    done = run(command, str(path), "--format", "json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "nun_output" in done.stderr


def test_inspect_takes_batch_phase_and_overrides(spec):
    done = run(
        "inspect", spec, "--format", "json", "--batch", "3", "--phase", "test", "--set", "layers.conv.num_output=5"
    )
    document = json.loads(done.stdout)
    assert (document["batch"], document["phase"]) == (3, "test")
    assert document["layers"][0]["tops"] == [{"name": "conv", "shape": [3, 5, 4, 4]}]


def test_warnings_go_to_stderr_and_strict_makes_them_errors(tmp_path):
    path = tmp_path / "warns.yaml"
    path.write_text("vars: {unused: 1}\n" + SPEC.lstrip())
    done = run("inspect", str(path), "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["name"]) == (0, "small")
    assert "unused" in done.stderr
    strict = run("inspect", str(path), "--format", "json", "--strict")
    assert (strict.exit_code, strict.stdout) == (1, "")


def test_the_reference_has_no_kernels(spec):
    assert json.loads(run("plan", spec, "--device", "reference", "--format", "json").stdout)["kernels"] == 0


def test_text_goes_to_stdout(spec):
    done = run("inspect", spec)
    assert done.exit_code == 0
    assert done.stdout.startswith("small, phase train, batch 1\n")


def test_plan_shows_sources_and_leaves_passes_out(spec):
    done = run("plan", spec, "--source", "--disable-pass", "fuse", "--verify")
    assert done.exit_code == 0, done.stderr
    assert "# ---- " in done.stdout


def test_plan_dumps_its_passes(spec, tmp_path):
    assert run("plan", spec, "--dump-passes", str(tmp_path / "dump")).exit_code == 0
    assert len(list((tmp_path / "dump").iterdir())) == 8


def test_gradcheck_of_the_test_phase_is_a_usage_error(spec):
    done = run("gradcheck", spec, "--phase", "test")
    assert done.exit_code == 2


def test_a_wrong_gradient_ends_with_5_and_the_document(spec, monkeypatch):
    from netspec.reports import gradcheck

    monkeypatch.setattr(gradcheck.GradCheck, "passed", property(lambda self: False))
    done = run("gradcheck", spec, "--device", "reference", "--samples", "2", "--batch", "2", "--format", "json")
    assert done.exit_code == 5
    assert json.loads(done.stdout)["passed"] is False


def test_devices_and_doctor_answer_in_json():
    document = json.loads(run("devices", "--format", "json").stdout)
    assert set(document["devices"][0]) >= {"name", "kind", "cores", "memory"}
    done = run("doctor", "--format", "json")
    assert done.exit_code == (0 if json.loads(done.stdout)["passed"] else 1)


@pytest.mark.parametrize("command", ["inspect", "plan", "devices", "doctor"])
def test_tables_fit_an_80_column_terminal(spec, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = run(command, *([spec] if command in ("inspect", "plan") else []))
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_inspect_says_that_there_is_another_phase(spec):
    assert "--phase test shows the other" in run("inspect", spec).stdout
    assert "shows the other" not in run("inspect", spec, "--phase", "test").stdout


def test_a_layer_without_a_convolution_has_no_ways_to_compare(spec):
    done = run("time", spec, "--algorithms", "tanh", "--format", "json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "layer 'tanh' has no convolution" in done.stderr


@pytest.mark.parametrize("command", ["plan", "time", "train", "test"])
def test_tune_is_an_option_of_what_plans_and_runs(command):
    assert "--tune" in run(command, "--help").stdout


def test_a_tuned_plan_measures_once(spec, tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setattr("netspec.tuning.memory_path", lambda threads, device: folder / "ways.json")
    folder.mkdir()
    first = run("plan", spec, "--tune", "--threads", "1", "--format", "json")
    (kept,) = folder.iterdir()
    made = kept.stat().st_mtime_ns
    again = run("plan", spec, "--tune", "--threads", "1", "--format", "json")
    assert (first.exit_code, first.stdout) == (0, again.stdout)
    assert kept.stat().st_mtime_ns == made


def test_plan_shows_every_step_with_all(spec):
    lines = [run("plan", spec, *options).stdout.count(" init ") for options in ([], ["--all"])]
    steps = json.loads(run("plan", spec, "--format", "json").stdout)["steps"]
    assert lines == [1, sum(step["segment"] == "init" for step in steps)]
