"""inspect: shapes, counts, arithmetic, receptive fields, memory."""

from __future__ import annotations

import json

import pytest

from netspec import zoo
from netspec.reports.inspect import inspect

LOSS = {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]}


def net(*layers, data=(3, 9, 9), **rest):
    return {"name": "small", "inputs": {"data": list(data), "label": []}, "layers": list(layers), **rest}


def rows(found):
    return {row["name"]: row for row in found.to_dict()["layers"]}


@pytest.fixture(scope="module")
def lenet():
    return inspect(zoo.find("lenet"))


def test_the_document_has_the_keys_of_the_interface(lenet):
    document = json.loads(json.dumps(lenet.to_dict()))
    assert list(document) == ["name", "phase", "batch", "layers", "totals"]
    assert set(document["layers"][0]) == {
        *("name", "type", "bottoms", "tops", "params", "param_count", "activation_count"),
        *("flops_forward", "flops_backward", "receptive_field"),
    }
    assert set(document["totals"]) == {
        *("params", "learnable_params", "state", "activations", "flops_forward", "flops_backward", "memory"),
    }
    memory = document["totals"]["memory"]
    assert set(memory) == {"params", "gradients", "solver", "activations_unplanned", "arena"}


def test_lenets_first_layer_in_every_figure(lenet):
    outputs = 64 * 20 * 24 * 24
    assert rows(lenet)["conv1"] == {
        "name": "conv1",
        "type": "Convolution",
        "bottoms": [{"name": "data", "shape": [64, 1, 28, 28]}],
        "tops": [{"name": "conv1", "shape": [64, 20, 24, 24]}],
        "params": [
            {"name": "conv1.weight", "shape": [20, 1, 5, 5], "count": 500, "shared_with": None},
            {"name": "conv1.bias", "shape": [20], "count": 20, "shared_with": None},
        ],
        "param_count": 520,
        "activation_count": outputs,
        "flops_forward": outputs * (2 * 25 + 1),
        # no gradient for the pictures: weights and bias alone
        "flops_backward": outputs * (2 * 25 + 1),
        "receptive_field": [5, 5],
    }


def test_layers_stand_in_execution_order_without_the_data_source(lenet):
    expected = ["conv1", "pool1", "conv2", "pool2", "ip1", "relu1", "ip2", "loss"]
    assert expected == [row.name for row in lenet.layers]


def test_receptive_fields_grow_as_the_formula_says(lenet):
    expected = {"conv1": (5, 5), "pool1": (6, 6), "conv2": (14, 14), "pool2": (16, 16), "ip1": None, "loss": None}
    assert expected == {row.name: row.receptive_field for row in lenet.layers if row.name in expected}


def test_totals_are_the_sums_of_the_rows(lenet):
    document = lenet.to_dict()
    for total, column in (("params", "param_count"), ("activations", "activation_count")):
        assert document["totals"][total] == sum(row[column] for row in document["layers"])
    for column in ("flops_forward", "flops_backward"):
        assert document["totals"][column] == sum(row[column] for row in document["layers"])


def test_memory_is_counted_in_bytes_and_the_arena_is_smaller_than_the_sum(lenet):
    memory = lenet.memory
    assert memory["params"] == memory["gradients"] == memory["solver"] == 4 * 431_080
    assert 0 < memory["arena"] < memory["activations_unplanned"]


def test_the_test_phase_has_no_gradients():
    found = inspect(zoo.find("lenet"), phase="test")
    assert (found.batch, found.memory["gradients"], found.totals["flops_backward"]) == (100, 0, 0)
    assert "accuracy" in rows(found)


def test_frozen_parameters_count_but_not_as_learnable():
    found = inspect(
        net(
            {"name": "conv", "type": "Convolution", "num_output": 4, "kernel_size": 3, "lr_mult": 0},
            {"name": "ip", "type": "InnerProduct", "num_output": 5},
            LOSS,
        )
    )
    frozen, learned = 4 * 3 * 9 + 4, 5 * 4 * 49 + 5
    assert (found.totals["params"], found.totals["learnable_params"]) == (frozen + learned, learned)
    assert rows(found)["conv"]["flops_backward"] == 0


def test_a_shared_parameter_counts_once_at_its_owner():
    share = [{"name": "w"}, {"name": "b"}]
    found = inspect(
        net(
            {"name": "one", "type": "InnerProduct", "num_output": 6, "params": share},
            {"name": "two", "type": "InnerProduct", "num_output": 6, "params": share, "bottom": "data"},
            {"name": "sum", "type": "Eltwise", "bottom": ["one", "two"]},
            {"name": "ip", "type": "InnerProduct", "num_output": 5},
            LOSS,
        )
    )
    two = rows(found)["two"]
    assert two["param_count"] == 0
    assert [(p["name"], p["shared_with"]) for p in two["params"]] == [
        ("two.weight", "one.weight"),
        ("two.bias", "one.bias"),
    ]
    assert found.totals["params"] == 6 * 3 * 81 + 6 + 5 * 6 + 5


def test_activations_made_in_place_are_not_counted_again():
    found = inspect(
        net(
            {"name": "conv", "type": "Convolution", "num_output": 4, "kernel_size": 3},
            {"name": "relu", "type": "ReLU", "bottom": "conv", "top": "conv"},
            {"name": "ip", "type": "InnerProduct", "num_output": 5, "bottom": "conv"},
            LOSS,
        ),
        batch=2,
    )
    assert (rows(found)["conv"]["activation_count"], rows(found)["relu"]["activation_count"]) == (2 * 4 * 49, 0)


