"""``extends``, ``remove``, ``change``: the base as if it had been edited by hand."""

from __future__ import annotations

import pytest

from netspec.checking import check
from netspec.spec.load import load_spec

BASE = """name: base
vars: {width: 8, depth: 2}
data:
  source: synthetic
  shape: [3, 24, 24]
  mean_value: 2
  train: {batch_size: 4, mirror: true}
  test: {batch_size: 2}
defaults:
  Convolution: {kernel_size: 3, weight_filler: {type: gaussian, std: 0.01}}
blocks:
  unit:
    params: {n: , stride: 1}
    layers:
      - {name: conv, type: Convolution, num_output: $n, stride: $stride}
layers:
  - {name: conv1, type: Convolution, num_output: $width}
  - {type: ReLU}
  - {name: conv2, type: Convolution, num_output: $width, params: [{lr_mult: 1}, {lr_mult: 2}]}
  - {type: ReLU}
  - {block: unit, name: u, repeat: $depth, n: 4}
  - {name: fc8, type: InnerProduct, num_output: 10, include: train}
  - {name: fc8, type: InnerProduct, num_output: 10, include: test}
  - {name: loss, type: SoftmaxWithLoss, bottom: [fc8, label]}
  - {name: prob, type: Softmax, bottom: fc8, include: test}
solver: {type: SGD, base_lr: 0.1, momentum: 0.9, lr_policy: step, gamma: 0.1, stepsize: 10, max_iter: 10}
"""


@pytest.fixture
def files(tmp_path):
    def write(**texts):
        for name, text in {"base": BASE, **texts}.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path / "net.yaml"

    return write


def found(path, **arguments):
    return [f"{d.mark.line} {d.code} {d.message}" for d in check(path, **arguments).diagnostics]


def test_without_an_edit_the_base_is_taken_whole(files):
    path = files(net="extends: base.yaml\n")
    spec = load_spec(path)
    assert spec.resolved() == load_spec(path.parent / "base.yaml").resolved()
    assert spec.path == path


def test_removed_layers_are_gone_and_chaining_closes_the_gap(files):
    path = files(net='extends: base.yaml\nremove: [relu1, "pr*", conv2]\n')
    net = load_spec(path).net("test")
    # relu1 of the base is gone; the one behind conv2 is the first now, and reads conv1
    assert list(net.by_name) == ["conv1", "relu1", "u/1/conv", "u/2/conv", "fc8", "loss"]
    assert net.by_name["relu1"].bottoms == ("conv1",)


def test_changed_fields_are_laid_over_those_of_every_layer_that_fits(files):
    path = files(
        net="""extends: base.yaml
change:
  "conv*": {lr_mult: 0, weight_filler: {type: gaussian, std: 0.5}}
  fc8: {num_output: 20}
  u: {stride: 2}
"""
    )
    train, test = (load_spec(path).net(phase) for phase in ("train", "test"))
    assert [train.by_name[name].lr_mult for name in ("conv1", "conv2", "fc8")] == [0, 0, 1]
    assert train.by_name["conv2"].layer.weight_filler.std == 0.5
    assert train.shapes["u/2/conv"] == (4, 4, 4, 4)  # 20, then 9, then 4 pixels
    assert (train.shapes["fc8"], test.shapes["fc8"]) == ((4, 20), (2, 20))


def test_mappings_merge_and_lists_replace(files):
    path = files(
        net="""extends: base.yaml
change: {conv2: {params: [{lr_mult: 10}]}}
data: {train: {batch_size: 8}}
defaults: {Convolution: {weight_filler: {std: 0.5}}, InnerProduct: {bias_term: false}}
vars: {width: 16}
solver: {base_lr: 0.01}
"""
    )
    spec = load_spec(path)
    net = spec.net("train")
    assert [p.lr_mult for p in net.by_name["conv2"].params] == [10]
    assert (net.batch, spec.data["train"].mirror, spec.net("test").batch) == (8, True, 2)
    filler = net.by_name["conv1"].layer.weight_filler
    assert (filler.type_name, filler.std, net.by_name["conv1"].layer.kernel_size) == ("gaussian", 0.5, (3,))
    assert (net.shapes["conv1"][1], net.by_name["fc8"].layer.bias_term) == (16, False)
    assert (spec.solver.base_lr, spec.solver.momentum, spec.solver.stepsize) == (0.01, 0.9, 10)


def test_an_empty_value_takes_the_key_of_the_base_away(files):
    path = files(
        net="""extends: base.yaml
change: {fc8: {include: }, conv1: {num_output: 3, kernel_size: }}
remove: [prob]
solver: {lr_policy: fixed, gamma: , stepsize: }
"""
    )
    assert [d.code for d in check(path).errors] == ["E309"]  # as if both were written without `include`
    path = files(net="extends: base.yaml\nsolver:\n")
    assert load_spec(path).solver is None


