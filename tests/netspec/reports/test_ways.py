"""time --algorithms: every way of a layer's convolutions, its error, and which one is taken."""

from __future__ import annotations

import json

import pytest

from netspec import trial
from netspec.reports.ways import compare_ways
from netspec.spec.load import load_spec
from runtime.errors import UsageError
from runtime.ways import DIRECT, MATMUL, possible

SPEC = {
    "name": "compared",
    "inputs": {"data": [16, 12, 12], "label": []},
    "layers": [
        {"name": "conv", "type": "Convolution", "num_output": 16, "kernel_size": 3, "pad": 1},
        {"name": "relu", "type": "ReLU"},
        {"name": "ip", "type": "InnerProduct", "num_output": 4},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
    ],
    "solver": {"type": "SGD", "base_lr": 0.01, "max_iter": 1},
}


@pytest.fixture(scope="module")
def net():
    return load_spec(SPEC).net("train", batch=2)


@pytest.fixture(scope="module")
def report(net):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial.Trial.seconds, "__defaults__", (0.0, 1, 1))  # one run of each
        return compare_ways(net, "conv")


def test_the_document_has_every_possible_way_of_each_convolution(report):
    document = json.loads(json.dumps(report.to_dict()))
    assert list(document) == ["layer", "dtype", "threads", "error_bound", "cases"]
    assert [(case["kernel"], case["segment"]) for case in document["cases"]] == [
        ("conv", "forward"),
        ("conv_weight_grad", "backward"),
    ]
    for case, found in zip(document["cases"], report.cases, strict=True):
        assert case["flops"] == 2 * 2 * 16 * 144 * 16 * 9
        ways = [way["algorithm"] for way in case["ways"]]
        assert ways == list(possible(found.case.op, found.case.x, found.case.kernel))


def test_what_ran_has_a_time_and_an_error_and_is_within_the_bound(report):
    for case in report.cases:
        assert DIRECT in [way.algorithm for way in case.ways if way.ms]
        for way in case.ways:
            assert (way.ms is None) == (way.max_error is None) == (way.gflops_per_s is None)
            assert way.max_error is None or way.max_error < 1e-3
            assert way.ms is not None or "no kernel" in (way.refused or "")


def test_one_way_of_each_is_taken_and_it_is_allowed(report):
    for case in report.cases:
        (taken,) = [way for way in case.ways if way.taken]
        assert taken.refused is None
        assert taken.estimate_ms is not None


def test_a_refused_way_is_measured_all_the_same():
    net = load_spec(SPEC, {"math": "exact"}).net("test", batch=2)
    (case,) = compare_ways(net, "conv").cases
    others = [way for way in case.ways if way.algorithm != DIRECT and way.ms]
    assert others
    assert {way.refused for way in others} == {"math: exact"}


def test_the_text_fits_the_terminal_and_marks_the_way_that_is_taken(report):
    text = report.to_text(80)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("taken") == len(report.cases)
    assert "2 x 16 x 12 x 12, 16 x 16 x 3 x 3 to 2 x 16 x 12 x 12" in text


def test_a_fully_connected_layer_has_one_way(net):
    report = compare_ways(net, "ip")
    assert {way.algorithm for case in report.cases for way in case.ways} == {MATMUL}
    assert [case.kernel for case in report.cases] == ["conv", "conv_input_grad", "conv_weight_grad"]


@pytest.mark.parametrize(
    ("layer", "message"),
    [("conw", "has no layer 'conw': did you mean `conv`"), ("relu", "layer 'relu' has no convolution")],
)
def test_a_layer_without_ways_is_a_usage_error(net, layer, message):
    with pytest.raises(UsageError, match=message):
        compare_ways(net, layer)


def test_the_reference_has_one_way(net):
    report = compare_ways(net, "conv", device="reference")
    for case in report.cases:
        assert [way.algorithm for way in case.ways if way.ms is not None] == [DIRECT]
        # the reference rounds its operands and results to float32
        assert case.ways[0].max_error == pytest.approx(0.0, abs=1e-6)
