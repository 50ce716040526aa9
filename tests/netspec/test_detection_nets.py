"""Faster R-CNN and SSD from end to end, on pictures of two kinds of squares."""

from __future__ import annotations

import numpy as np
import pytest

import netspec

SIDE, CLASSES = 48, 3


def conv(name, width, bottom=None, kernel=3, stride=1, **more):
    entry = {"name": name, "type": "Convolution", "num_output": width, "kernel_size": kernel, "stride": stride, **more}
    return {**entry, "pad": kernel // 2, **({"bottom": bottom} if bottom else {})}


def relu(name):
    return {"name": name, "type": "ReLU"}


TRUNK = [
    conv("conv1", 16, stride=2), relu("relu1"),
    conv("conv2", 32, stride=2), relu("relu2"),
    conv("conv3", 32, stride=2), relu("map"),
]  # fmt: skip
INPUTS = {"data": [3, SIDE, SIDE], "gt_boxes": [2, 5]}
SOLVER = {"type": "SGD", "base_lr": 0.02, "momentum": 0.9, "clip_gradients": 5.0, "max_iter": 1000}
SMALL = {"weight_filler": {"type": "gaussian", "std": 0.01}}


def of(kind, name, bottom, **fields):
    return {"name": name, "type": kind, "bottom": bottom, **fields}


FRAME = {"image_size": [SIDE, SIDE], "min_size": 4}
PROPOSED = ["rpn_map", "rpn_box", "anchors"]
FASTER_RCNN = {
    "name": "faster-rcnn",
    "inputs": INPUTS,
    "layers": [
        *TRUNK,
        conv("rpn", 32), relu("rpn_relu"),
        conv("rpn_cls", 4, "rpn_relu", kernel=1, **SMALL),
        conv("rpn_box", 8, "rpn_relu", kernel=1, **SMALL),
        of("Anchors", "anchors", "rpn_cls", stride=8, base_size=8, ratios=[1], scales=[1.25, 2]),
        of("Reshape", "rpn_score", "rpn_cls", shape=[0, 2, -1, 6]),
        of(
            "AnchorTarget", "rpn_data", ["rpn_cls", "anchors", "gt_boxes"], batch_size=32, positive_overlap=0.6,
            image_size=[SIDE, SIDE], top=["rpn_label", "rpn_target", "rpn_in", "rpn_out"], include="train",
        ),
        of("SoftmaxWithLoss", "rpn_loss", ["rpn_score", "rpn_label"], ignore_label=-1, include="train"),
        of("SmoothL1Loss", "rpn_loss_box", ["rpn_box", "rpn_target", "rpn_in", "rpn_out"], sigma=3, include="train"),
        of("Softmax", "rpn_prob", "rpn_score"),
        of("Reshape", "rpn_map", "rpn_prob", shape=[0, 4, -1, 6]),
        of("Proposal", "proposals", PROPOSED, post_nms_top_n=12, include="train", **FRAME),
        of(
            "ProposalTarget", "sampled", ["proposals", "gt_boxes"], num_classes=CLASSES, batch_size=12,
            top=["regions", "label", "target", "inside", "outside"], include="train",
        ),
        of("Proposal", "regions", PROPOSED, post_nms_top_n=12, include="test", **FRAME),
        of("RoIPooling", "roi", ["map", "regions"], pooled_h=3, pooled_w=3, spatial_scale=0.125),
        {"name": "fc", "type": "InnerProduct", "num_output": 64}, relu("fc_relu"),
        of("InnerProduct", "cls", "fc_relu", num_output=CLASSES, **SMALL),
        of("InnerProduct", "box", "fc_relu", num_output=4 * CLASSES, **SMALL),
        of("SoftmaxWithLoss", "loss_cls", ["cls", "label"], ignore_label=-1, include="train"),
        of("SmoothL1Loss", "loss_box", ["box", "target", "inside", "outside"], include="train"),
        of("Softmax", "prob", "cls", include="test"),
        of("AveragePrecision", "ap", ["prob", "box", "regions", "gt_boxes"], include="test"),
    ],
    "solver": SOLVER,
}  # fmt: skip

HEADS = ["loc", "conf", "priors"]
SSD = {
    "name": "ssd",
    "inputs": INPUTS,
    "layers": [
        *TRUNK,
        conv("loc_map", 12, "map"), conv("conf_map", 9, "map"),
        of("PriorBox", "priors", ["map", "data"], min_size=10, max_size=18, aspect_ratio=[1.5], flip=False,
           variance=[0.1, 0.1, 0.2, 0.2]),
        of("Permute", "loc_last", "loc_map", order=[0, 2, 3, 1]), {"name": "loc", "type": "Flatten"},
        of("Permute", "conf_last", "conf_map", order=[0, 2, 3, 1]),
        {"name": "conf", "type": "Reshape", "shape": [0, -1, CLASSES]},
        of("MultiBoxLoss", "loss", [*HEADS, "gt_boxes"], num_classes=CLASSES, include="train"),
        of("Softmax", "sure", "conf", axis=2, include="test"),
        of("DetectionOutput", "found", ["loc", "sure", "priors"], num_classes=CLASSES, keep_top_k=4,
           confidence_threshold=0.3, include="test"),
    ],
    "solver": SOLVER,
}  # fmt: skip


def pictures(seed, count, scale=1.0):
    """Grey pictures with one or two squares, each bright in the channel of its class; corners belong to the boxes."""
    rng = np.random.default_rng(seed)
    data, boxes = rng.normal(0, 0.1, (count, 3, SIDE, SIDE)), np.zeros((count, 2, 5))
    for n in range(count):
        for g in range(rng.integers(1, 3)):
            side, label = rng.integers(9, 18), rng.integers(1, CLASSES)
            x, y = rng.integers(0, SIDE - side), rng.integers(24 * g, 24 * g + 24 - min(side, 23))
            data[n, label, y : y + side, x : x + side] = 1.0
            boxes[n, g] = x, y, x + side - 1, min(y + side, SIDE) - 1, label
    if scale != 1.0:
        boxes[..., 2:4] += 1  # parts of the image: from side to side
        boxes[..., :4] *= scale
    return {"data": data, "gt_boxes": boxes}


def trained(spec, steps, device, scale=1.0, **options):
    """The net of both phases after some steps, and the losses on the way."""
    net = netspec.compile(spec, "train", 4, device=device, **options)
    losses = [sum(map(float, net.step(**pictures(k % 25, 4, scale)).values())) for k in range(steps)]
    test = netspec.compile(spec, "test", 4, device=device, **options)
    for name in test.params:
        test.params[name] = net.params[name]
    return net, test, losses


@pytest.mark.parametrize("spec", [FASTER_RCNN, SSD], ids=lambda s: s["name"])
def test_a_step_moves_every_parameter(spec):
    scale = 1 / SIDE if spec is SSD else 1.0
    net = netspec.compile(spec, "train", 2, device="reference")
    before = {name: net.params[name].copy() for name in net.params}
    tops = net.step(**pictures(0, 2, scale))
    scalars = [v for v in tops.values() if np.shape(v) == ()]
    assert np.isfinite(scalars).all()
    assert [name for name, w in before.items() if (net.params[name] == w).all()] == []


def test_a_picture_may_have_many_regions():
    spec = {
        "data": {
            "source": "shapes", "tops": ["data", "rois", "label"], "rois": 3, "size": 8, "classes": 4,
            "train": {"batch_size": 2}, "test": {"batch_size": 2},
        },
        "layers": [
            of("RoIPooling", "roi", ["data", "rois"], pooled_h=2, pooled_w=2),
            {"name": "cls", "type": "InnerProduct", "num_output": 4},
            of("SoftmaxWithLoss", "loss", ["cls", "label"]),
        ],
        "solver": SOLVER,
    }  # fmt: skip
    rng = np.random.default_rng(0)
    batch = {"data": rng.random((2, 3, 8, 8)), "rois": np.tile([0.0, 0, 0, 4, 4], (6, 1)), "label": np.arange(6) % 4}
    assert np.isfinite(netspec.compile(spec, "train", device="reference").step(**batch)["loss"])
    test = netspec.compile(spec, "test", device="reference")
    # the last batch of a test is smaller
    assert np.isfinite(test.forward(data=batch["data"][:1], rois=batch["rois"][:3], label=batch["label"][:3])["loss"])
    with pytest.raises(netspec.UsageError, match=r"input rois: got shape \(5, 5\), expected \(6, 5\)"):
        test.forward(**{**batch, "rois": batch["rois"][:5]})


@pytest.mark.slow
def test_faster_rcnn_learns_to_find_squares():
    _, test, _ = trained(FASTER_RCNN, 400, "cpu")
    found = [float(test.forward(**pictures(k, 4))["ap"]) for k in range(100, 110)]
    # pictures it has not seen; without training next to nothing is found
    assert np.mean(found) >= 0.7
    assert np.mean([float(trained(FASTER_RCNN, 0, "cpu")[1].forward(**pictures(100, 4))["ap"])]) <= 0.2


@pytest.mark.slow
def test_ssd_learns_to_find_squares():
    _, test, losses = trained(SSD, 400, "cpu", 1 / SIDE)
    assert np.mean(losses[-25:]) <= 0.4 * np.mean(losses[:25])
    right = total = 0
    for k in range(100, 110):
        batch = pictures(k, 4, 1 / SIDE)
        rows = test.forward(**batch)["found"].reshape(4, -1, 7)
        for mine, boxes in zip(rows, batch["gt_boxes"], strict=True):
            for box in boxes[boxes[:, 4] > 0]:
                near = np.abs(mine[:, 3:] - box[:4]).max(1) < 4 / SIDE
                right += bool((near & (mine[:, 1] == box[4])).any())
                total += 1
    assert right >= 0.7 * total


@pytest.mark.slow
@pytest.mark.parametrize("spec", [FASTER_RCNN, SSD], ids=lambda s: s["name"])
def test_the_bits_do_not_depend_on_the_threads(spec):
    scale = 1 / SIDE if spec is SSD else 1.0
    runs = [trained(spec, 5, "cpu", scale, threads=threads)[0] for threads in (1, 2, 3)]
    for name in runs[0].params:
        assert len({net.params[name].tobytes() for net in runs}) == 1, name


LAYOUTS = {
    "of a parameter": [{"name": "x", "type": "Parameter", "shape": [2, 5, 6, 6]}],
    "of a permuted map": [of("Permute", "x", "turned", order=[0, 3, 1, 2])],
    "of a slice of channels": [of("Slice", "cut", "wide", slice_point=5, top=["x", "rest"])],
    "of a slice of rows": [of("Slice", "cut", "tall", axis=2, slice_point=6, top=["x", "rest"])],
    "of joined maps": [of("Concat", "x", ["one", "other"])],
}


@pytest.mark.parametrize("before", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_regions_are_pooled_however_their_maps_lie(before):
    shapes = {
        "turned": (2, 6, 6, 5),
        "wide": (2, 8, 6, 6),
        "tall": (2, 5, 9, 6),
        "one": (2, 2, 6, 6),
        "other": (2, 3, 6, 6),
    }
    read = before[0].get("bottom", [])
    names = [read] if isinstance(read, str) else read
    spec = {
        "inputs": {"rois": {"shape": [4, 5], "batch": False}, **{n: list(shapes[n][1:]) for n in names}},
        "layers": [
            *before,
            of("RoIPooling", "roi", ["x", "rois"], pooled_h=2, pooled_w=3),
            {"name": "w", "type": "Parameter", "shape": [4, 5, 2, 3], "filler": {"type": "uniform"}},
            of("Eltwise", "y", ["roi", "w"], operation="PROD"),
            {"name": "total", "type": "Reduction", "loss_weight": 1},
        ],
    }
    rng = np.random.default_rng(0)
    batch = {n: rng.normal(size=shapes[n]) for n in names}
    batch["rois"] = np.array([[0, 0, 0, 5, 5], [1, 1, 2, 4, 3], [1, 3, 3, 9, 9], [7, 0, 0, 1, 1]], float)
    found = []
    for device in ("cpu", "reference"):
        net = netspec.compile(spec, "train", 2, device=device, dtype="float64", keep=["all"])
        made = [net.forward(**batch)["total"]]
        net.backward()
        found.append([*made, *net.blob_grads.values(), *net.param_grads.values()])
    assert len(found[0]) >= 3
    for one, other in zip(*found, strict=True):
        # float64 on both sides, sums of some hundred numbers
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
