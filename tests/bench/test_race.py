"""A row: ratios, agreement, memory; and contenders' processes."""

from __future__ import annotations

import json
import os

import pytest

from bench import process
from bench.process import ContenderError, Worker
from bench.race import Row, race

CORES = os.sched_getaffinity(0)


def row(**more):
    ms = {"netspec": [2.0, 3.0, 2.5], "torch-nchw": [9.0, 8.0, 7.0], "torch-channels_last": [5.0, 6.0, 5.0]}
    peaks = {"netspec": 10**8, "torch-nchw": 3 * 10**8, "torch-channels_last": 2 * 10**8}
    return Row("train", "lenet", (1, 28, 28), 64, 2, goal=2.0, **{"ms": ms, "peak_bytes": peaks, **more})


def test_a_row_compares_with_the_best_other_contender():
    found = row()
    assert found.reference == "torch-channels_last"
    assert (found.ratio, found.ratio_of_minima, found.memory_ratio) == (5.0 / 2.5, 5.0 / 2.0, 0.5)


def test_a_contender_that_computes_something_else_does_not_count():
    found = row(differences={"torch-channels_last": 0.01, "netspec": 1e-6})
    found.judge(1e-3)
    assert found.reference == "torch-nchw"
    assert found.skipped == {"torch-channels_last": "its results differ by 1.0e-02"}
    assert found.agrees


@pytest.mark.parametrize("far", [0.01, float("nan"), float("inf")])
def test_netspec_that_computes_something_else_has_no_ratio(far):
    found = row(differences={"netspec": far})
    found.judge(1e-3)
    assert (found.agrees, found.ratio) == (False, None)


def test_the_share_of_peak_is_of_the_shortest_step():
    facts = {"flops": 2e6, "peak_flops": 4e9, "kernels": 3, "steps": 5}
    assert row(facts=facts).share_of_peak(4e9) == pytest.approx(2e6 / 2e-3 / 4e9)
    assert row().share_of_peak(4e9) is None
    assert row(facts=facts).share_of_peak(None) is None


def test_a_row_outlives_its_file():
    found = row(skipped={"torch-compiled": "no compiler"})
    record = json.loads(json.dumps(found.to_dict()))
    assert record["ratio"] == found.ratio
    assert Row.from_dict(record).to_dict() == json.loads(json.dumps(found.to_dict()))


class Scripted:
    """A contender that answers from a list of times, and fails when it is through."""

    def __init__(self, name, ms):
        self.name, self._ms = name, list(ms)

    def steps(self, n):
        if len(self._ms) < n:
            raise ContenderError(f"{self.name} ended")
        taken, self._ms = self._ms[:n], self._ms[n:]
        return {"ms": taken, "values": []}

    def ask(self, do):
        return {"peak": 5, "facts": {"flops": 1.0}}.get(do)


def test_short_steps_are_repeated():
    found = row(ms={})
    race(found, [Scripted("netspec", [10.0] * 100)], steps=2, rounds=2, warm_up=1)
    assert found.ms == {"netspec": [10.0] * 20}
    race(found, [Scripted("netspec", [0.1] * 4000)], steps=2, rounds=2, warm_up=1)
    assert found.ms == {"netspec": [0.1] * 400}


def test_the_warm_up_and_the_first_steps_of_a_turn_are_not_kept():
    found = row(ms={})
    race(found, [Scripted("netspec", range(100, 200))], steps=4, rounds=2, warm_up=3)
    assert found.ms == {"netspec": [106, 107, 111, 112]}
    assert (found.peak_bytes["netspec"], found.facts) == (5, {"flops": 1.0})


def test_the_others_go_on_when_a_contender_ends():
    found = row(ms={})
    race(found, [Scripted("netspec", range(100, 200)), Scripted("torch-nchw", range(100, 107))], steps=4, rounds=2)
    assert set(found.ms) == {"netspec"}
    assert found.skipped == {"torch-nchw": "torch-nchw ended"}


def test_without_netspec_there_is_no_row():
    with pytest.raises(ContenderError, match="netspec ended"):
        race(row(ms={}), [Scripted("netspec", range(100, 105))], steps=4, rounds=2)


def test_a_process_that_fails_is_reported_with_its_exit_code(capfd):
    with pytest.raises(ContenderError, match="netspec ended with exit code 1"):
        Worker("train", "netspec", sorted(CORES)[:1], net="none", dtype="f32", dropout=False)
    assert "KeyError: 'none'" in capfd.readouterr().err


def test_a_process_that_does_not_answer_in_time_is_ended(monkeypatch):
    monkeypatch.setattr(process, "LIMIT", 0.0)
    with pytest.raises(ContenderError, match="took more than 0 s"):
        Worker("train", "netspec", sorted(CORES)[:1], net="mlp", dtype="f32", dropout=False)


@pytest.mark.bench
def test_a_process_makes_steps_and_tells_its_memory():
    worker = Worker("train", "netspec", sorted(CORES)[:1], net="mlp", dtype="f64", dropout=False)
    try:
        found = worker.steps(2)
        assert len(found["ms"]) == 2
        assert found["values"][1] < found["values"][0]
        worker.ask("reset_peak")
        assert worker.ask("peak") >= worker.library_bytes > 0
        assert worker.ask("facts")["flops"] > 1.5e8  # two products of 64 x 535,818, the third without a layer
    finally:
        worker.close()
