from __future__ import annotations

import numpy as np
import pytest
from conv_cases import ConvShape
from emulated_cases import check_emulated_step
from emulated_convs import check_emulated, normalised_plan
from kernel_cases import ORIGIN, Bench, random_values

from runtime import ops
from runtime.expr import arg
from runtime.plan import Step

GATHERED = {
    "a window": ConvShape(1, 4, 8, (4, 5), (3, 3), (1, 1), (1, 1)),
    "groups": ConvShape(1, 4, 16, (3, 12), (1, 1), groups=2),
    "float64": ConvShape(1, 4, 4, (6, 6), (1, 1), dtype="f64"),
    "more rows than a tile": ConvShape(2, 4, 12, (5, 5), (1, 1)),
}


def names(executor):
    return [launch.kernel.name for launch in executor.launches[0]]


@pytest.mark.parametrize("shape", GATHERED.values(), ids=list(GATHERED))
def test_statistics_are_gathered_in_the_kernel_of_the_product(shape):
    executor = check_emulated(normalised_plan(shape))
    assert names(executor)[-3:] == ["moments_merge", "reduce_sum", "reduce_max"]
    assert executor.machine.conflicts == 0


def test_channels_that_are_no_vectors_are_summed_up_apart():
    executor = check_emulated(normalised_plan(ConvShape(1, 4, 6, (4, 5), (1, 1))))
    assert names(executor)[-3:] == ["moments", "reduce_sum", "reduce_max"]


def test_the_variance_of_numbers_far_from_zero_keeps_its_digits():
    plan, operands = normalised_plan(ConvShape(1, 4, 8, (6, 6), (1, 1)))
    rng = np.random.default_rng(0)
    values = {v: random_values(rng, v) for v in operands}
    values[operands[2]] = values[operands[2]] + 1000.0  # the bias: sums of squares would keep no digit of 1
    # means are 1000 and rounded to 1e-7 of it, which the bound of the values themselves allows for
    check_emulated_step(plan, values)


def test_sums_of_batched_products_whose_columns_are_no_channels_are_taken_apart():
    bench = Bench()
    a, b, c = bench.dense((2, 4, 8, 8)), bench.dense((2, 4, 8, 8)), bench.dense((2, 4, 8, 8))
    total = bench.dense((1, 4, 1, 1))
    after = (Step(ops.Reduce("sum", (arg(0),), (0, 2, 3), c.shape), (c,), (total,), "forward", ORIGIN),)
    rng = np.random.default_rng(0)
    executor = check_emulated_step(
        bench.plan(ops.Matmul(), [a, b], [c], after), {v: random_values(rng, v) for v in (a, b)}
    )
    assert names(executor) == ["gemm_f32_32x32", "reduce_sum"]