def test_two_keys_of_one_field_replace_each_other(files):
    path = files(
        net="""extends: base.yaml
data: {mean: 3, train: {scale: 2}}
change: {conv1: {kernel_h: 5, kernel_w: 1}, prob: {exclude: train}}
"""
    )
    spec = load_spec(path)
    assert spec.data["test"].mean == (3,)
    assert spec.net("train").shapes["conv1"] == (4, 8, 20, 24)


def test_inputs_take_the_place_of_data(files):
    path = files(net="extends: base.yaml\ninputs: {data: [3, 12, 12], label: []}\n")
    spec = load_spec(path)
    assert (spec.data, list(spec.net("train").inputs)) == ({}, ["data", "label"])


def test_layers_are_appended_and_chain_from_the_last_of_the_base(files):
    path = files(
        net="""extends: base.yaml
remove: [loss, prob]
layers:
  - {name: more, type: InnerProduct, num_output: 3}
  - {name: loss, type: SoftmaxWithLoss, bottom: [more, label]}
"""
    )
    net = load_spec(path).net("train")
    assert net.by_name["more"].bottoms == ("fc8",)


def test_blocks_of_both_are_known_and_those_of_one_name_merge(files):
    path = files(
        net="""extends: base.yaml
remove: [loss, prob]
blocks:
  unit: {params: {stride: 2}}
  pair: {layers: [{block: unit, name: a, n: 3, stride: 1}]}
layers:
  - {block: pair, name: p, bottom: u}
"""
    )
    net = load_spec(path).net("train")
    assert net.shapes["u/1/conv"] == (4, 4, 9, 9)
    assert "p/a/conv" in net.by_name


def test_a_base_may_extend_a_base_in_another_folder(files, tmp_path):
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "middle.yaml").write_text("extends: ../base.yaml\nname: middle\nremove: [prob]\n")
    path = files(net="extends: nets/middle.yaml\nchange: {fc8: {num_output: 5}}\n")
    spec = load_spec(path)
    assert (spec.name, spec.net("test").outputs, spec.net("train").shapes["fc8"]) == ("middle", ("loss",), (4, 5))


def test_overrides_come_after_the_edit(files):
    path = files(net="extends: base.yaml\nchange: {fc8: {num_output: 5}}\n")
    assert load_spec(path, {"layers.fc8.num_output": 7}).net("train").shapes["fc8"] == (4, 7)
    (error,) = check(path, ["change={fc8: {num_output: 3}}"]).errors
    assert (error.code, error.message) == ("E232", "`change` is read before overrides")


def test_a_spec_from_python_extends_a_file(files, monkeypatch):
    monkeypatch.chdir(files().parent)
    spec = load_spec({"extends": "base.yaml", "change": {"fc8": {"num_output": 5}}})
    assert spec.net("train").shapes["fc8"] == (4, 5)


def test_a_net_of_the_zoo_may_be_the_base(files):
    path = files(net="extends: lenet.yaml\nname: mine\nchange: {ip1: {num_output: 7}}\n")
    assert load_spec(path).net("train").shapes["ip1"] == (64, 7)
    path = files(lenet=BASE, net="extends: lenet.yaml\n")  # the file beside the spec is nearer
    assert "fc8" in load_spec(path).net("train").by_name


def test_a_solver_file_may_extend_another(files):
    path = files(
        short="net: base.yaml\ntype: SGD\nbase_lr: 0.5\nmax_iter: 10\n", net="extends: short.yaml\nmax_iter: 20\n"
    )
    spec = load_spec(path)
    assert (spec.name, spec.solver.base_lr, spec.solver.max_iter) == ("base", 0.5, 20)


def test_a_mistake_in_the_base_is_shown_there_with_the_way_to_it(files):
    path = files(base=BASE.replace("Softmax,", "Softmx,"), net="name: net\nextends: base.yaml\n")
    (error,) = check(path).errors
    base = path.parent / "base.yaml"
    assert (error.code, error.mark.file, error.mark.line) == ("E506", str(base), 25)
    assert error.notes == (f"{base} is extended at {path}:2:10",)


def test_a_base_that_is_missing_leaves_the_rest_to_be_checked(files):
    path = files(net="extends: bas.yaml\nremove: [x]\nlayers:\n  - {name: a, type: ReLU, botom: fc8}\n")
    assert [line.split()[1] for line in found(path)] == ["E240", "E501"]
