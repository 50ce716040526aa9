"""netspec's side: the deployed specs."""

from __future__ import annotations

import pytest

from bench.cases import CASES
from bench.netspec_side import Inference, deployed
from netspec import load_spec


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_deployed_net_ends_at_its_scores(name):
    case = CASES[name]
    net = load_spec(deployed(case), case.overrides).net("test", batch=3)
    assert next(iter(net.inputs)) == "data"
    (scores,) = net.outputs
    assert net.shapes[scores] == (*case.shape[: case.batch_axis], 3, case.classes)


@pytest.mark.bench
def test_scores_are_the_same_in_every_step():
    side = Inference(CASES["mlp"], threads=1, batch=2)
    side.step()
    first = side.result()
    side.step()
    assert len(first) == 20
    assert side.result() == first
