"""Shapes that do not fit, and what the messages say."""

from __future__ import annotations

import pytest

import netspec.layers  # noqa: F401 (registers them)
from netspec.fillers.bilinear import Bilinear
from netspec.layers.accuracy import Accuracy
from netspec.layers.batch_norm import BatchNorm
from netspec.layers.concat import Concat
from netspec.layers.convolution import Convolution
from netspec.layers.deconvolution import Deconvolution
from netspec.layers.eltwise import Eltwise
from netspec.layers.euclidean_loss import EuclideanLoss
from netspec.layers.expression import Expression
from netspec.layers.flatten import Flatten
from netspec.layers.hinge_loss import HingeLoss
from netspec.layers.inner_product import InnerProduct
from netspec.layers.lrn import LRN
from netspec.layers.pooling import Pooling
from netspec.layers.reduction import Reduction
from netspec.layers.reshape import Reshape
from netspec.layers.scale import Scale
from netspec.layers.slice import Slice
from netspec.layers.softmax_with_loss import SoftmaxWithLoss
from netspec.spec.codes import CODES
from netspec.spec.layer import ShapeError

MAP = (2, 4, 7, 7)


def conv(**fields):
    return Convolution(**{"num_output": 4, "kernel_size": (3,), **fields})


def expression(text, *names):
    layer = Expression(expr=text)
    layer.bottom_names = names
    return layer


def two_tops(layer):
    layer.top_names = ("a", "b")
    return layer


