"""What layers read: a blob that is a label for one layer is data for another."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

import netspec

READERS = [
    {"type": "InnerProduct", "num_output": 3},
    {"type": "Convolution", "num_output": 3, "kernel_size": 2},
    {"type": "Pooling", "kernel_size": 2, "stride": 2},
    {"type": "Softmax"},
    {"type": "LRN"},
    {"type": "Gram"},
    {"type": "MatMul", "bottom": ["x", "x"]},
    {"type": "ArgMax", "axis": 1, "out_max_val": True},
    {"type": "Concat", "bottom": ["x", "other"]},
    {"type": "Eltwise", "bottom": ["x", "other"]},
]


def outputs(layers, device, **inputs):
    shapes = {name: list(array.shape[1:]) for name, array in inputs.items()}
    with closing(netspec.compile({"inputs": shapes, "layers": layers}, "test", 2, device=device, seed=1)) as net:
        return net.forward(**inputs)


@pytest.mark.parametrize("device", ["cpu", "reference"])
@pytest.mark.parametrize("reader", READERS, ids=lambda r: r["type"])
def test_a_label_is_data_to_a_layer_that_computes_with_it(reader, device):
    random = np.random.default_rng(0)
    x, other = random.integers(0, 4, (2, 3, 4, 4)), random.normal(size=(2, 3, 4, 4))
    reading = {"name": "y", "bottom": "x", **reader}
    inputs = {"x": x} | ({"other": other} if "other" in reading["bottom"] else {})
    hot = {"name": "hot", "type": "OneHot", "bottom": "x", "num_output": 4}
    found = outputs([reading, hot], device, **inputs)
    np.testing.assert_array_equal(found["y"], outputs([reading], device, **inputs)["y"])
    np.testing.assert_array_equal(found["hot"], np.eye(4)[x])


def test_places_stay_whole_numbers():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4))
    layers = [
        {"name": "pool", "type": "Pooling", "bottom": "x", "kernel_size": 2, "stride": 2, "top": ["pool", "where"]},
        {"name": "back", "type": "Unpooling", "bottom": ["pool", "where", "x"]},
    ]
    (back,) = outputs(layers, "reference", x=x).values()
    np.testing.assert_array_equal(back[back != 0], x.astype(np.float32)[back != 0])
    assert np.count_nonzero(back) == 2 * 3 * 4
