from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netspec import zoo
from netspec.cli.main import main

GOOD = """\
name: small
inputs: {data: [3, 8, 8], label: []}
layers:
  - {name: conv1, type: Convolution, num_output: 4, kernel_size: 3}
  - {name: fc, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}
"""
BAD = GOOD.replace("num_output: 4", "nun_output: 4").replace("kernel_size: 3", "kernel_size: 010")
WARNED = GOOD.replace("name: small", "name: small\nvars: {unused: 3}")


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def file(folder: Path, text: str, name: str = "net.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_spec_ends_with_0(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD)
    result = check(path)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{path}: ok\n", "")


def test_every_mistake_is_printed_on_stdout_with_its_place(tmp_path: Path) -> None:
    path = file(tmp_path, BAD)
    result = check(path)
    assert result.exit_code == 1
    assert result.stderr == ""
    assert result.stdout == (
        "error[E501]: unknown key `nun_output` in Convolution\n"
        f" --> {path}:4:38\n"
        "  |\n"
        "4 |   - {name: conv1, type: Convolution, nun_output: 4, kernel_size: 010}\n"
        "  |                                      ^^^^^^^^^^\n"
        "  = help: did you mean `num_output`?\n"
        "\n"
        "error[E508]: `kernel_size` is a whole number; `010` is written with a leading zero (octal to some readers, "
        "decimal to others)\n"
        f" --> {path}:4:66\n"
        "  |\n"
        "4 |   - {name: conv1, type: Convolution, nun_output: 4, kernel_size: 010}\n"
        "  |                                                                  ^^^\n"
        "  = help: write 10\n"
        "\n"
        f"{path}: not usable (2 errors)\n"
    )


def test_as_json_there_is_one_document_sorted_by_place(tmp_path: Path) -> None:
    first, second = file(tmp_path, BAD, "a.yaml"), file(tmp_path, BAD, "b.yaml")
    result = check(second, first, "--format", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)["diagnostics"]
    assert [(d["file"], d["line"], d["column"], d["code"]) for d in found] == [
        (str(first), 4, 38, "E501"), (str(first), 4, 66, "E508"),
        (str(second), 4, 38, "E501"), (str(second), 4, 66, "E508"),
    ]  # fmt: skip
    keys = {"severity", "code", "message", "file", "line", "column", "layer", "hint"}
    assert all(keys <= d.keys() for d in found)
    assert found[0]["layer"] == "conv1"


def test_warnings_change_nothing_unless_strict(tmp_path: Path) -> None:
    path = file(tmp_path, WARNED)
    assert check(path).exit_code == 0
    assert check(path).stdout.endswith(f"{path}: ok (1 warning)\n")
    assert check(path, "--strict").exit_code == 1
    assert check(path, "--strict").stdout.endswith(f"{path}: not ok under --strict (1 error)\n")
    (found,) = json.loads(check(path, "--strict", "--format", "json").stdout)["diagnostics"]
    assert (found["severity"], found["code"][0]) == ("error", "W")


def test_a_net_that_no_machine_holds_is_warned_of_and_refused_where_it_would_run(tmp_path: Path) -> None:
    # 1.4e17 outputs of 64 pixels: more bytes than 64 bits can address, fewer numbers than 2^63
    head = "data: {source: digits, train: {batch_size: 1}}\nlayers:\n"
    layers = "  - {name: fc, type: InnerProduct, num_output: 140000000000000000}\n"
    path = file(tmp_path, head + layers + "  - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}\n")
    result = check(path)
    assert result.exit_code == 0
    assert "warning[W127]: `fc` is 1 x 140000000000000000: 560,000.0 TB in float32" in result.stdout
    for command in ("inspect", "plan", "time"):
        refused = CliRunner().invoke(main, [command, str(path)])
        assert (refused.exit_code, refused.stdout) == (6, "")
        assert "of memory: a smaller --batch or num_output helps" in refused.stderr


def test_a_problem_of_set_has_its_own_file_and_caret(tmp_path: Path) -> None:
    result = check(file(tmp_path, GOOD), "--set", "layers.conv1.num_output=0", "--format", "json")
    assert result.exit_code == 1
    (item,) = json.loads(result.stdout)["diagnostics"]
    assert (item["file"], item["line"], item["column"], item["code"]) == ("--set", 1, 25, "E504")


def test_set_makes_a_spec_usable(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD.replace("num_output: 4", "num_output: 0"))
    assert check(path).exit_code == 1
    assert check(path, "--set", "layers.conv1.num_output=4").exit_code == 0


def test_one_bad_spec_of_several_decides(tmp_path: Path) -> None:
    good, bad = file(tmp_path, GOOD, "good.yaml"), file(tmp_path, BAD, "bad.yaml")
    result = check(good, bad)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{good}: ok\n")
    assert result.stdout.endswith(f"{bad}: not usable (2 errors)\n")


def test_sizes_are_told_in_words_and_as_json(tmp_path: Path) -> None:
    path = file(tmp_path, GOOD)
    assert "sizes of `data` (given 8 x 8" in check(path, "--sizes").stdout
    sizes = json.loads(check(path, "--sizes", "--format", "json").stdout)["sizes"][str(path)]
    assert sizes["given"] == [8, 8]


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_checks_clean(name: str) -> None:
    result = check(name, "--strict")
    assert (result.exit_code, result.stdout) == (0, f"{zoo.find(name)}: ok\n")


def test_the_text_of_a_hostile_file_is_escaped(tmp_path: Path) -> None:
    result = check(file(tmp_path, 'name: "a\\u202eb"\n"\\u202ekey[bold]": 1\nlayers: []\n'))
    assert result.exit_code == 1
    assert "\u202e" not in result.stdout
    assert "\\u202ekey[bold]" in result.stdout


def test_a_folder_named_like_a_net_of_the_zoo_is_no_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lenet").mkdir()
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert check("lenet").stdout == f"{zoo.find('lenet')}: ok\n"
    result = check("mine")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "it is a folder" in result.stderr


def test_the_specs_beside_one_that_is_missing_are_checked(tmp_path: Path) -> None:
    good, bad = file(tmp_path, GOOD, "good.yaml"), file(tmp_path, BAD, "bad.yaml")
    result = check(good, "nothing", bad)
    assert result.exit_code == 2
    assert result.stdout.startswith(f"{good}: ok\n")
    assert result.stdout.endswith(f"{bad}: not usable (2 errors)\n")
    assert result.stderr.startswith("error: no spec 'nothing': no such file")
    as_json = check("nothing", bad, "--format", "json")
    assert as_json.exit_code == 2
    assert [d["code"] for d in json.loads(as_json.stdout)["diagnostics"]] == ["E501", "E508"]


def test_the_folder_of_the_zoo_is_no_part_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "(did you mean `lenet`?)" in check("specs/lenet.yaml").stderr


def test_one_mistake_in_both_phases_is_told_once_whatever_their_batches(tmp_path: Path) -> None:
    head = "data: {source: digits, train: {batch_size: 32}, test: {batch_size: 10}}\nlayers:\n"
    text = head + "  - {name: conv, type: Convolution, num_output: 4, kernel_size: 3}\n"
    labels = "  - {name: loss, type: SoftmaxWithLoss, bottom: [conv, label]}\n"
    assert check(file(tmp_path, text + labels)).stdout.endswith("not usable (1 error)\n")
    # channels that differ are no batches: both phases are told
    widths = "  - {name: a, type: InnerProduct, num_output: %d, bottom: data, include: %s}\n"
    both = (widths % (32, "train")) + (widths % (10, "test"))
    joined = "  - {name: b, type: InnerProduct, num_output: 7, bottom: data}\n  - {type: Eltwise, bottom: [a, b]}\n"
    assert check(file(tmp_path, head + both + joined)).stdout.endswith("not usable (2 errors)\n")


@pytest.mark.parametrize(("phase", "code"), [("train", 1), ("test", 0)])
def test_only_training_needs_a_loss(tmp_path: Path, phase: str, code: int) -> None:
    text = GOOD.partition("  - {name: loss")[0] + "solver: {base_lr: 0.1, max_iter: 3}\n"
    result = check(file(tmp_path, text), "--phase", phase)
    assert (result.exit_code, "E622" in result.stdout) == (code, code == 1)
    assert CliRunner().invoke(main, ["inspect", str(tmp_path / "net.yaml")]).exit_code == 0


_WORDS = """name: words
data: {source: text, file: t.txt, classes: 65, train: {batch_size: 16}}
layers:
  - {name: emb, type: Embed, bottom: data, input_dim: 60, num_output: 24}
  - {name: ip, type: InnerProduct, num_output: 60, axis: 2}
  - {name: loss, type: FocalLoss, bottom: [ip, label], axis: 2}
solver: {base_lr: 0.1, max_iter: 3}
"""


def test_every_layer_that_reads_labels_is_held_against_the_classes_of_the_data(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("to be or not to be")
    found = json.loads(check(file(tmp_path, _WORDS), "--format", "json").stdout)["diagnostics"]
    assert [(d["code"], d["message"], d["hint"], d["line"]) for d in found] == [
        ("W129", "`emb` (Embed) takes 60 classes and the data have 65: a label of 60 or more ends the run",
         "input_dim: 65, or input_dim: $classes", 4),
        ("W129", "`loss` (FocalLoss) takes 60 classes and the data have 65: a label of 60 or more ends the run",
         "num_output: 65, or num_output: $classes", 5),
    ]  # fmt: skip
    enough = _WORDS.replace("input_dim: 60", "input_dim: 70").replace("num_output: 60", "num_output: $classes")
    assert check(file(tmp_path, enough), "--strict").exit_code == 0


@pytest.mark.parametrize(
    ("change", "warned"),
    [("num_output: 10", 0), ("num_output: $classes", 0), ("num_output: 9", 1), ("num_output: 11", 1)],
)
def test_scores_are_held_against_the_classes_of_the_data(tmp_path: Path, change: str, warned: int) -> None:
    text = GOOD.replace("inputs: {data: [3, 8, 8], label: []}", "data: {source: digits}").replace(
        "num_output: 10", change
    )
    found = json.loads(check(file(tmp_path, text), "--format", "json").stdout)["diagnostics"]
    assert [d["code"] for d in found] == ["W129"] * warned
    own = text.replace("layers:", "vars: {classes: 11}\nlayers:").replace("num_output: 11", "num_output: $classes")
    if change == "num_output: 11":  # a background class that the spec says itself
        assert check(file(tmp_path, own), "--strict").exit_code == 0


@pytest.mark.parametrize("name", ["lenett", "x" * 5000, "a\0b", "no/such.yaml"], ids=["near", "long", "nul", "path"])
def test_a_spec_that_is_not_there_is_a_usage_error(name: str) -> None:
    result = check(name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no such file" in result.stderr


def test_a_mistake_in_the_data_is_one_error_where_defaults_count_its_classes():
    result = check("fcn8s", "--set", "data.size=0")
    assert result.exit_code == 1
    assert result.stdout.count("error[") == 1
    assert "error[E504]: `size` must be in" in result.stdout
