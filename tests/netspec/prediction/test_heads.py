from __future__ import annotations

import pytest

from netspec import zoo
from netspec.prediction.heads import Head, heads_of, named_head, reachable
from netspec.spec.load import load_spec
from runtime.errors import UsageError


def net(spec):
    return load_spec(spec).net("test", batch=2)


def forms(spec, *given):
    return {head.blob: head.form for head in heads_of(net(spec), given or ("data",))}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lenet", {"ip2": "classes"}),
        ("googlenet", {"classifier": "classes"}),
        ("resnet20", {"fc": "classes"}),
        ("vgg16", {"fc8": "classes"}),
    ],
)
def test_a_classifier_of_the_zoo_tells_classes(name, expected):
    assert forms(zoo.find(name)) == expected


def layers(*entries, inputs=None):
    return {"inputs": inputs or {"data": [3, 4, 4], "label": []}, "layers": list(entries)}


IP = {"name": "ip", "type": "InnerProduct", "num_output": 5}
CONV = {"name": "conv", "type": "Convolution", "num_output": 5, "kernel_size": 1}


def test_shares_come_from_scores_as_their_loss_or_maker_says():
    def head(*entries):
        return heads_of(net(layers(*entries)), ("data",))[-1]

    loss = {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]}
    assert head(IP, loss) == Head(blob="ip", form="classes", makes="softmax", keep=("ip",))
    assert head(IP, {"name": "prob", "type": "Softmax"}).makes == ""
    assert head(IP, {"name": "prob", "type": "LogSoftmax"}).makes == "exp"
    hinge = {"name": "loss", "type": "HingeLoss", "bottom": ["ip", "label"]}
    assert head(IP, hinge) == Head(blob="ip", form="classes", makes=None, keep=("ip",))


def test_scores_of_each_pixel_are_a_mask():
    loss = {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["conv", "label"]}
    spec = layers(CONV, loss, inputs={"data": [3, 4, 4], "label": [1, 4, 4]})
    assert forms(spec) == {"conv": "mask"}


def test_what_nothing_judges_is_numbers():
    assert forms(layers(CONV)) == {"conv": "values"}
    regression = {"name": "loss", "type": "EuclideanLoss", "bottom": ["ip", "wanted"]}
    assert forms(layers(IP, regression, inputs={"data": [3, 4, 4], "wanted": [5]})) == {"ip": "values"}


def test_a_blob_that_the_labels_alone_give_is_no_prediction():
    spec = layers(
        IP,
        {"name": "target", "type": "Power", "bottom": "wanted", "scale": 2},
        {"name": "loss", "type": "EuclideanLoss", "bottom": ["ip", "target"]},
        inputs={"data": [3, 4, 4], "wanted": [5]},
    )
    assert forms(spec) == {"ip": "values"}


def test_boxes_come_from_the_layer_that_finds_them():
    spec = {
        "inputs": {"x": [8, 4, 4], "image": [3, 32, 32], "loc": [128], "conf": [96]},
        "layers": [
            {"name": "priors", "type": "PriorBox", "bottom": ["x", "image"], "min_size": 8, "max_size": 16},
            {"name": "found", "type": "DetectionOutput", "bottom": ["loc", "conf", "priors"], "num_classes": 3},
        ],
    }
    assert forms(spec, "x", "image", "loc", "conf") == {"found": "boxes"}


def test_only_what_follows_from_the_inputs_is_reachable():
    spec = layers(IP, {"name": "both", "type": "Concat", "bottom": ["ip", "more"]},
                  inputs={"data": [3, 4, 4], "more": [5]})  # fmt: skip
    assert reachable(net(spec), ("data",)) == {"data", "ip"}
    assert reachable(net(spec), ("data", "more")) == {"data", "more", "ip", "both"}


def test_weights_that_cannot_be_reached_ask_for_their_input():
    spec = layers(
        {"name": "both", "type": "Concat", "bottom": ["data", "more"]}, IP,
        inputs={"data": [5], "more": [5]},
    )  # fmt: skip
    with pytest.raises(UsageError, match="`ip` cannot be computed from data: the net also reads `more`"):
        heads_of(net(spec), ("data",))


def test_any_blob_can_be_named():
    made = net(layers(CONV, IP))
    assert named_head(made, "conv", ("data",)) == Head(blob="conv", form="values", keep=("conv",))
    with pytest.raises(UsageError, match="did you mean `conv`"):
        named_head(made, "comv", ("data",))
