"""``netspec.Trainer`` on a small net, by the reference: what a run reads, writes and refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from training_support import events, small_spec

from netspec import zoo
from netspec.spec.load import load_spec
from netspec.training.trainer import Trainer
from runtime.errors import DataError, NetspecError, NumericError, StateError, UsageError
from runtime.snapshot import load


def train(spec, output, **fields):
    return Trainer(spec, output, device="reference", quiet=True, **fields).run()


@pytest.mark.parametrize("solver", [{}, {"iter_size": 2, "clip_gradients": 0.5}])
def test_n_a_resume_and_n_give_the_bytes_of_twice_n(tmp_path, solver):
    spec = small_spec(tmp_path, snapshot=20, **solver)
    train(spec, tmp_path / "whole")
    train(spec, tmp_path / "parts", max_iter=11)
    result = train(spec, tmp_path / "parts", resume="auto")
    assert (result.iteration, result.exit_code) == (30, 0)
    whole, parts = (tmp_path / run / "snapshot_000030.safetensors" for run in ("whole", "parts"))
    assert load(whole).tensors.keys() >= {"ip1.weight", "bn1.mean", "bn1.scale"}
    assert whole.read_bytes() == parts.read_bytes()
    names = [path.name for path in sorted((tmp_path / "parts").glob("*.safetensors"))]
    assert names == [f"snapshot_{k:06d}.safetensors" for k in (11, 20, 30)]


@pytest.mark.slow
def test_a_resume_on_the_cpu_gives_the_same_bytes_for_one_and_two_threads(tmp_path):
    spec = small_spec(tmp_path)
    for threads in (1, 2):
        folder = tmp_path / str(threads)
        Trainer(spec, folder / "whole", threads=threads, quiet=True).run()
        Trainer(spec, folder / "parts", threads=threads, quiet=True, max_iter=11).run()
        Trainer(spec, folder / "parts", threads=threads, quiet=True, resume="auto").run()
    files = [tmp_path / t / run / "snapshot_000030.safetensors" for t in "12" for run in ("whole", "parts")]
    assert len({path.read_bytes() for path in files}) == 1


def test_the_log_tells_the_whole_run(tmp_path):
    result = train(small_spec(tmp_path, test_interval=20), tmp_path / "r")
    kinds = [(event["event"], event["iter"]) for event in events(tmp_path / "r")]
    assert kinds == [
        ("start", 0), ("test", 0), ("display", 10), ("display", 20), ("test", 20), ("display", 30),
        ("snapshot", 30), ("test", 30), ("end", 30),
    ]  # fmt: skip
    end = events(tmp_path / "r", "end")[0]
    assert (end["reason"], end["exit_code"]) == ("done", 0)
    assert end["outputs"] == result.outputs == events(tmp_path / "r", "test")[-1]["outputs"]
    assert set(result.to_dict()) == {"output", "iteration", "outputs", "seconds"}
    # Thirty updates on mirrored digits reach 0.43; chance is 0.1.
    assert result.outputs["accuracy"] > 0.25


def test_the_resolved_spec_of_a_run_trains_to_the_same_bytes(tmp_path):
    train(small_spec(tmp_path), tmp_path / "a", max_iter=5)
    train(tmp_path / "a" / "spec.yaml", tmp_path / "b", max_iter=5)
    a, b = (load(tmp_path / run / "snapshot_000005.safetensors") for run in "ab")
    assert all(a.tensors[name].tobytes() == b.tensors[name].tobytes() for name in a.tensors)


def test_max_iter_stops_there_and_leaves_the_rates_alone(tmp_path):
    train(small_spec(tmp_path), tmp_path / "r", max_iter=12)
    assert [e["lr"] for e in events(tmp_path / "r", "display")] == pytest.approx(
        [0.1 * (1 - 9 / 30), 0.1 * (1 - 11 / 30)]
    )


def test_another_seed_gives_another_run(tmp_path):
    spec = small_spec(tmp_path)
    for seed in (1, 2):
        train(spec, tmp_path / str(seed), max_iter=2, seed=seed)
    a, b = (load(tmp_path / run / "snapshot_000002.safetensors") for run in "12")
    assert (a.seed, b.seed) == (1, 2)
    assert not np.array_equal(a.tensors["ip1.weight"], b.tensors["ip1.weight"])


def test_a_diverging_run_names_layer_and_remedy_and_writes_no_snapshot(tmp_path):
    spec = small_spec(tmp_path)
    with pytest.raises(NumericError, match=r"(?s)iteration \d+: the loss is .*layer .*lower base_lr"):
        with np.errstate(all="ignore"):
            train(spec, tmp_path / "r", overrides={"solver.base_lr": 1e30, "solver.weight_decay": 1e8})
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["log.jsonl", "report.html", "spec.yaml"]
    assert [(e["reason"], e["exit_code"]) for e in events(tmp_path / "r", "end")] == [("nan", 5)]


def test_weights_begin_a_new_run(tmp_path):
    spec = small_spec(tmp_path)
    train(spec, tmp_path / "a")
    weights = tmp_path / "a" / "snapshot_000030.safetensors"
    result = train(spec, tmp_path / "b", weights=weights, max_iter=0)
    assert result.outputs == events(tmp_path / "a", "end")[0]["outputs"]
    assert result.iteration == 0


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"weights": "absent"}, UsageError, "absent: no such file"),
        ({"resume": "absent"}, UsageError, "--resume absent: no such file"),
        ({"weights": "w", "resume": "auto"}, UsageError, "exclude each other"),
    ],
)
def test_what_cannot_begin_writes_nothing(tmp_path, fields, error, message):
    with pytest.raises(error, match=message):
        train(small_spec(tmp_path), tmp_path / "r", **fields)
    assert not (tmp_path / "r").exists()


def test_missing_data_is_found_before_the_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPEC_DATA", str(tmp_path))
    path = small_spec(tmp_path)
    path.write_text(path.read_text().replace("source: digits", "source: mnist").replace("pad: 1, crop_size: 8, ", ""))
    with pytest.raises(DataError, match="errno 2"):
        train(path, tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "precious").touch()
    with pytest.raises(StateError, match="not empty"):
        train(small_spec(tmp_path), tmp_path / "r")
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["precious"]


def test_a_snapshot_of_another_net_is_refused(tmp_path):
    train(small_spec(tmp_path), tmp_path / "r", max_iter=1)
    other = load_spec(small_spec(tmp_path), {"layers.ip1.num_output": 25})
    with pytest.raises(StateError, match=r"is of another net: ip1.weight is \[24, 64\], here \[25, 64\]"):
        train(other, tmp_path / "r", resume="auto")


def test_a_spec_without_a_solver_cannot_train(tmp_path):
    path = small_spec(tmp_path)
    path.write_text(path.read_text().partition("solver:")[0])
    with pytest.raises(UsageError, match="small: no solver: section"):
        train(path, tmp_path / "r")


def test_pixels_left_at_0_to_255_get_a_warning(tmp_path, capsys):
    spec = small_spec(tmp_path)
    train(spec, tmp_path / "a", max_iter=0)
    assert capsys.readouterr().err == ""
    np.savez(tmp_path / "p.npz", data=np.full((60, 1, 8, 8), 255, np.uint8), label=np.arange(60) % 10)
    spec.write_text(spec.read_text().replace("source: digits, scale: 0.0625", "source: npz, file: p.npz"))
    train(spec, tmp_path / "b", max_iter=0)
    assert "warning: the values of data lie in 0..255: pixels were left as they are" in capsys.readouterr().err


def test_labels_are_scanned_before_the_first_step(tmp_path):
    spec = small_spec(tmp_path)
    labels = np.arange(60) % 10
    labels[47] = 10
    np.savez(tmp_path / "p.npz", data=np.zeros((60, 1, 8, 8), np.uint8), label=labels)
    spec.write_text(spec.read_text().replace("source: digits", "source: npz, file: p.npz"))
    with pytest.raises(DataError, match="npz: sample 47 has label 10, expected 0 to 9"):
        train(spec, tmp_path / "r")
    assert not (tmp_path / "r").exists()


INFINITE = """\
name: infinite
data: {source: digits, train: {batch_size: 16}}
layers:
  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: p, type: Parameter, shape: [10], filler: 0}
  - {name: z, type: Expression, bottom: {x: ip, p: p}, expr: "x * 0.001 + sqrt(p)"}
  - {name: loss, type: SoftmaxWithLoss, bottom: [z, label]}
