from __future__ import annotations

import pytest

from netspec.checking import check
from netspec.spec.load import load_spec

NET = """name: staged
vars: {width: 20}
data: {source: mnist, train: {batch_size: 64}, test: {batch_size: 100}}
layers:
  - {name: noise, type: Dropout, include: {stage: augment}}
  - {name: fc, type: InnerProduct, num_output: $width}
  - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}
solver: {type: SGD, base_lr: 5, max_iter: 5}
"""
SOLVER = """net: nets/net.yaml
set: {vars.width: 10}
stages: [augment]
type: SGD
base_lr: 0.01
max_iter: 2000
"""


@pytest.fixture
def solver_file(tmp_path):
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "net.yaml").write_text(NET)
    path = tmp_path / "solver.yaml"
    path.write_text(SOLVER)
    return path


def test_a_file_with_a_net_and_layers_of_its_own_is_told_so_once(solver_file):
    solver_file.write_text("net: nets/net.yaml\nset: {vars.width: 3}\nstages: [augment]\n"
                           "inputs: {data: [3]}\nlayers:\n  - {name: a, type: ReLU}\n")  # fmt: skip
    assert [(d.code, d.mark.line, d.hint) for d in check(solver_file).errors] == [("E210", 1, "delete one of the two")]


def test_a_field_of_the_solver_is_set_below_solver(solver_file):
    (error,) = check(solver_file, ["base_lr=0.5"]).errors
    assert (error.code, error.mark.file, error.hint) == ("E232", "--set", "did you mean `solver.base_lr`?")
    assert check(solver_file, ["solver.base_lr=0.5"]).errors == []


def test_a_solver_file_names_its_net_and_changes_it(solver_file):
    spec = load_spec(solver_file)
    net = spec.net("train")
    assert (spec.name, net.shapes["fc"], spec.solver.base_lr, spec.solver.max_iter) == ("staged", (64, 10), 0.01, 2000)
    assert "noise" in net.by_name


def test_the_command_line_is_stronger_than_the_file(solver_file):
    spec = load_spec(solver_file, overrides=["vars.width=12", "solver.base_lr=0.5"])
    assert (spec.net("train").shapes["fc"], spec.solver.base_lr) == ((64, 12), 0.5)


def test_a_mistake_in_the_solver_is_marked_in_the_solver_file(solver_file):
    solver_file.write_text(SOLVER + "max_itr: 3\n")
    (item,) = check(solver_file).diagnostics
    assert (item.code, item.mark.file, item.mark.line) == ("E501", str(solver_file), 7)


def test_a_mistake_in_the_net_is_marked_in_the_net(solver_file):
    net = solver_file.parent / "nets" / "net.yaml"
    net.write_text(NET.replace("bottom: [fc", "bottom: [f"))
    (item,) = check(solver_file).diagnostics
    assert (item.code, item.mark.file, item.mark.line) == ("E301", str(net), 7)


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("nets/net.yaml", "nets/other.yaml", "E612", 1),
        ("nets/net.yaml", "[a, b]", "E612", 1),
        ("nets/net.yaml", "solver.yaml", "E612", 1),
        ("{vars.width: 10}", "[vars.width]", "E212", 2),
        ("{vars.width: 10}", "{vars.widht: 10}", "E232", 2),
        ("[augment]", "[3]", "E231", 3),
    ],
)
def test_what_is_wrong_with_a_solver_file(solver_file, old, new, code, line):
    solver_file.write_text(SOLVER.replace(old, new))
    (item,) = check(solver_file).errors
    assert (item.code, item.mark.line) == (code, line)
