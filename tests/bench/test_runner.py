"""The benchmark's arithmetic: ratios, agreement of losses, tables, first weights."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.cases import CASES, DEFAULT_CASES, initial
from bench.report import markdown
from bench.runner import LOSS_TOLERANCE, Result
from netspec import zoo
from netspec.spec.load import load_spec

MACHINE = {"cpu": "a processor", "isa": "avx2", "cores": 2, "python": "3.11"}


def result(own=(2.0, 3.0, 2.5), losses=(2.0, 1.0)):
    return Result(
        "lenet",
        64,
        2,
        ms={"netspec": list(own), "torch-nchw": [9.0, 8.0, 7.0], "torch-channels_last": [5.0, 6.0, 5.0]},
        losses={"netspec": list(losses), "torch-nchw": [2.0, 1.0], "torch-channels_last": [2.0, 1.0]},
        peak_bytes={"netspec": 10**8, "torch-nchw": 3 * 10**8, "torch-channels_last": 3 * 10**8},
        versions={"netspec": "0", "torch": "2"},
    )


def test_the_ratio_is_the_best_layouts_median_over_ours():
    assert result().best_torch == "torch-channels_last"
    assert (result().ratio, result().ratio_of_minima) == (5.0 / 2.5, 5.0 / 2.0)


def test_without_a_reference_there_is_no_ratio():
    alone = Result("lenet", 64, 2, ms={"netspec": [1.0]})
    assert (alone.ratio, alone.best_torch, alone.loss_difference, alone.agrees) == (None, None, None, True)


@pytest.mark.parametrize(("second", "agrees"), [(1.0 + 0.5 * LOSS_TOLERANCE, True), (1.0 + 2 * LOSS_TOLERANCE, False)])
def test_losses_that_drift_apart_are_noticed(second, agrees):
    assert result(losses=(2.0, second)).agrees is agrees


def test_the_document_is_json_with_a_minimum_and_a_median():
    document = json.loads(json.dumps(result().to_dict()))
    assert document["ms"]["netspec"] == {"min": 2.0, "median": 2.5, "steps": 3}


def test_the_table_has_a_row_a_net_and_says_what_it_was_run_on():
    text = markdown([result()], MACHINE, {"cold_s": 8.0, "warm_s": 0.7, "warm_min_s": 0.6})
    assert "a processor (avx2), 2 cores" in text
    assert (
        "| lenet | 1 x 28 x 28, 64 | 2.5 (min 2) | 8 (min 7) | 5 (min 5) | 2.00 | 2.50 | 0.0e+00 | 100 / 300 / 300 |"
        in text
    )
    assert "| cold (empty kernel cache) | 8.0 |" in text
    assert "busy" not in text
    assert "Other processes were busy (load 3.0)" in markdown([result()], {**MACHINE, "load": 3.0}, None)


def test_every_case_is_a_net_of_the_zoo_that_takes_its_overrides():
    assert set(DEFAULT_CASES) <= set(CASES)
    for case in CASES.values():
        net = load_spec(zoo.find(case.name), overrides=case.spec_overrides(dropout=False)).net(
            "train", batch=case.batch
        )
        assert net.inputs["data"].shape == (case.batch, *case.shape)
        assert {n.layer.dropout_ratio for n in net.nodes if n.type == "Dropout"} <= {0.0}


def test_first_weights_depend_on_the_position_alone():
    assert np.array_equal(initial(3, "conv2.weight", (4, 2, 3, 3)), initial(3, "9.weight", (4, 2, 3, 3)))
    assert not np.array_equal(initial(3, "a", (4, 2)), initial(4, "a", (4, 2)))
    assert abs(float(initial(0, "bn.scale", (1000,)).mean()) - 1) < 0.01  # ten standard errors
    assert abs(float(initial(0, "bn.bias", (1000,)).mean())) < 0.01


@pytest.mark.bench
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_torch_net_pairs_with_the_spec_parameter_by_parameter(name):
    torch = pytest.importorskip("torch")
    from bench.torch_nets import NETS
    from netspec.reports.inspect import inspect

    case = CASES[name]
    ours = inspect(zoo.find(name), batch=1, overrides=case.spec_overrides(dropout=True))
    shapes = [param.shape for row in ours.layers for param in row.params]
    with torch.device("meta"):  # shapes alone
        theirs = [tuple(p.shape) for p in NETS[name](True).parameters()]
    assert theirs == shapes
