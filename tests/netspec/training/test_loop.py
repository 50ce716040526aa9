"""The loop, on a net that is a hash of what it was fed."""

from __future__ import annotations

import io
import json
import signal

import numpy as np
import pytest

from netspec.training import loop as loop_module
from netspec.training.log import RunLog
from netspec.training.loop import Loop, Origin, Schedule
from netspec.training.progress import Reporter
from netspec.training.signals import StopSignals
from runtime.data.batches import Position
from runtime.errors import DataError, NumericError, StateError
from runtime.snapshot import load


class Run:
    """A loop with everything it needs; `events` reads its log."""

    def __init__(self, folder, net, test=None, **schedule):
        folder.mkdir(exist_ok=True)
        self.folder, self.net, self.text = folder, net, io.StringIO()
        self.log = RunLog(folder / "log.jsonl")
        self.stop = StopSignals()
        fields = {"stop_at": 10, "rate": lambda k: 0.5 / (k + 1), "display": 4, "samples": 50, **schedule}
        origin = Origin(spec_sha256="00", choices={})
        reporter = Reporter(stream=self.text)
        tests = {} if test is None else {"test": test}
        self.loop = Loop(net, tests, Schedule(**fields), folder, self.log, reporter, self.stop, origin)

    def go(self, resumed=False):
        try:
            return self.loop.run(resumed)
        finally:
            self.log.close()

    def events(self, kind=None):
        lines = (self.folder / "log.jsonl").read_text().splitlines()
        return [e for e in map(json.loads, lines) if kind in (None, e["event"])]

    def snapshots(self):
        return sorted(path.name for path in self.folder.glob("*.safetensors"))


def test_display_follows_update_k_with_the_rate_of_update_k(tmp_path, fake_net):
    run = Run(tmp_path / "r", fake_net())
    assert run.go() == "done"
    shown = run.events("display")
    assert [e["iter"] for e in shown] == [4, 8, 10]
    assert [e["lr"] for e in shown] == [0.5 / 4, 0.5 / 8, 0.5 / 10]
    assert [e["loss"] for e in shown] == [1 / 4, 1 / 8, 1 / 10]
    assert set(shown[0]) == {"event", "iter", "time", "lr", "loss", "smoothed_loss", "images_per_s", "outputs"}
    assert list(shown[0]["outputs"]) == ["loss"]  # a blob is no figure


def test_the_smoothed_loss_is_the_mean_of_the_last_ones(tmp_path, fake_net):
    run = Run(tmp_path / "r", fake_net(), average_loss=3)
    run.go()
    assert run.events("display")[1]["smoothed_loss"] == pytest.approx((1 / 6 + 1 / 7 + 1 / 8) / 3, rel=1e-12)


def test_tests_run_before_the_first_update_at_their_interval_and_once_at_the_end(tmp_path, fake_net):
    net = fake_net()
    run = Run(tmp_path / "r", net, fake_net(test=True, parent=net), test_interval=5)
    run.go()
    tests = run.events("test")
    assert [e["iter"] for e in tests] == [0, 5, 10]
    assert {e["source"] for e in tests} == {"test"}
    assert {e["samples"] for e in tests} == {360}


def test_without_test_initialization_the_first_test_is_at_the_interval(tmp_path, fake_net):
    net = fake_net()
    run = Run(tmp_path / "r", net, fake_net(test=True, parent=net), test_interval=4, test_initialization=False)
    run.go()
    assert [e["iter"] for e in run.events("test")] == [4, 8, 10]


def test_a_test_weighs_the_last_partial_batch_by_its_samples(tmp_path, fake_net):
    net = fake_net()
    test = fake_net(test=True, parent=net)
    labels = np.concatenate([b["label"] for b in test.stream().sweep(360)])
    run = Run(tmp_path / "r", net, test)
    run.go()
    # float32 means of 50 labels below 10: seven digits
    assert run.loop.outputs["accuracy"] == pytest.approx(labels.mean(), rel=1e-6)


def test_test_iter_takes_so_many_batches(tmp_path, fake_net):
    net = fake_net()
    run = Run(tmp_path / "r", net, fake_net(test=True, parent=net), test_batches=3)
    run.go()
    assert {e["samples"] for e in run.events("test")} == {150}


def test_snapshots_come_at_their_interval_and_one_at_the_end(tmp_path, fake_net):
    run = Run(tmp_path / "r", fake_net(), snapshot=4)
    run.go()
    assert run.snapshots() == [f"snapshot_{k:06d}.safetensors" for k in (4, 8, 10)]
    assert [e["iter"] for e in run.events("snapshot")] == [4, 8, 10]
    found = load(tmp_path / "r" / "snapshot_000008.safetensors")
    assert (found.iteration, found.position, found.seed) == (8, (0, 400), 3)


def test_twice_n_steps_equal_n_a_resume_and_n_to_the_bit(tmp_path, fake_net):
    whole = Run(tmp_path / "whole", fake_net(), stop_at=80)
    whole.go()
    first = Run(tmp_path / "parts", fake_net(), stop_at=40)
    first.go()
    found = load(tmp_path / "parts" / "snapshot_000040.safetensors")
    net = fake_net()
    net.import_state(found.tensors)
    net.iteration = found.iteration
    net.stream().position = Position(*found.position)
    second = Run(tmp_path / "parts", net, stop_at=80)
    second.loop.resume(found.losses, saved=True)
    second.go(resumed=True)
    a, b = (load(tmp_path / run / "snapshot_000080.safetensors") for run in ("whole", "parts"))
    assert a.tensors["ip.weight"].tobytes() == b.tensors["ip.weight"].tobytes()
    assert (a.position, a.losses) == (b.position, b.losses)
    shown = [{k: e[k] for k in ("iter", "loss", "smoothed_loss", "lr")} for e in whole.events("display")]
    assert [{k: e[k] for k in ("iter", "loss", "smoothed_loss", "lr")} for e in second.events("display")] == shown


