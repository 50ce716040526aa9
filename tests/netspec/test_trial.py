"""trial: a convolution alone computes what it computes in a net."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from way_cases import KINDS, cases

from compiler.passes.choose import offer
from netspec.targets import target_of
from netspec.trial import Trial, plan_of, random_operands
from runtime.ways import DIRECT, possible


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shape",
    [
        {"n": 2, "c": 5, "size": 9, "k": 7, "r": 3, "pad": 1},
        {"n": 2, "c": 6, "size": 9, "k": 4, "r": 3, "stride": 2, "groups": 2},
        {"n": 3, "c": 4, "size": 3, "k": 5, "r": 3},
    ],
    ids=["plain", "strided in groups", "matrix product"],
)
def test_every_way_of_the_device_gives_what_the_reference_gives(kind, shape):
    case = cases(**shape)[kind]
    operands = random_operands(case)
    ways = list(offer(case, target_of("cpu", "f32", "fast")).seconds)
    with closing(Trial(case, [possible(case.op, case.x, case.kernel)[0]], "reference", None, operands)) as reference:
        want = reference.result(reference.ways[0])
    with closing(Trial(case, ways, "cpu", 1, operands)) as trial:
        for way in ways:
            # the bound of approximate ways
            np.testing.assert_allclose(trial.result(way), want, rtol=0, atol=1e-3 * np.sqrt(np.mean(want**2)))
        assert set(trial.seconds(budget=0.0, least=1)) == set(ways)


def test_times_are_positive_on_the_reference_too():
    case = cases(2, 5, 9, 7, 3)["Conv"]
    with closing(Trial(case, [DIRECT], "reference")) as trial:
        assert trial.seconds(budget=0.0, least=2)[DIRECT] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_operands_have_the_halo_that_kernels_read_and_parameters_are_row_major(kind):
    case = cases(2, 5, 9, 7, 5, pad=2)[kind]
    plan = plan_of(case, [DIRECT])
    views = [*plan.inputs.values(), *plan.outputs.values()]
    assert views[0].halo == (2, 2)
    for view in views:
        low, high = view.extent()
        assert 0 <= low < high <= plan.memory[view.memory]
    (w,) = [view for view in views if view.shape == case.w]
    assert w.strides == (125, 25, 5, 1)


def test_results_of_random_operands_have_a_variance_of_one():
    case = cases(8, 64, 12, 64, 3)["Conv"]
    with closing(Trial(case, [DIRECT], "reference")) as trial:
        # 51 thousand results, correlated through the weights
        assert np.var(trial.result(DIRECT)) == pytest.approx(1.0, rel=0.1)