solver: {base_lr: 0.1, max_iter: 1}
"""


def test_a_gradient_that_is_not_finite_leaves_no_snapshot_though_the_loss_was(tmp_path):
    (tmp_path / "net.yaml").write_text(INFINITE)
    with pytest.raises(NumericError, match=r"iteration 1: p\.weight is not finite though the loss was 2\.\d+"):
        train(tmp_path / "net.yaml", tmp_path / "run")
    assert list((tmp_path / "run").glob("*.safetensors")) == []
    (end,) = events(tmp_path / "run", "end")
    assert (end["reason"], end["exit_code"]) == ("nan", 5)


def test_overrides_apply_to_a_loaded_spec_too(tmp_path):
    spec = load_spec(small_spec(tmp_path))
    assert train(spec, tmp_path / "run", overrides={"solver.max_iter": 2}).iteration == 2


def test_a_seed_beyond_what_the_head_holds_is_refused(tmp_path):
    with pytest.raises(UsageError, match="seed 9007199254740992"):
        train(small_spec(tmp_path), tmp_path / "run", seed=2**53)
    assert not (tmp_path / "run").exists()


def test_a_net_without_a_loss_is_refused_before_anything_is_compiled_or_written(tmp_path, monkeypatch):
    text = small_spec(tmp_path).read_text().replace("type: SoftmaxWithLoss", "include: test, type: SoftmaxWithLoss")
    (tmp_path / "net.yaml").write_text(text)
    monkeypatch.setattr(Trainer, "_compile", lambda *_: pytest.fail("compiled"))
    with pytest.raises(NetspecError, match=r"(?s)loss.*add .* for instance \{.*type: SoftmaxWithLoss"):
        train(tmp_path / "net.yaml", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("given", ["", "max_iter: 0, "])
def test_a_run_of_no_updates_is_refused_unless_asked_for(tmp_path, given):
    path = small_spec(tmp_path)
    path.write_text(path.read_text().replace("lr_policy: poly, power: 1, max_iter: 30, ", given))
    with pytest.raises(UsageError, match=r"small: max_iter is missing or 0; .*max_iter: 1000, or --max-iter N"):
        train(path, tmp_path / "r")
    assert not (tmp_path / "r").exists()
    assert train(path, tmp_path / "r", max_iter=2).iteration == 2


def test_a_finished_run_says_that_nothing_is_left(tmp_path, capsys):
    spec = small_spec(tmp_path)
    train(spec, tmp_path / "r", max_iter=3)
    Trainer(spec, tmp_path / "r", device="reference", resume="auto", max_iter=2).run()
    assert "already at 3 of 2 updates: nothing to do; --max-iter sets more" in capsys.readouterr().err


def test_the_input_at_fault_gets_no_hint_about_the_rate(tmp_path):
    spec = small_spec(tmp_path)
    np.savez(tmp_path / "p.npz", data=np.full((60, 1, 8, 8), np.nan, np.float32), label=np.arange(60) % 10)
    spec.write_text(spec.read_text().replace("source: digits", "source: npz, file: p.npz"))
    with pytest.raises(NumericError, match=r"the input data has .* NaN") as caught:
        train(spec, tmp_path / "r")
    assert "base_lr" not in str(caught.value)
    assert "hint: the data are not finite" in str(caught.value)


def test_labels_from_one_on_get_a_hint(tmp_path):
    spec = small_spec(tmp_path)
    np.savez(tmp_path / "p.npz", data=np.zeros((60, 1, 8, 8), np.uint8), label=np.arange(60) % 10 + 1)
    spec.write_text(spec.read_text().replace("source: digits", "source: npz, file: p.npz"))
    with pytest.raises(DataError, match="label 10, expected 0 to 9; the labels are 1 to 10: labels start at 0"):
        train(spec, tmp_path / "r")


def test_layers_can_be_left_out_of_the_weights(tmp_path):
    train(small_spec(tmp_path), tmp_path / "a", max_iter=3)
    weights = tmp_path / "a" / "snapshot_000003.safetensors"
    other = load_spec(small_spec(tmp_path), {"layers.ip2.num_output": 11})
    with pytest.raises(StateError, match=r"leave them out with --except ip2"):
        train(other, tmp_path / "b", weights=weights)
    train(other, tmp_path / "b", weights=weights, leave_out=["ip2"], max_iter=0)
    begun, kept = (load(path).tensors for path in (tmp_path / "b" / "snapshot_000000.safetensors", weights))
    assert np.array_equal(begun["ip1.weight"], kept["ip1.weight"])
    with pytest.raises(UsageError, match="give --weights F too"):
        train(other, tmp_path / "c", leave_out=["ip2"])


def test_a_stopped_run_names_the_command_that_goes_on(tmp_path):
    trainer = Trainer(small_spec(tmp_path), batch_size=20, max_iter=9)
    expected = "netspec train 'my runs/int/spec.yaml' --resume 'my runs/int' --batch 20 --max-iter 9"
    assert trainer._command(Path("my runs/int")) == expected


@pytest.mark.parametrize("name", zoo.names())
def test_nets_with_running_statistics_are_not_tested_before_they_have_any(name):
    spec = load_spec(zoo.find(name))
    if spec.solver is None:
        return  # a base to extend, fixed filters, a pass over another net
    normalised = any(node.type == "BatchNorm" for node in spec.net("train").nodes)
    assert spec.solver.test_initialization is not normalised


def test_a_folder_with_a_nul_in_its_name_is_refused(tmp_path):
    with pytest.raises(StateError, match="no folder can have a NUL in its name"):
        Trainer(small_spec(tmp_path), output="a\0b", device="reference").run()