WRONG = [
    (conv(), [(2, 10)], "E413", "Convolution works on N x C x H x W, its bottom is 2 x 10"),
    (conv(group=2), [(2, 3, 7, 7)], "E414", "3 channels are not a multiple of group 2"),
    (conv(kernel_size=(9,)), [MAP], "E410", "the output would have -1 rows: (7 - 9 + 0)/1 + 1 = -1"),
    (conv(dilation=(4,)), [MAP], "E410", "the output would have -1 rows: (7 - 9 + 0)/1 + 1 = -1"),
    (
        conv(stride=(3,), round="exact"),
        [MAP],
        "E411",
        "does not fit: (7 - 3 + 0)/3 + 1 = 2.33; the last 1 of 7 rows is never seen",
    ),
    (conv(), [MAP, (2, 5, 7, 7)], "E415", "bottoms that share weights need equally many channels, got 4, 5"),
    (
        Deconvolution(num_output=1, kernel_size=(2,), pad=(4,)),
        [(1, 1, 3, 3)],
        "E410",
        "the output would have -4 rows: 1*(3 - 1) + 2 - 8 = -4",
    ),
    (
        Deconvolution(num_output=1, kernel_h=2, kernel_w=3, weight_filler=Bilinear()),
        [MAP],
        "E423",
        "bilinear fills square kernels, this parameter is 4 x 1 x 2 x 3",
    ),
    (
        Pooling(kernel_size=(1,), stride=(3,)),
        [(1, 1, 5, 5)],
        "E412",
        "the last window would be empty: it starts at 6, the map has 5 rows ((5 - 1 + 0)/3 + 1 = 2.33, rounded up)",
    ),
    (Pooling(kernel_size=(9,)), [MAP], "E410", "the output would have -1 rows: (7 - 9 + 0)/1 + 1 = -1"),
    (InnerProduct(num_output=2, axis=2), [(2, 3)], "E417", "axis 2 is not there: the bottom has 2 axes"),
    (BatchNorm(), [(5,)], "E413", "BatchNorm works on N x C x .., its bottom is 5"),
    (LRN(), [(2, 5)], "E413", "LRN works on N x C x H x W, its bottom is 2 x 5"),
    (Scale(axis=1), [MAP, (3,)], "E415", "the factor is 3, the axes of x from 1 on are 4 x 7 x 7"),
    (Scale(axis=3, num_axes=2), [MAP], "E417", "num_axes 2 from axis 3 on: the bottom has 4 axes"),
    (Eltwise(), [MAP, (2, 8, 7, 7)], "E415", "the bottoms differ: 2 x 4 x 7 x 7 and 2 x 8 x 7 x 7"),
    (Eltwise(coeff=(1.0,)), [MAP, MAP], "E422", "coeff has 1 values for 2 bottoms"),
    (
        Concat(),
        [MAP, (2, 4, 7, 6)],
        "E415",
        "bottoms may differ along axis 1 only: 2 x 4 x 7 x 7 and 2 x 4 x 7 x 6",
    ),
    (two_tops(Slice()), [(2, 3)], "E418", "3 does not split into 2 equal parts"),
    (two_tops(Slice(slice_point=(1, 2))), [(2, 4)], "E418", "2 slice points make 3 parts, there are 2 tops"),
    (two_tops(Slice(slice_point=(4,))), [(2, 4)], "E418", "slice point 4 leaves nothing behind it: the axis has 4"),
    (Flatten(axis=2, end_axis=0), [MAP], "E417", "end_axis 0 lies before axis 2"),
    (Reshape(shape=(0, 3, -1)), [(2, 10)], "E419", "2 x 10 has 20 values, they do not fit in 2 x 3 x ?"),
    (Reshape(shape=(2, 3)), [(2, 10)], "E419", "2 x 10 has 20 values, they do not fit in 2 x 3"),
    (Reshape(shape=(0, 0, 0)), [(2, 10)], "E419", "0 at place 2 copies an axis that 2 x 10 lacks"),
    (Reduction(axes=(0, -2)), [(2, 10)], "E417", "axes names an axis twice"),
    (SoftmaxWithLoss(), [MAP, (2,)], "E416", "scores 2 x 4 x 7 x 7 need labels 2 x 7 x 7, got 2"),
    (SoftmaxWithLoss(), [(2, 10), (2, 10)], "E416", "scores 2 x 10 need labels 2, got 2 x 10"),
    (HingeLoss(), [(2, 10), (3,)], "E416", "scores 2 x 10 need labels 2, got 3"),
    (Accuracy(top_k=5), [(2, 4), (2,)], "E421", "top_k 5 of 4 classes is always right"),
    (
        EuclideanLoss(),
        [(2, 3), (2, 4)],
        "E415",
        "the targets must have as many values as the prediction: 2 x 3 against 2 x 4",
    ),
    (
        expression("a + b", "a", "b"),
        [(2, 3), (2,)],
        "E420",
        "shapes 2 x 3 and 2 do not broadcast (at character 3 of 'a + b')",
    ),
    (expression("a + c", "a"), [(2,)], "E521", "the formula names 'c', which is no bottom"),
    (expression("a", "a", "b/c"), [(2,), (2,)], "E521", "the formula does not use its bottom 'b/c'"),
]


@pytest.mark.parametrize(("layer", "bottoms", "code", "message"), WRONG)
def test_shapes_that_do_not_fit_are_refused_with_their_numbers(layer, bottoms, code, message):
    with pytest.raises(ShapeError) as caught:
        layer.shapes(*bottoms)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert code in CODES
    assert caught.value.field is None or caught.value.field in layer.specs


def test_pooling_sizes_are_caffes():
    pool = Pooling(kernel_size=(3,), stride=(2,), pad=(1,))
    # ceil((6 + 2 - 3) / 2) + 1 = 4 windows, but the fourth would start in the padding behind the map
    assert pool.shapes((1, 1, 6, 6)) == (1, 1, 4, 4)
    assert Pooling(kernel_size=(2,), stride=(2,), pad=(1,)).shapes((1, 1, 3, 3)) == (1, 1, 2, 2)
    assert Pooling(kernel_size=(3,), stride=(2,)).shapes((1, 1, 112, 112)) == (1, 1, 56, 56)
    assert Pooling(kernel_size=(3,), stride=(2,), round="floor").shapes((1, 1, 112, 112)) == (1, 1, 55, 55)


