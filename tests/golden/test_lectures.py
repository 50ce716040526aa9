"""The worked examples of the lectures (Stanford's CS231n and others), with the numbers on their slides."""

from __future__ import annotations

from math import cos, prod, sin

import numpy as np
import pytest
from layer_support import Case, Lone, run_layer

from netspec.layers.convolution import Convolution
from netspec.layers.expression import Expression
from netspec.layers.hinge_loss import HingeLoss
from netspec.layers.inner_product import InnerProduct
from netspec.layers.locally_connected import LocallyConnected
from netspec.layers.pooling import Pooling
from netspec.layers.reduction import Reduction
from netspec.layers.softmax_with_loss import SoftmaxWithLoss
from netspec.lowering import build_graph
from netspec.spec.layer import Layer, ShapeError
from netspec.spec.load import load_spec

# scores of cat, car, frog for a picture of each
SCORES = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]


def with_gradients(text: str, **bottoms: float):
    """The value of a formula and its gradient for each of its bottoms."""
    arrays = [np.array(x, float) for x in bottoms.values()]
    lone = Lone(Case(Expression(expr=text), arrays, lambda *_: (), names=tuple(bottoms)))
    _, found = lone.differentiate()
    results = lone.run(weight0=np.array(1.0))
    return float(results[lone.tops[0]]), [float(results[g]) for g in found]


@pytest.mark.parametrize(("picture", "loss"), [(0, 2.9), (1, 0.0), (2, 12.9)])
def test_hinge_loss_of_each_picture(picture, loss):
    (found,) = run_layer(HingeLoss(), [SCORES[picture]], [picture])
    assert found == pytest.approx(loss, abs=1e-12)


def test_hinge_loss_of_the_three_pictures_is_their_mean():
    (found,) = run_layer(HingeLoss(), SCORES, [0, 1, 2])
    # 5.2666..: the slides say 5.27
    assert found == pytest.approx((2.9 + 0 + 12.9) / 3, abs=1e-12)
    assert f"{found:.2f}" == "5.27"


def test_softmax_loss_of_the_cat():
    (found,) = run_layer(SoftmaxWithLoss(), SCORES[:1], [0])
    # -log 0.13; older slides have 0.89, the same in base 10
    assert f"{found:.2f}" == "2.04"


def test_product_of_a_sum():
    value, gradients = with_gradients("(x + y) * z", x=-2, y=5, z=-4)
    assert (value, gradients) == (-12, [-4, -4, 3])


def test_product_plus_sine():
    value, gradients = with_gradients("x1 * x2 + sin(x1)", x1=2, x2=3)
    assert value == pytest.approx(6 + sin(2), rel=1e-15)
    assert gradients == pytest.approx([3 + cos(2), 2], rel=1e-15)