def test_running_statistics_are_state():
    found = inspect(
        net(
            {"name": "conv", "type": "Convolution", "num_output": 4, "kernel_size": 3},
            {"name": "bn", "type": "BatchNorm", "scale_bias": True},
            {"name": "ip", "type": "InnerProduct", "num_output": 5},
            LOSS,
        )
    )
    assert found.state == 4 + 4 + 1  # mean, variance, weight_sum
    assert rows(found)["bn"]["param_count"] == 8


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([{"type": "Convolution", "num_output": 2, "kernel_size": 3, "dilation": 2}], (5, 5)),
        (
            [{"type": "Convolution", "num_output": 2, "kernel_h": 3, "kernel_w": 1, "stride": 2, "round": "floor"}],
            (3, 1),
        ),
        ([{"type": "Pooling", "kernel_size": 3, "stride": 3}, {"type": "Pooling", "kernel_size": 3}], (9, 9)),
        ([{"type": "Pooling", "pool": "AVE", "global_pooling": True}], None),
        ([{"type": "Flatten"}], None),
        ([{"type": "Convolution", "num_output": 2, "kernel_size": 3}, {"type": "BatchNorm"}], (3, 3)),
        (
            [
                {"type": "Pooling", "kernel_size": 3, "stride": 3},
                {"type": "Deconvolution", "num_output": 2, "kernel_size": 6, "stride": 3},
            ],
            (6, 6),
        ),
        ([{"type": "LRN", "local_size": 3, "norm_region": "WITHIN_CHANNEL"}], (3, 3)),
        ([{"type": "Slice", "axis": 1, "slice_point": [1], "top": ["a", "b"]}], (1, 1)),
    ],
    ids=lambda value: " ".join(layer["type"] for layer in value) if isinstance(value, list) else "",
)
def test_receptive_field_of(layers, expected):
    named = [{"name": f"layer{k}", **layer} for k, layer in enumerate(layers)]
    found = inspect({"name": "r", "inputs": {"data": [3, 9, 9]}, "layers": named})
    assert found.layers[-1].receptive_field == expected


@pytest.mark.parametrize(
    ("shape", "layers", "expected"),
    [
        ([3, 40], [{"type": "Convolution", "num_output": 2, "kernel_size": 5, "stride": 2},
                   {"type": "ReLU"}, {"type": "Pooling", "kernel_size": 2}], (7,)),
        ([3, 40], [{"type": "Convolution", "num_output": 2, "kernel_size": 3, "stride": 2},
                   {"type": "Deconvolution", "num_output": 2, "kernel_size": 3, "stride": 2}], (5,)),
        ([3, 9, 20, 20], [{"type": "Convolution", "num_output": 2, "kernel_size": [3, 5, 1], "dilation": [2, 1, 1]},
                          {"type": "Pooling", "kernel_size": [1, 2, 2], "stride": [1, 2, 2]}], (5, 6, 2)),
        ([3, 9, 20, 20], [{"type": "Convolution", "num_output": 2, "kernel_size": 3},
                          {"type": "InnerProduct", "num_output": 2}], None),
        ([3, 9, 9], [{"type": "Interp", "zoom_factor": 4}], (2, 2)),
        ([3, 9, 9], [{"type": "Resample", "height": 3, "width": 3, "resample_type": "AREA"}], (3, 3)),
        ([4, 9, 9], [{"type": "PixelShuffle", "factor": 2}], None),
        ([3, 9, 9], [{"type": "Correlation", "bottom": ["data", "data"], "max_displacement": 2, "pad": 2}], (5, 5)),
    ],
)  # fmt: skip
def test_receptive_field_over_a_length_a_volume_and_behind_other_sizes(shape, layers, expected):
    named = [{"name": f"layer{k}", **layer} for k, layer in enumerate(layers)]
    found = inspect({"name": "r", "inputs": {"data": shape}, "layers": named})
    assert found.layers[-1].receptive_field == expected


def test_where_branches_join_the_larger_field_counts():
    found = inspect(
        net(
            {"name": "a", "type": "Convolution", "num_output": 2, "kernel_size": 3, "pad": 1, "bottom": "data"},
            {"name": "b", "type": "Convolution", "num_output": 2, "kernel_size": 5, "pad": 2, "bottom": "data"},
            {"name": "join", "type": "Concat", "bottom": ["a", "b"]},
        )
    )
    assert found.layers[-1].receptive_field == (5, 5)


def test_names_that_look_like_markup_are_printed_as_they_are():
    found = inspect(net({"name": "ip", "type": "InnerProduct", "num_output": 5}, LOSS) | {"name": "[bold]x[/bold]"})
    assert "[bold]x[/bold], phase train" in found.to_text()


def test_the_text_holds_every_layer_and_the_totals(lenet):
    text = lenet.to_text()
    assert all(row.name in text for row in lenet.layers)
    assert "parameters    431,080\n" in text


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_text_fits_the_terminal(lenet, width):
    text = lenet.to_text(width)
    assert max(map(len, text.splitlines())) <= width
    assert "64x20x24x24" in text or "64 x 20 x 24 x 24" in text


def test_windows_that_share_no_weights_or_are_drawn_from_are_seen_through():
    found = inspect(
        net(
            {"name": "a", "type": "LocallyConnected", "num_output": 2, "kernel_size": 3, "stride": 2},
            {"name": "b", "type": "Pooling", "pool": "STOCHASTIC", "kernel_size": 2, "stride": 2, "round": "floor"},
            {"name": "c", "type": "Im2col", "kernel_size": 2},
            data=(3, 20, 20),
        )
    )
    assert {row.name: row.receptive_field for row in found.layers} == {"a": (3, 3), "b": (5, 5), "c": (9, 9)}
