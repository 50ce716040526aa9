"""What is said on stderr."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from netspec.training.progress import Reporter, duration, figures


def test_user_strings_come_out_whole_and_drive_no_terminal():
    text = io.StringIO()
    Reporter(stream=text).line("[conv1/weights] \x1b[31mred")
    assert text.getvalue() == "[conv1/weights] \\x1b[31mred\n"


def test_quiet_lets_warnings_through_and_nothing_else():
    text = io.StringIO()
    reporter = Reporter(quiet=True, stream=text)
    reporter.begin(0, 10)
    reporter.line("iter 1")
    reporter.warning("loss is high")
    reporter.end()
    assert text.getvalue() == "warning: loss is high\n"


def test_long_lines_are_not_cut_without_a_terminal():
    text = io.StringIO()
    Reporter(stream=text).line("x" * 500)
    assert text.getvalue() == "x" * 500 + "\n"


@pytest.mark.parametrize(("seconds", "expected"), [(0.4, "0:00:00"), (61, "0:01:01"), (36000.2, "10:00:00")])
def test_durations(seconds, expected):
    assert duration(seconds) == expected


def test_figures_are_names_and_four_digits():
    assert figures({"loss": 0.25, "acc": 1.0}) == "loss 0.2500  acc 1.0000"


def test_a_stream_that_cannot_be_written_is_given_up():
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    reporter = Reporter(stream=Full())
    reporter.begin(0, 10)
    reporter.line("iter 1")
    reporter.advance(1, 2.0)
    reporter.warning("disk")
    reporter.end()
    assert reporter.quiet


def test_compiling_says_how_much_and_where_it_is_kept(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    text = io.StringIO()
    for done in range(4):
        Reporter(stream=text).compiling(done, 3, Path("/home/ada/.cache/netspec"))
    lines = text.getvalue().splitlines()
    # Each reporter is new, so that none waits before its next line.
    assert lines[0] == "compiling 3 kernels (first run only, kept in ~/.cache/netspec)"
    assert lines[1:] == ["compiled 1 of 3 kernels", "compiled 2 of 3 kernels"]


def test_a_second_look_at_the_compilation_waits():
    text = io.StringIO()
    reporter = Reporter(stream=text)
    for done in range(4):
        reporter.compiling(done, 3, None)
    assert text.getvalue() == "compiling 3 kernels (the cache folder cannot be used)\n"


def test_quiet_compiles_in_silence():
    text = io.StringIO()
    Reporter(quiet=True, stream=text).compiling(0, 3, None)
    assert text.getvalue() == ""
