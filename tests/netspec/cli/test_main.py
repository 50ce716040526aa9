from __future__ import annotations

import errno
import importlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import netspec
from netspec.cli import main as cli
from netspec.cli.main import COMMANDS, main
from runtime.errors import DataError, NetspecError, NumericError, ResourceError, StateError, UsageError

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "netspec.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=60, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_exists_and_its_help_begins_as_the_table_says(name: str) -> None:
    command = importlib.import_module(f"netspec.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == COMMANDS[name]


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    lines = result.output.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in lines if line[:3].strip()] == list(COMMANDS)


def test_help_takes_less_than_a_fifth_of_a_second() -> None:
    def seconds() -> float:
        """Processor seconds: the wall clock of a machine where others work says little."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.2  # 0.08 s as measured


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert (result.exit_code, result.output) == (0, f"netspec {netspec.__version__}\n")


def test_an_unknown_command_is_a_usage_error_with_the_nearest_name() -> None:
    result = CliRunner().invoke(main, ["chek"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no command 'chek': did you mean `check`?" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--nope"], ["check"], ["check", "--nope", "lenet"], ["check", "--set", "x", "lenet"],
     ["check", "--batch", "0", "lenet"], ["check", "--phase", "deploy", "lenet"], ["check", "--format", "xml", "lenet"],
     ["layers", "a", "b"], ["check", "no-such-net"], ["check", "no/such/file.yaml"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_use_ends_with_2_and_an_empty_stdout(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "rror: " in result.stderr


def test_a_bare_group_shows_its_help() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "Usage:" in result.output


ERRORS = [(UsageError, 2), (DataError, 3), (StateError, 4), (NumericError, 5), (ResourceError, 6), (NetspecError, 1)]


@pytest.mark.parametrize(("error", "code"), ERRORS)
def test_errors_end_with_their_code_and_their_reason_on_stderr(
    monkeypatch: pytest.MonkeyPatch, error: type[NetspecError], code: int
) -> None:
    @click.command()
    def failing() -> None:
        raise error("the \x1b[31mreason\nand more")

    monkeypatch.setattr(cli.Lazy, "get_command", lambda *_: failing)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr == "error: the \\x1b[31mreason\nand more\n"


@pytest.mark.parametrize("raised", [KeyboardInterrupt, click.exceptions.Abort])
def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch, raised: type[BaseException]) -> None:
    @click.command()
    def stopped() -> None:
        raise raised

    monkeypatch.setattr(cli.Lazy, "get_command", lambda *_: stopped)
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli.Lazy, "get_command", lambda *_: broken)
    assert isinstance(CliRunner().invoke(main, ["check"]).exception, ZeroDivisionError)


def test_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m netspec.cli.main schema | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    assert result.stdout == "{\n"
    assert result.stderr == ""


def test_a_reader_that_goes_while_a_command_writes_ends_it_quietly() -> None:
    command = f"{sys.executable} -u -m netspec.cli.main layers | head -2; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    assert result.stdout.splitlines()[-1] in ("141", "0")  # 0: all was written before head went
    assert result.stderr == ""


def test_a_broken_pipe_inside_a_command_exits_as_sigpipe_would(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def broken() -> None:
        raise BrokenPipeError(errno.EPIPE, "gone")

    def left() -> None:
        raise SystemExit(cli.BROKEN_PIPE)

    monkeypatch.setattr(cli.Lazy, "get_command", lambda *_: broken)
    monkeypatch.setattr(cli, "_leave_pipe", left)  # the true one closes this process's stdout
    assert CliRunner().invoke(main, ["check"]).exit_code == 141


def test_an_ascii_terminal_brings_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("größe: 1\nlayers: []\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "netspec.cli.main", "check", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert result.returncode == 1
    assert "error[E210]" in result.stdout
    assert result.stderr == ""
