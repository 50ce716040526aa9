"""The ``weights`` section at work: when training, testing, and from Python."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

import netspec
from netspec.cli.main import main
from netspec.spec.load import load_spec
from netspec.training.testing import evaluate_spec
from netspec.training.weights import load_section
from runtime.errors import StateError, UsageError

NET = """name: small
data: {source: digits, scale: 0.0625, train: {batch_size: 50}, test: {batch_size: 297}}
layers:
  - {name: fc, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [fc, label]}
  - {name: accuracy, type: Accuracy, bottom: [fc, label], include: test}
solver: {base_lr: 0.1, max_iter: 3}
"""


@pytest.fixture
def folder(tmp_path):
    """Holds ``small.yaml`` and ``small.safetensors`` with weights that nobody would draw."""
    (tmp_path / "small.yaml").write_text(NET)
    net = netspec.compile(tmp_path / "small.yaml", device="reference")
    for name, value in net.params.items():
        net.params[name] = 0 * value + 0.25
    net.save(tmp_path / "small.safetensors")
    return tmp_path


def spec(folder, text, name="net"):
    (folder / f"{name}.yaml").write_text(text)
    return folder / f"{name}.yaml"


def extended(folder, more):
    return spec(folder, f"extends: small.yaml\nname: net\n{more}\n")


def test_a_net_from_python_begins_with_the_weights_of_its_spec(folder):
    net = netspec.compile(extended(folder, "weights: small.safetensors"), phase="test", device="reference")
    assert {float(v) for value in net.params.values() for v in (value.min(), value.max())} == {0.25}


def test_weights_go_to_the_instance_they_are_given_for(folder):
    path = spec(
        folder,
        """name: two
inputs: {data: [1, 28, 28]}
blocks: {small: small.yaml}
weights: {a: small.safetensors}
layers:
  - {block: small, name: a, bottom: data, outputs: [fc]}
  - {block: small, name: b, bottom: data, outputs: [fc]}
  - {block: small, name: c, bottom: data, outputs: [fc], share: a}
""".replace("[1, 28, 28]", "[1, 8, 8]"),
    )
    net = netspec.compile(path, phase="test", device="reference")
    assert sorted(net.params) == ["a/fc.bias", "a/fc.weight", "b/fc.bias", "b/fc.weight"]
    assert np.ptp(net.params["a/fc.weight"]) == 0
    assert np.ptp(net.params["b/fc.weight"]) > 0
    (table,) = load_section(net, net.spec)
    assert table.to_dict() == {"path": str(folder / "small.safetensors"), "loaded": ["a/fc.weight", "a/fc.bias"],
                               "skipped": [], "kept": []}  # fmt: skip


def test_a_shape_that_does_not_fit_is_left_out_by_the_spec(folder):
    edit = "change: {fc: {num_output: 12}}\n"
    path = extended(folder, edit + "weights: small.safetensors")
    with pytest.raises(StateError) as caught:
        netspec.compile(path, device="reference")
    lines = str(caught.value).splitlines()
    assert lines[1] == "  fc.weight: the file has [10, 64], the net [12, 64]"
    assert lines[3] == ("  leave them out in the spec: {file: small.safetensors, except: [fc]}: "
                        "they begin as their fillers say")  # fmt: skip
    path = extended(folder, edit + "weights: {file: small.safetensors, except: [fc]}")
    assert np.ptp(netspec.compile(path, device="reference").params["fc.weight"]) > 0


def test_a_file_for_another_instance_says_what_it_has(folder):
    path = spec(folder, "inputs: {data: [64]}\nweights: {x: small.safetensors}\nlayers:\n"
                        "  - {name: x/a, type: InnerProduct, num_output: 10}\n")  # fmt: skip
    with pytest.raises(StateError, match=r"no name fits: `x` has a.weight, a.bias, .., the file fc"):
        netspec.compile(path, device="reference")


def test_a_missing_file_is_said_before_anything_is_made(folder):
    path = extended(folder, "weights: nowhere.safetensors")
    with pytest.raises(UsageError, match=r"weights: nowhere.safetensors: no such file"):
        netspec.Trainer(path, folder / "run", device="reference").run()
    assert not (folder / "run").exists()
    result = CliRunner().invoke(main, ["test", str(path), "--device", "reference"])
    assert (result.exit_code, "nowhere.safetensors" in result.stderr) == (2, True)


def test_training_begins_with_the_weights_and_goes_on_with_those_of_the_snapshot(folder, capsys):
    path = extended(folder, "weights: small.safetensors\nsolver: {base_lr: 0}")
    netspec.Trainer(path, folder / "run", device="reference").run()
    assert f"loaded 2 of 2 tensors from {folder / 'small.safetensors'}" in capsys.readouterr().err
    (folder / "small.safetensors").unlink()
    done = netspec.Trainer(folder / "run" / "spec.yaml", resume=folder / "run", max_iter=4, device="reference").run()
    assert done.iteration == 4
    net = netspec.compile(folder / "small.yaml", phase="test", device="reference")
    netspec.load_weights(net, folder / "run" / "snapshot_000004.safetensors")
    assert {float(net.params["fc.weight"].min()), float(net.params["fc.weight"].max())} == {0.25}


def test_other_weights_on_the_command_line_win(folder):
    path = extended(folder, "weights: nowhere.safetensors")
    given = evaluate_spec(load_spec(path), folder / "small.safetensors", device="reference", quiet=True)
    assert given.main.outputs["loss"] == pytest.approx(np.log(10), rel=1e-5)  # ten equal scores


def test_a_spec_with_weights_is_tested_without_an_option(folder, capsys):
    path = extended(folder, "weights: small.safetensors")
    report = evaluate_spec(load_spec(path), None, device="reference")
    assert report.main.outputs["loss"] == pytest.approx(np.log(10), rel=1e-5)
    assert "loaded 2 of 2 tensors" in capsys.readouterr().err
    with pytest.raises(UsageError, match="needs --weights F, or a spec with `weights`"):
        evaluate_spec(load_spec(folder / "small.yaml"), None, device="reference")


def test_a_net_that_reads_nothing_trains_and_goes_on(folder):
    path = spec(
        folder,
        """name: alone
blocks: {small: small.yaml}
weights: {net: small.safetensors}
layers:
  - {name: picture, type: Parameter, shape: [1, 1, 8, 8], filler: {type: uniform, min: 0, max: 1}}
  - {name: label, type: Constant, shape: [1], filler: 7}
  - {block: small, name: net, bottom: [picture, label], outputs: [loss], lr_mult: 0, loss_weight: -1}
solver: {base_lr: 0.1, max_iter: 2}
""",
    )
    first = netspec.Trainer(path, folder / "run", device="reference").run()
    again = netspec.Trainer(path, resume=folder / "run", max_iter=3, device="reference").run()
    assert (first.iteration, again.iteration) == (2, 3)