def test_kernel_larger_than_the_map_pools_what_there_is():
    # Caffe: ceil(-1 / 2) + 1 = 1
    assert Pooling(kernel_size=(3,), stride=(2,)).shapes((1, 1, 2, 2)) == (1, 1, 1, 1)


def test_sides_can_differ():
    layer = Convolution(num_output=3, kernel_h=3, kernel_w=1, stride_h=2, pad_w=1)
    assert layer.shapes((1, 2, 7, 5)) == (1, 3, 3, 7)
    assert Convolution(num_output=3, kernel_size=(3, 1), stride=(2, 1), pad=(0, 1)).shapes((1, 2, 7, 5)) == (1, 3, 3, 7)


def test_hints_work_when_typed_in():
    with pytest.raises(ShapeError) as caught:
        conv(kernel_size=(9,)).shapes(MAP)
    assert caught.value.hint == "kernel_size 7 or pad 1 fits"
    assert conv(kernel_size=(7,)).shapes(MAP) == (2, 4, 1, 1)
    assert conv(kernel_size=(9,), pad=(1,)).shapes(MAP) == (2, 4, 1, 1)


def test_labels_may_keep_the_class_axis():
    for label in ((2,), (2, 1), (2, 1, 1, 1)):
        assert SoftmaxWithLoss().shapes((2, 10), label) == ((),)
    assert SoftmaxWithLoss().shapes((2, 10, 1, 1), (2,)) == ((),)


def test_flatten_of_a_row_of_numbers_makes_a_column():
    assert Flatten().shapes((5,)) == (5, 1)


def warned(layer, *bottoms):
    return [(p.code, p.message, p.hint, p.severity) for p in layer.warnings(*bottoms)]


def test_pixels_that_no_window_sees_are_warned_about():
    assert warned(conv(stride=(3,)), MAP) == [
        (
            "W120",
            "does not fit: (7 - 3 + 0)/3 + 1 = 2.33; the last 1 of 7 columns is never seen",
            "pad 1 or stride 2 fits",
            "warning",
        )
    ]


def test_rows_and_columns_that_differ_are_both_told():
    ((_, message, hint, _),) = warned(conv(stride=(3,)), (1, 4, 8, 7))
    assert message == (
        "does not fit: (8 - 3 + 0)/3 + 1 = 2.67; the last 2 of 8 rows are never seen; "
        "(7 - 3 + 0)/3 + 1 = 2.33; the last 1 of 7 columns is never seen"
    )
    assert hint == "pad 1 or stride 1 fits"


@pytest.mark.parametrize(
    "layer",
    [
        conv(stride=(3,), round="floor"),  # written: meant
        conv(stride=(3,), round="ceil"),
        conv(kernel_size=(1,), stride=(2,)),  # samples on purpose
        conv(kernel_size=(7,), stride=(2,), pad=(3,)),  # fits 7
        conv(kernel_size=(3,), stride=(2,)),
    ],
)
def test_no_warning_where_nothing_is_lost_or_it_is_meant(layer):
    assert warned(layer, MAP) == []


def test_no_warning_where_only_padding_is_dropped():
    # ResNet's first layer: (224 - 7 + 6)/2 + 1 = 112.5
    layer = conv(kernel_size=(7,), stride=(2,), pad=(3,))
    assert (layer.shapes((1, 3, 224, 224)), warned(layer, (1, 3, 224, 224))) == ((1, 4, 112, 112), [])


@pytest.mark.parametrize(
    ("layer", "scores", "expected"),
    [
        (SoftmaxWithLoss(ignore_label=255), (4, 21, 8, 8), (21, 255)),
        (SoftmaxWithLoss(axis=-1), (4, 8, 5), (5, None)),
        (Accuracy(), (4, 10), (10, None)),
        (HingeLoss(), (4, 3, 2, 2), (12, None)),  # further axes are flattened into the classes
    ],
)
def test_labels_count_the_classes_of_the_scores(layer, scores, expected):
    assert expected == layer.label_range(scores, (4,))