def test_a_resume_at_the_end_makes_no_step_and_runs_no_initial_test(tmp_path, fake_net):
    net = fake_net()
    net.iteration = 10
    run = Run(tmp_path / "r", net, fake_net(test=True, parent=net))
    run.loop.resume((), saved=True)
    run.go(resumed=True)
    assert [(e["event"], e["iter"]) for e in run.events()] == [("test", 10)]
    assert run.snapshots() == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_step_and_leaves_a_snapshot(tmp_path, fake_net, number, code):
    net = fake_net()
    test = fake_net(test=True, parent=net)
    run = Run(tmp_path / "r", net, test)
    net.during_step = lambda: signal.raise_signal(number) if net.iteration == 6 else None
    with run.stop:
        assert run.go() == "signal"
    assert run.stop.exit_code == code
    assert run.snapshots() == ["snapshot_000007.safetensors"]
    assert [e["iter"] for e in run.events("test")] == [0]


def test_a_second_signal_ends_at_once(tmp_path, fake_net):
    net = fake_net()

    def twice():
        if net.iteration == 6:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    net.during_step = twice
    run = Run(tmp_path / "r", net)
    with run.stop, pytest.raises(SystemExit) as caught:
        run.go()
    assert caught.value.code == 130
    assert run.snapshots() == []


def test_a_loss_that_is_not_finite_writes_no_snapshot(tmp_path, fake_net):
    run = Run(tmp_path / "r", fake_net(bad_at=7), snapshot=5)
    with pytest.raises(NumericError, match="iteration 7: the loss is nan: the first bad layer is ip"):
        run.go()
    assert run.snapshots() == ["snapshot_000005.safetensors"]


def test_a_source_that_breaks_leaves_a_snapshot_of_what_was_learnt(tmp_path, fake_net):
    net = fake_net()

    def gone():
        if net.iteration == 7:
            raise DataError("disk gone")

    net.during_step = gone
    run = Run(tmp_path / "r", net)
    with pytest.raises(DataError, match="disk gone"):
        run.go()
    assert run.snapshots() == ["snapshot_000007.safetensors"]


def test_a_full_disk_costs_a_warning_and_the_training_goes_on(tmp_path, fake_net, monkeypatch):
    real, calls = loop_module.save, []

    def save(path, snapshot):
        calls.append(path)
        if len(calls) in (2, 3):
            raise StateError(f"{path}: not written: No space left on device (errno 28)")
        real(path, snapshot)

    monkeypatch.setattr(loop_module, "save", save)
    run = Run(tmp_path / "r", fake_net(), snapshot=2)
    assert run.go() == "done"
    assert run.snapshots() == [f"snapshot_{k:06d}.safetensors" for k in (2, 8, 10)]
    assert run.text.getvalue().count("No space left on device (errno 28); training goes on") == 2


def test_a_disk_that_stays_full_ends_the_run_after_three_failures(tmp_path, fake_net, monkeypatch):
    def save(path, snapshot):
        raise StateError("No space left on device")

    monkeypatch.setattr(loop_module, "save", save)
    net = fake_net()
    run = Run(tmp_path / "r", net, snapshot=2)
    with pytest.raises(StateError, match="No space left on device"):
        run.go()
    assert net.iteration == 6


def test_a_loss_at_the_ceiling_is_explained_once(tmp_path, fake_net):
    net = fake_net()
    net.step, step = lambda: {**step(), "loss": np.float32(87.33655)}, net.step
    run = Run(tmp_path / "r", net)
    run.go()
    assert run.text.getvalue().count("loss is 87.3365 at iteration 1, the largest a softmax loss can be") == 1


def growing(net, losses):
    """The net with the losses of a list, its last one for ever."""
    step = net.step

    def stepped():
        outputs = step()
        net.loss = losses[min(net.iteration, len(losses)) - 1]
        return {**outputs, "loss": np.float32(net.loss)}

    net.step = stepped
    return net


def test_a_loss_far_above_the_first_is_warned_of_once(tmp_path, fake_net):
    run = Run(tmp_path / "r", growing(fake_net(), [2.5, 9.0, 19.0]), stop_at=12, average_loss=3)
    assert run.go() == "done"
    warnings = [line for line in run.text.getvalue().splitlines() if line.startswith("warning")]
    assert warnings == [
        "warning: the loss is 10.17 at iteration 3 (mean of 3), far above the 2.5 it began with: it diverges; "
        "lower base_lr (0.166667 now)"
    ]


@pytest.mark.parametrize("losses", [[2.5, 9.0, 2.5], [0.01, 0.5], [2.5, 7.0]])
def test_a_loss_that_only_jumps_or_is_small_is_no_divergence(tmp_path, fake_net, losses):
    run = Run(tmp_path / "r", growing(fake_net(), losses), stop_at=12, average_loss=3)
    run.go()
    assert "warning" not in run.text.getvalue()


@pytest.mark.parametrize("bar", [False, True])
def test_the_time_left_is_said_once(tmp_path, fake_net, monkeypatch, bar):
    monkeypatch.setattr(Reporter, "has_bar", property(lambda reporter: bar))
    monkeypatch.setattr(Loop, "_seconds_left", lambda loop, done: 61.0)
    run = Run(tmp_path / "r", fake_net())
    run.go()
    assert ("0:01:01 left" in run.text.getvalue()) is not bar
