"""``netspec zoo``: the list, and copies to edit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netspec import zoo
from netspec.checking import check
from netspec.cli.main import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["zoo", *arguments])


def test_the_list_has_every_net_with_task_input_parameters_and_flops() -> None:
    lines = {line.split()[0]: line.split() for line in run().stdout.splitlines() if line[:1].isalpha()}
    assert set(zoo.names()) <= set(lines)
    assert lines["lenet"][:8] == ["lenet", "classification", "1", "x", "28", "x", "28", "431,080"]
    assert lines["lenet"][8:10] == ["4.62", "M"]


def test_the_list_as_json() -> None:
    nets = {net["name"]: net for net in json.loads(run("--format", "json").stdout)["nets"]}
    assert sorted(nets) == zoo.names()
    assert set(nets["lenet"]) == {"name", "title", "task", "input", "params", "learnable_params", "flops_forward"}
    assert nets["lenet"]["title"] == "LeNet on MNIST"
    assert nets["lenet"]["input"] == [1, 28, 28]
    assert (nets["finetune"]["params"], nets["finetune"]["learnable_params"]) == (431_080, 5_010)
    assert nets["style_transfer"]["input"] is None


def test_the_list_of_one_task() -> None:
    nets = json.loads(run("--task", "regression", "--format", "json").stdout)["nets"]
    assert {net["task"] for net in nets} == {"regression"}
    with pytest.raises(Exception, match="did you mean `regression`"):
        CliRunner().invoke(main, ["zoo", "--task", "regresion"], standalone_mode=False, catch_exceptions=False)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_list_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert [line for line in run().stdout.splitlines() if len(line) > width] == []


def test_listing_loads_neither_a_compiler_nor_numpy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from netspec.cli.main import main; "
        "assert CliRunner().invoke(main, ['zoo']).exit_code == 0; "
        "print([m for m in ('numba', 'numpy', 'compiler', 'netspec.layers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_copy_is_the_file_and_means_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("copy", "resnet101")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "wrote resnet101.yaml\n")
    assert (tmp_path / "resnet101.yaml").read_bytes() == zoo.find("resnet101").read_bytes()  # type: ignore[union-attr]
    assert check(tmp_path / "resnet101.yaml").diagnostics == []  # its base is still found


def test_a_copy_brings_its_table_along(tmp_path: Path) -> None:
    result = run("copy", "linear_regression", "-o", str(tmp_path), "--format", "json")
    assert json.loads(result.stdout) == {
        "file": str(tmp_path / "linear_regression.yaml"),
        "with": [str(tmp_path / "cars.csv")],
    }
    assert (tmp_path / "cars.csv").is_file()


def test_nothing_is_overwritten_without_being_told(tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    target.write_text("precious")
    result = run("copy", "lenet", "-o", str(target))
    assert result.exit_code == 4
    assert f"{target}: already there; --force overwrites" in result.stderr
    assert target.read_text() == "precious"
    assert run("copy", "lenet", "-o", str(target), "--force").exit_code == 0
    assert target.read_text().startswith("# LeNet")


def test_a_table_that_is_there_is_not_overwritten_either(tmp_path: Path) -> None:
    (tmp_path / "cars.csv").write_text("precious")
    assert run("copy", "linear_regression", "-o", str(tmp_path / "l.yaml")).exit_code == 4
    assert not (tmp_path / "l.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["copy", "lennet"], 2, "no net 'lennet' in the zoo; did you mean `lenet`?"),
        (["copy", "xyzzy"], 2, "`netspec zoo` lists them"),
        (["copy"], 2, "Missing argument 'NAME'"),
        (["lenet"], 2, "`netspec zoo copy lenet` writes it, `netspec inspect lenet` shows it"),
        (["cpy"], 2, "did you mean `copy`?"),
        (["copy", "lenet", "-o", "nowhere/mine.yaml"], 4, "not written: No such file or directory"),
    ],
)
def test_mistakes_are_told_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "netspec.cli.main", "zoo", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(zoo.__file__).parents[1])},
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert message in " ".join(done.stderr.split())
