"""The table's nets: they exist, and both sides start from the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from bench.cases import CASES, initial, running
from netspec import zoo
from netspec.spec.load import load_spec


def test_every_case_is_a_net_of_the_zoo_that_takes_its_overrides():
    for case in CASES.values():
        spec = load_spec(zoo.find(case.name), overrides=case.spec_overrides(dropout=False))
        net = spec.net("train", batch=case.batch)
        shape = list(case.shape)
        shape.insert(case.batch_axis, case.batch)
        assert net.inputs["data"].shape == tuple(shape)
        assert {n.layer.dropout_ratio for n in net.nodes if n.type == "Dropout"} <= {0.0}


def test_first_weights_depend_on_the_position_alone():
    assert np.array_equal(initial(3, "conv2.weight", (4, 2, 3, 3)), initial(3, "9.weight", (4, 2, 3, 3)))
    assert not np.array_equal(initial(3, "a", (4, 2)), initial(4, "a", (4, 2)))
    assert abs(float(initial(0, "bn.scale", (1000,)).mean()) - 1) < 0.01  # ten standard errors
    assert abs(float(initial(0, "bn.bias", (1000,)).mean())) < 0.01


def test_running_statistics_are_small_means_and_positive_variances():
    mean, variance = running(2, 1000)
    assert abs(float(mean.mean())) < 0.03  # ten standard errors
    assert 0.5 <= variance.min() <= variance.max() < 1.5


def test_the_batch_is_the_same_for_everyone():
    case = CASES["lenet"]
    assert np.array_equal(case.data(4)[0], case.data(4)[0])
    assert case.data(4)[0].shape == (4, 1, 28, 28)
    assert set(case.data(64)[1]) <= set(range(10))


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


def test_a_text_is_words_time_first_and_marks_that_it_goes_on():
    case = CASES["char_lstm"]
    x, y = case.data(case.batch)
    assert x.shape == y.shape == (50, 32)
    assert set(np.unique(x)) <= set(range(65))
    assert case.feeds(x, y, "float32")["cont"].all()
