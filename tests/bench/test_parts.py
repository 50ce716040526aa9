"""The command line: which rows are measured, kept and reported."""

from __future__ import annotations

import pytest

from bench import __main__ as command
from bench import records
from bench.cases import CASES
from bench.contenders import INFERENCE, TRAINING, why_missing
from bench.parts import Job, jobs
from bench.process import ContenderError
from bench.size import installed_bytes, own_bytes, size
from bench.sweep import summary
from bench.threads import fair


def names(*given):
    return [job.name for job in jobs(command.arguments(list(given)), [0, 1])]


def test_without_arguments_everything_is_measured():
    found = names()
    assert [n for n in found if n.startswith("train")] == [f"train-{net}-f32-2" for net in CASES]
    assert {"infer-lenet-1-2", "infer-lenet-16-2", "start-vgg16-2", "size", "sweep-2", "threads-mlp-2"} <= set(found)


def test_parts_nets_threads_and_dtypes_are_chosen():
    assert names("train", "mlp", "lenet", "--threads", "1,2", "--dtype", "f64") == [
        "train-mlp-f64-1", "train-lenet-f64-1", "train-mlp-f64-2", "train-lenet-f64-2",
    ]  # fmt: skip
    assert names("infer", "mlp", "--batch", "4") == ["infer-mlp-4-2"]
    assert names("report") == []


def test_contenders_that_infer_alone_do_not_train():
    assert command.arguments([]).train == list(TRAINING)
    assert command.arguments([]).infer == list(INFERENCE)
    wanted = command.arguments(["train", "mlp", "--contenders", "netspec", "onnxruntime"])
    assert (wanted.train, wanted.infer) == (["netspec"], ["netspec", "onnxruntime"])


def test_an_unknown_net_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.arguments(["train", "lnet"])
    assert "no net 'lnet'; there are mlp, lenet" in capsys.readouterr().err


def test_rows_are_kept_one_a_file(tmp_path):
    assert command.measure(Job("size", lambda: {"part": "size", "netspec": {"a": 1}}), tmp_path)
    (record,) = records.load(tmp_path)
    assert record["netspec"] == {"a": 1}
    assert {"machine", "commit", "seconds"} <= set(record)
    assert records.exists(tmp_path, "size")


def test_a_wrong_result_is_kept_and_told(tmp_path, capsys):
    assert not command.measure(Job("train-x", lambda: {"part": "train", "skipped": {"netspec": "far"}}), tmp_path)
    assert records.exists(tmp_path, "train-x")
    assert "train-x: netspec computes something else than the others" in capsys.readouterr().err


def test_a_row_that_fails_is_told_and_leaves_nothing(tmp_path, capsys):
    def fail():
        raise ContenderError("netspec ended with exit code 1")

    assert not command.measure(Job("train-x", fail), tmp_path)
    assert not records.exists(tmp_path, "train-x")
    assert "train-x failed: netspec ended with exit code 1" in capsys.readouterr().err


def test_a_missing_compiler_is_a_reason(monkeypatch):
    monkeypatch.setattr("bench.contenders.importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr("bench.contenders.shutil.which", lambda name: None)
    assert why_missing("torch-compiled") == "torch.compile needs a C++ compiler, and there is none"
    assert why_missing("torch-nchw") is None
    monkeypatch.setattr("bench.contenders.importlib.util.find_spec", lambda name: None)
    assert why_missing("opencv-new") == "cv2 is not installed"


def test_a_distribution_counts_with_what_it_requires():
    found = installed_bytes(["numba>=0.61", 'nothing; python_version < "3"', "not-installed-anywhere"])
    assert set(found) == {"numba", "llvmlite", "numpy"}
    assert min(found.values()) > 10**6
    assert 10**5 < own_bytes() < 10**7
    assert {"netspec", "numba", "pyyaml"} <= set(size()["netspec"])


def test_a_sweep_is_summed_up_by_kind():
    rows = [{"kind": kind, "ratio": ratio, "difference": 0.0} for kind, ratio in (("a", 4.0), ("a", 1.0), ("b", 0.5))]
    rows.append({"kind": "b", "ratio": None, "difference": float("nan")})
    found = summary(rows)
    assert found["geometric_mean"] == pytest.approx(2 ** (1 / 3))
    assert found["by_kind"] == {"a": [2, pytest.approx(2.0)], "b": [1, pytest.approx(0.5)]}
    assert (found["under_least"], found["disagree"]) == (1, 1)


@pytest.mark.parametrize(("threads", "neighbours", "slower"), [(1, 1, 1.0), (2, 1, 1.5), (4, 1, 1.25), (2, 0, 1.0)])
def test_a_fair_share_is_the_same_for_every_thread(threads, neighbours, slower):
    assert fair(threads, 2, neighbours) == pytest.approx(slower)
