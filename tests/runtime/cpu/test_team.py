from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from kernel_calls import function_of

from runtime.cpu import cores
from runtime.cpu import team as team_module
from runtime.cpu.cores import thread_count, usable_threads
from runtime.cpu.isa import detect
from runtime.cpu.objects import kernel_cache
from runtime.cpu.team import team
from runtime.errors import UsageError
from runtime.vector.kernel import Kernel

ROOT = Path(__file__).resolve().parents[3]

COUNT = """
from runtime.cpu.atomics import fetch_add
from runtime.vector.simd import word
def kernel(args, first, last, thread):
    c = first
    while c < last:
        fetch_add(word(args, 0) + 8 * c, 1)
        c += 1
"""
"""Adds 1 to the word of each chunk."""

FOLLOW = """
from runtime.vector.simd import put_word, word
def kernel(args, first, last, thread):
    # every word becomes one more than the largest of the row before: right only behind a barrier
    before, here, n = word(args, 0), word(args, 1), word(args, 2)
    c = first
    while c < last:
        k, top = 0, 0
        while k < n:
            if word(before, k) > top:
                top = word(before, k)
            k += 1
        put_word(here, c, top + 1)
        c += 1
"""


def address(text: str) -> int:
    """The address of a kernel's text."""
    kernel = Kernel("team_test", text)
    return kernel_cache(detect()).load([kernel])[kernel]


def row(function: int, words: np.ndarray, chunks: int, barrier: int = 1) -> list[int]:
    """A row of a launch table."""
    return [function, words.ctypes.data, chunks, barrier]


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 7])
def test_every_chunk_is_done_once(threads):
    counts = np.zeros(300, np.int64)
    words, status = np.array([counts.ctypes.data], np.int64), np.zeros(1, np.int64)
    function = address(COUNT)
    chunks = [1, 2, 300, 5, 299, 1, 7]
    table = np.array([row(function, words, n, k % 3 != 0) for k, n in enumerate(chunks * 20)], np.int64)
    for _ in range(20):
        team(threads, detect()).walk(table, status)
    want = [20 * 20 * sum(n > c for n in chunks) for c in range(300)]
    assert counts.tolist() == want


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_a_barrier_keeps_launches_apart(threads):
    n, steps = 9, 400
    data = np.zeros((steps + 1, n), np.int64)
    rows = [
        np.array([data[k].ctypes.data, data[k + 1].ctypes.data, n], np.int64) for k in range(steps)
    ]  # kept alive by the list
    table = np.array([row(address(FOLLOW), w, n) for w in rows], np.int64)
    team(threads, detect()).walk(table, np.zeros(1, np.int64))
    np.testing.assert_array_equal(data, np.repeat(np.arange(steps + 1)[:, None], n, axis=1))


@pytest.mark.parametrize("threads", [2, 7])
def test_walks_in_quick_succession_keep_apart_though_members_come_late(threads):
    # short walks of changing lengths: a member that slept through one meets the next, or none
    counts = np.zeros(8, np.int64)
    words, status, function = np.array([counts.ctypes.data], np.int64), np.zeros(1, np.int64), address(COUNT)
    want = np.zeros(8, np.int64)
    for k in range(600):
        chunks = [1 + (k * 5 + j) % 8 for j in range(1 + k % 41)]
        team(threads, detect()).walk(np.array([row(function, words, n, k % 2) for n in chunks], np.int64), status)
        want += [sum(n > c for n in chunks) for c in range(8)]
        assert counts.tolist() == want.tolist(), "the walk is over when it returns"


SET = """
from runtime.vector.simd import put_word, word
def kernel(args, first, last, thread):
    put_word(word(args, 0), 0, 1)
"""


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_status_halts_the_walk_at_the_next_barrier(threads):
    counts, status = np.zeros(4, np.int64), np.zeros(1, np.int64)
    words, flag = np.array([counts.ctypes.data], np.int64), np.array([status.ctypes.data], np.int64)
    ahead, halt, behind = row(address(COUNT), words, 4), row(address(SET), flag, 1), row(address(COUNT), words, 4)
    for k in range(50):
        status[0] = 0
        team(threads, detect()).walk(np.array([ahead, halt, *[behind] * 9], np.int64), status)
        assert counts.tolist() == [k + 1] * 4


def test_several_python_threads_may_walk_at_once():
    function, results = address(COUNT), []

    def work() -> None:
        counts = np.zeros(16, np.int64)
        words = np.array([counts.ctypes.data], np.int64)
        table = np.array([row(function, words, 16)] * 50, np.int64)
        for _ in range(20):
            team(2, detect()).walk(table, np.zeros(1, np.int64))
        results.append(counts.tolist())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=60)
    assert results == [[1000] * 16] * 3


def test_teams_are_shared_and_an_empty_walk_is_nothing():
    assert team(2, detect()) is team(2, detect())
    status = np.zeros(1, np.int64)
    team(2, detect()).walk(np.zeros((0, 4), np.int64), status)
    assert status[0] == 0


def test_stamps_say_when_each_launch_ended():
    counts = np.zeros(4, np.int64)
    words = np.array([counts.ctypes.data], np.int64)
    table = np.array([row(address(COUNT), words, 4, 0)] * 5, np.int64)
    stamps = np.zeros(6, np.int64)
    team(2, detect()).walk(table, np.zeros(1, np.int64), stamps)
    assert counts.tolist() == [5] * 4
    assert (np.diff(stamps) > 0).all()