def test_neuron_of_two_inputs():
    value, gradients = with_gradients("1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))", w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    # the slides round at each gate: 0.73; -0.2, 0.4, -0.4, -0.6, 0.2
    assert f"{value:.2f}" == "0.73"
    assert [round(g, 1) for g in gradients] == [-0.2, 0.4, -0.4, -0.6, 0.2]


def test_squared_norm_of_a_product():
    x, w = np.array([[0.2, 0.4]]), np.array([[0.1, 0.5], [-0.3, 0.8]])
    product = Lone(Case(InnerProduct(num_output=2, bias_term=False), [x], lambda *_: (), states={"weight": w}))
    (dx, dw) = product.differentiate()[1]
    q = product.run()[product.tops[0]]
    np.testing.assert_allclose(q, [[0.22, 0.26]], rtol=1e-12)
    norm = Lone(Case(Reduction(operation="SUMSQ"), [q], lambda *_: ()))
    (dq,) = norm.differentiate()[1]
    squared = norm.run(weight0=np.array(1.0))
    assert squared[norm.tops[0]] == pytest.approx(0.116, rel=1e-12)
    np.testing.assert_allclose(squared[dq], [[0.44, 0.52]], rtol=1e-12)
    results = product.run(weight0=squared[dq])
    np.testing.assert_allclose(results[dw], [[0.088, 0.176], [0.104, 0.208]], rtol=1e-12)
    np.testing.assert_allclose(results[dx], [[-0.112, 0.636]], rtol=1e-12)


def test_max_pool_of_four_by_four():
    x = np.array([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], float)
    (y,) = run_layer(Pooling(kernel_size=(2,), stride=(2,)), x[None, None])
    assert y[0, 0].tolist() == [[6, 8], [3, 4]]


@pytest.mark.parametrize(("stride", "size"), [(1, 5), (2, 3)])
def test_three_by_three_on_seven_by_seven(stride, size):
    layer = Convolution(num_output=1, kernel_size=(3,), stride=(stride,))
    assert layer.shapes((1, 1, 7, 7)) == (1, 1, size, size)
    assert list(layer.warnings((1, 1, 7, 7))) == []


def test_stride_three_does_not_fit_seven_by_seven():
    (problem,) = Convolution(num_output=1, kernel_size=(3,), stride=(3,)).warnings((1, 1, 7, 7))
    assert problem.message == "does not fit: (7 - 3 + 0)/3 + 1 = 2.33; the last 1 of 7 columns is never seen"
    assert problem.hint == "pad 1 or stride 2 fits"
    with pytest.raises(ShapeError, match=r"does not fit: \(7 - 3 \+ 0\)/3 \+ 1 = 2\.33"):
        Convolution(num_output=1, kernel_size=(3,), stride=(3,), round="exact").shapes((1, 1, 7, 7))


def parameters(layer: Layer, *shape: int) -> int:
    states = Lone(Case(layer, [np.zeros(shape)], lambda *_: ())).b.graph.states
    return sum(prod(s.read.shape) for s in states.values())


def test_ten_filters_with_padding_keep_the_size():
    layer = Convolution(num_output=10, kernel_size=(5,), pad=(2,))
    assert layer.shapes((1, 3, 32, 32)) == (1, 10, 32, 32)
    assert parameters(layer, 1, 3, 32, 32) == 760


def test_six_filters_without_padding_shrink_it():
    layer = Convolution(num_output=6, kernel_size=(5,))
    assert layer.shapes((1, 3, 32, 32)) == (1, 6, 28, 28)


# 900 units that look at a picture of 32 x 32: all of it, or windows of 3 x 3 of their own, or shared ones
@pytest.mark.parametrize(
    ("layer", "channels", "count"),
    [
        (InnerProduct(num_output=900), 1, 922_500),  # "about a million"
        (LocallyConnected(num_output=1, kernel_size=(3,)), 1, 9_000),
        (LocallyConnected(num_output=1, kernel_size=(3,)), 3, 25_200),
        (Convolution(num_output=1, kernel_size=(3,)), 3, 28),
        (Convolution(num_output=4, kernel_size=(3,)), 3, 112),
    ],
)
def test_sharing_weights_saves_parameters(layer, channels, count):
    assert prod(layer.shapes((1, channels, 32, 32))) == 900 * (4 if count == 112 else 1)
    assert parameters(layer, 1, channels, 32, 32) == count


# (layer, its map, activations in thousands, weights without biases): the table of the slides
VGG_16 = [
    ("conv1/1/conv", (64, 224, 224), "3.2M", 1_728),
    ("conv1/2/conv", (64, 224, 224), "3.2M", 36_864),
    ("pool1", (64, 112, 112), "800K", 0),
    ("conv2/1/conv", (128, 112, 112), "1.6M", 73_728),
    ("conv2/2/conv", (128, 112, 112), "1.6M", 147_456),
    ("pool2", (128, 56, 56), "400K", 0),
    ("conv3/1/conv", (256, 56, 56), "800K", 294_912),
    ("conv3/2/conv", (256, 56, 56), "800K", 589_824),
    ("conv3/3/conv", (256, 56, 56), "800K", 589_824),
    ("pool3", (256, 28, 28), "200K", 0),
    ("conv4/1/conv", (512, 28, 28), "400K", 1_179_648),
    ("conv4/2/conv", (512, 28, 28), "400K", 2_359_296),
    ("conv4/3/conv", (512, 28, 28), "400K", 2_359_296),
    ("pool4", (512, 14, 14), "100K", 0),
    ("conv5/1/conv", (512, 14, 14), "100K", 2_359_296),
    ("conv5/2/conv", (512, 14, 14), "100K", 2_359_296),
    ("conv5/3/conv", (512, 14, 14), "100K", 2_359_296),
    ("pool5", (512, 7, 7), "25K", 0),
    ("fc6", (4096,), "4096", 102_760_448),
    ("fc7", (4096,), "4096", 16_777_216),
    ("fc8", (1000,), "1000", 4_096_000),
]


@pytest.fixture(scope="module")
def vgg16():
    return load_spec("specs/vgg16.yaml").net("test", batch=1)


@pytest.mark.parametrize(("layer", "shape", "activations", "weights"), VGG_16)
def test_table_of_vgg16(vgg16, layer, shape, activations, weights):
    states = build_graph(vgg16, backward=False).states
    assert vgg16.shapes[layer] == (1, *shape)
    found = states.get(f"{layer}.weight")
    assert (prod(found.read.shape) if found else 0) == weights
    unit = {"M": 1e6, "K": 1e3}.get(activations[-1], 1)
    # the slides round freely: 802,816 is "800K", 25,088 "25K"
    assert prod(shape) / unit == pytest.approx(float(activations.rstrip("MK")), rel=0.01)


def test_totals_of_vgg16(vgg16):
    states = build_graph(vgg16, backward=False).states
    weights = sum(prod(s.read.shape) for n, s in states.items() if n.endswith(".weight"))
    biases = sum(prod(s.read.shape) for n, s in states.items() if n.endswith(".bias"))
    assert (weights, weights + biases) == (138_344_128, 138_357_544)
    assert weights == sum(row[3] for row in VGG_16)
