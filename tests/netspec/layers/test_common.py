"""Common layers: what their formulas do not show, and shapes that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from layer_support import Case, Lone, run_layer
from net_support import found, net_of

import netspec
from netspec.fillers.constant import Constant as Number
from netspec.fillers.gaussian import Gaussian
from netspec.layers.axpy import Axpy
from netspec.layers.bias import Bias
from netspec.layers.constant import Constant
from netspec.layers.dummy_data import DummyData
from netspec.layers.expand import Expand
from netspec.layers.gram import Gram
from netspec.layers.group_norm import GroupNorm
from netspec.layers.instance_norm import InstanceNorm
from netspec.layers.layer_norm import LayerNorm
from netspec.layers.mat_mul import MatMul
from netspec.layers.maxout import Maxout
from netspec.layers.mvn import MVN
from netspec.layers.normalize import Normalize
from netspec.layers.silence import Silence
from netspec.layers.tile import Tile
from netspec.spec.codes import CODES
from netspec.spec.layer import ShapeError

MAP = (2, 4, 7, 7)


def two_tops(layer):
    layer.top_names = ("a", "b")
    return layer


WRONG = [
    (Bias(axis=1, num_axes=9), [MAP], "E417", "num_axes 9 from axis 1 on: the bottom has 4 axes"),
    (Bias(), [MAP, (3,)], "E415", "the bias is 3, the axes of x from 1 on are 4 x 7 x 7"),
    (MVN(), [(2,)], "E413", "MVN works on N x C x .., its bottom is 2"),
    (LayerNorm(axis=4), [MAP], "E417", "axis 4 is not there: the bottom has 4 axes"),
    (GroupNorm(group=3), [MAP], "E414", "4 channels are not a multiple of group 3"),
    (GroupNorm(group=3), [(2,)], "E413", "GroupNorm works on N x C x .., its bottom is 2"),
    (InstanceNorm(), [(2, 4)], "E413", "InstanceNorm works on N x C x places, its bottom is 2 x 4"),
    (Normalize(), [(2,)], "E413", "Normalize works on N x C x .., its bottom is 2"),
    (Tile(axis=7, tiles=2), [MAP], "E417", "axis 7 is not there: the bottom has 4 axes"),
    (Expand(shape=(2, 3, 7, 7)), [MAP], "E419", "2 x 4 x 7 x 7 does not broadcast to 2 x 3 x 7 x 7"),
    (Expand(shape=(7, 7)), [MAP], "E419", "2 x 4 x 7 x 7 does not broadcast to 7 x 7"),
    (Axpy(), [(2, 3), MAP, MAP], "E415", "the factor is 2 x 3, channels of x are 2 x 4"),
    (Axpy(), [(2, 4), MAP, (2, 4, 7, 6)], "E415", "x and y differ: 2 x 4 x 7 x 7 and 2 x 4 x 7 x 6"),
    (MatMul(), [(2, 3), (4, 5)], "E415", "2 x 3 by 4 x 5: the inner sizes are 3 and 4"),
    (MatMul(), [(2, 1, 3), (3, 3, 5)], "E415", "2 x 1 x 3 by 3 x 3 x 5: the axes before the matrices do not broadcast"),
    (MatMul(), [(), (3,)], "E413", "MatMul works on matrices, its bottoms are a single number and 3"),
    (Gram(), [(2,)], "E413", "Gram works on N x C x .., its bottom is 2"),
    (Maxout(pieces=3), [MAP], "E414", "4 values are not a multiple of 3 pieces"),
    (
        Constant(shape=(3,), filler=Gaussian()),
        [],
        "E423",
        "gaussian draws new numbers in every iteration, a Constant stays as it is",
    ),
    (two_tops(DummyData(shape={"a": (3,), "c": (2,)})), [], "E418", "shape names a, c, the tops are a, b"),
    (two_tops(DummyData(shape=(3,), data_filler=(Number(),) * 3)), [], "E423", "3 fillers for 2 tops"),
]


@pytest.mark.parametrize(("layer", "bottoms", "code", "message"), WRONG)
def test_shapes_that_do_not_fit_are_refused(layer, bottoms, code, message):
    with pytest.raises(ShapeError) as caught:
        layer.shapes(*bottoms)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert code in CODES


@pytest.mark.parametrize(
    ("layer", "bottoms", "hint"),
    [
        (GroupNorm(group=3), [MAP], "group: 2"),
        (Maxout(pieces=3), [MAP], "num_output: 6 in the layer before it"),
        (MatMul(), [(2, 3), (4, 3)], "transpose_b: true"),
        (MatMul(), [(4, 2), (4, 3)], "transpose_a: true"),
    ],
)
def test_the_remedy_fits(layer, bottoms, hint):
    with pytest.raises(ShapeError) as caught:
        layer.shapes(*bottoms)
    assert caught.value.hint == hint


def test_equal_values_have_no_deviation_and_pass_no_gradient_through_it():
    lone = Lone(Case(MVN(), [np.ones((1, 2, 3, 3))], lambda *_: ()))
    _, (dx,) = lone.differentiate()
    results = lone.run()
    assert results[lone.tops[0]].any() == np.False_
    assert np.isfinite(results[dx]).all()


def test_mvn_adds_eps_to_the_deviation_as_caffe_does():
    (y,) = run_layer(MVN(eps=1.0), [[[0.0, 4.0]]])
    np.testing.assert_allclose(y, [[[-2 / 3, 2 / 3]]], rtol=1e-15)


def test_group_of_all_channels_is_a_layer_norm_of_a_sample():
    x = np.random.default_rng(0).normal(size=(2, 6, 3, 3))
    (one,), (other,) = (
        run_layer(GroupNorm(group=1, scale_bias=False), x),
        run_layer(LayerNorm(axis=1, scale_bias=False), x),
    )
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_group_of_each_channel_is_an_instance_norm():
    x = np.random.default_rng(0).normal(size=(2, 6, 3, 3))
    (one,), (other,) = run_layer(GroupNorm(group=6, scale_bias=False), x), run_layer(InstanceNorm(scale_bias=False), x)
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_gram_matrix_is_symmetric_in_its_bits():
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 4))
    (y,) = run_layer(Gram(normalization="FULL"), x)
    assert (y == y.transpose(0, 2, 1)).all()


def compiled(folder, text, phase="train"):
    path = folder / "net.yaml"
    path.write_text(text, encoding="utf-8")
    return netspec.compile(path, phase, 2, device="reference", seed=3)


def test_dummy_data_draws_anew_and_a_constant_does_not(tmp_path):
    text = (
        "layers:\n"
        "  - {name: noise, type: DummyData, shape: {a: [2, 3], b: [2]}, data_filler: [gaussian, 5], top: [a, b]}\n"
        "  - {name: one, type: Constant, shape: [2, 3], filler: 1}\n"
        "  - {name: w, type: Parameter, shape: [3], filler: 1}\n"
        "  - {name: value, type: Expression, bottom: [a, w, one], expr: a * w + one}\n"
        "  - {name: loss, type: Reduction, loss_weight: 1}\n"
        "solver: {base_lr: 0.1, max_iter: 2}\n"
    )
    net = compiled(tmp_path, text)
    first, second = net.step(), net.step()
    assert second["b"].tolist() == [5, 5]
    assert first["loss"] != second["loss"]
    assert sorted(net.params) == ["w.weight"]
    assert list(net.state) == []


def test_split_sums_the_gradients_of_its_tops(tmp_path):
    text = (
        "layers:\n"
        "  - {name: w, type: Parameter, shape: [3], filler: 2}\n"
        "  - {name: both, type: Split, top: [a, b]}\n"
        "  - {name: prod, type: Eltwise, operation: PROD, bottom: [a, b]}\n"
        "  - {name: loss, type: Reduction, loss_weight: 1}\n"
    )
    net = compiled(tmp_path, text)
    net.forward()
    net.backward()
    assert net.param_grads["w.weight"].tolist() == [4, 4, 4]


def test_silence_takes_a_blob_off_the_outputs_and_is_stepped_over():
    text = (
        "inputs: {x: [4]}\nlayers:\n"
        "  - {name: parts, type: Slice, top: [a, b]}\n"
        "  - {type: Silence, bottom: b}\n"
        "  - {name: relu, type: ReLU}\n"
    )
    net = net_of(text)
    assert net.outputs == ("relu",)
    assert net.by_name["relu"].bottom_ids == ("a",)
    assert Silence().shapes((2, 3)) == ()


def test_input_layers_are_fed_by_name(tmp_path):
    text = (
        "layers:\n"
        "  - {name: image, type: Input, shape: [2, 3]}\n"
        "  - {name: label, type: Input, shape: [2]}\n"
        "  - {name: scores, type: InnerProduct, num_output: 4, bottom: image}\n"
        "  - {name: loss, type: SoftmaxWithLoss, bottom: [scores, label]}\n"
    )
    net = compiled(tmp_path, text)
    assert np.isfinite(net.forward(image=np.ones((2, 3)), label=[0, 3])["loss"])
    assert net.resolved.inputs["label"].kind == "label"
    with pytest.raises(netspec.UsageError, match="input image: got shape"):
        net.forward(image=np.ones((1, 3)), label=[0, 3])
    with pytest.raises(netspec.DataError):
        net.forward(image=np.ones((2, 3)), label=[0, 4])


def test_input_layer_beside_a_data_source_is_refused():
    text = (
        "data: {source: digits, batch_size: 4}\nlayers:\n"
        "  - {name: more, type: Input, shape: [4, 1, 8, 8]}\n"
        "  - {name: sum, type: Eltwise, bottom: [data, more]}\n"
    )
    assert "3 E611 `more` is fed by hand, the rest comes from `data`" in found(text)


@pytest.mark.parametrize(
    ("filler", "number"), [("10", "10"), ("-1", "-1"), ("0.5", "0.5"), ("{type: values, values: [0, 12]}", "12")]
)
def test_constant_label_out_of_range_is_refused(filler, number):
    text = (
        "inputs: {x: {shape: [2, 3], batch: false}}\nlayers:\n"
        "  - {name: scores, type: InnerProduct, num_output: 10}\n"
        f"  - {{name: label, type: Constant, shape: [2], filler: {filler}}}\n"
        "  - {name: loss, type: SoftmaxWithLoss, bottom: [scores, label]}\n"
    )
    assert found(text) == [f"4 E416 `label` holds the label {number}, `loss` expects 0 to 9"]
    assert found(text.replace(f"filler: {filler}", "filler: 7")) == []