def test_stamps_behind_a_halt_or_of_a_launch_without_chunks_are_those_before():
    counts, status = np.zeros(4, np.int64), np.zeros(1, np.int64)
    words, flag = np.array([counts.ctypes.data], np.int64), np.array([status.ctypes.data], np.int64)
    some, none, halt = row(address(COUNT), words, 4), row(address(COUNT), words, 0), row(address(SET), flag, 1)
    stamps = np.zeros(6, np.int64)
    team(2, detect()).walk(np.array([some, none, halt, some, some], np.int64), status, stamps)
    assert counts.tolist() == [1] * 4
    assert [bool(d > 0) for d in np.diff(stamps)] == [True, False, True, False, False]


DENORMAL = """
from runtime.vector.simd import vectors, word
V = vectors("f32", {lanes})
load, store = V.load, V.store
def kernel(args, first, last, thread):
    p = word(args, 0) + 64 * first
    store(p, 0, load(p, 0) * 0.5)
"""


@pytest.mark.skipif(not detect().x86, reason="denormals are flushed on x86 alone")
def test_denormals_are_flushed_on_every_thread_and_nowhere_else():
    tiny = np.full(16 * 8, 2e-38, np.float32)
    words = np.array([tiny.ctypes.data], np.int64)
    function = address(DENORMAL.format(lanes=detect().lanes("f32")))
    team(2, detect()).walk(np.array([row(function, words, 8)], np.int64), np.zeros(1, np.int64))
    assert tiny.reshape(8, 16)[:, 0].tolist() == [0.0] * 8
    # the caller's arithmetic is as before
    assert float(np.float32(2e-38) * np.float32(0.5)) > 0
    again = np.full(16, 2e-38, np.float32)
    function_of(Kernel("denormal", DENORMAL.format(lanes=detect().lanes("f32"))))(
        np.array([again.ctypes.data], np.int64).ctypes.data, 0, 1, 0
    )
    assert again[0] > 0


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "257", "٣", "9" * 60])
def test_a_bad_number_of_threads_is_a_wrong_call(monkeypatch, text):
    monkeypatch.setenv("NETSPEC_THREADS", text)
    with pytest.raises(UsageError, match="NETSPEC_THREADS"):
        thread_count()


def test_the_number_of_threads_comes_from_the_caller_the_environment_or_the_machine(monkeypatch):
    monkeypatch.setenv("NETSPEC_THREADS", " 3 ")
    assert (thread_count(), thread_count(2)) == (3, 2)
    monkeypatch.delenv("NETSPEC_THREADS")
    assert thread_count() == usable_threads() >= 1
    with pytest.raises(UsageError, match="threads is 0"):
        thread_count(0)


def test_a_team_has_no_more_members_than_cores(monkeypatch):
    monkeypatch.setattr(cores, "usable_threads", lambda: 2)
    assert [cores.crew(n) for n in (1, 2, 3, 256)] == [1, 2, 2, 2]
    monkeypatch.setattr(team_module, "crew", cores.crew)
    assert team(9, detect()) is team(2, detect())


def test_a_cgroups_quota_limits_the_default(monkeypatch):
    monkeypatch.setattr(cores, "_cgroup_quota", lambda: 1)
    assert usable_threads() == 1


PROGRAM = """
import os, sys
import numpy as np
sys.path.insert(0, {support!r})
from cpu_cases import ORIGIN, dense, executor_of
from runtime import ops
from runtime.expr import arg, call, const
from runtime.plan import Step
shape = (100_000,)
x = dense(shape, "f32", 512)
step = Step(ops.Map((call("add", arg(0), const(1.0)),), shape), (x,), (x,), "forward", ORIGIN)
executor = executor_of((step,), 500_000)
executor.run("forward")
{rest}
"""
FORK = """
child = os.fork()
if child == 0:
    executor.run("forward")
    os._exit(0 if (executor.array(x) == 2).all() else 1)
_, status = os.waitpid(child, 0)
executor.run("forward")
print(os.waitstatus_to_exitcode(status), bool((executor.array(x) == 2).all()))
"""


def run(rest: str) -> subprocess.CompletedProcess[str]:
    """A program that runs an executor of two threads, then ``rest``."""
    program = PROGRAM.format(support=str(ROOT / "tests" / "support"), rest=rest)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_starts_a_team_of_its_own():
    done = run(FORK)
    assert (done.stdout.split(), done.stderr) == (["0", "True"], "")


def test_the_process_ends_though_the_team_sleeps():
    done = run("print('end')")
    assert (done.returncode, done.stdout) == (0, "end\n")
    done = run("raise SystemExit(7)")
    assert done.returncode == 7


def test_the_process_ends_though_the_team_never_walked():
    program = "from runtime.cpu.isa import detect; from runtime.cpu.team import team; team(2, detect()); print('made')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "made\n", "")


def test_a_word_of_python_calls_the_kernel_with_four_numbers():
    seen = np.zeros(4, np.int64)
    text = """
from runtime.vector.simd import put_word, word
def kernel(args, first, last, thread):
    put_word(word(args, 0), 0, first)
    put_word(word(args, 0), 1, last)
    put_word(word(args, 0), 2, thread)
"""
    words = np.array([seen.ctypes.data], np.int64)
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(address(text))(words.ctypes.data, 5, 6, 7)
    assert seen.tolist() == [5, 6, 7, 0]
