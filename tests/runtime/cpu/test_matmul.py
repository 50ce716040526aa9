from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_cases import GENERATED, Bench, check_step, random_values

from runtime import ops

sizes = st.one_of(st.integers(1, 9), st.integers(10, 70))


@settings(GENERATED, max_examples=40)
@given(
    m=sizes,
    n=sizes,
    k=sizes,
    transpose_a=st.booleans(),
    transpose_b=st.booleans(),
    batch=st.sampled_from([(), (), (3,), (2, 2)]),
    broadcast=st.booleans(),
    c_order=st.booleans(),
    dtype=st.sampled_from(["f32", "f64"]),
)
def test_matmul_agrees_with_the_reference(m, n, k, transpose_a, transpose_b, batch, broadcast, c_order, dtype):
    bench = Bench(dtype)
    one = tuple(1 for _ in batch) if broadcast else batch
    a = bench.dense((*batch, k, m) if transpose_a else (*batch, m, k))
    b = bench.dense((*one, n, k) if transpose_b else (*one, k, n))
    axes = tuple(range(len(batch) + 2))
    c = bench.dense((*batch, m, n), (*axes[:-2], axes[-1], axes[-2]) if c_order else axes)
    plan = bench.plan(ops.Matmul(transpose_a, transpose_b), [a, b], [c])
    rng = np.random.default_rng(m * n + k)
    check_step(plan, {v: random_values(rng, v) for v in (a, b)}, (1, 2))


@pytest.mark.parametrize(
    ("m", "n", "k"), [(100, 10, 2100), (300, 70, 40), (300, 300, 512), (1, 1, 1), (1, 500, 3), (130, 3, 130)]
)
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_matmul_splits_large_reductions_and_many_rows(m, n, k, dtype):
    bench = Bench(dtype)
    a, b, c = bench.dense((m, k)), bench.dense((n, k)), bench.dense((m, n))
    rng = np.random.default_rng(0)
    plan = bench.plan(ops.Matmul(False, True), [a, b], [c])
    check_step(plan, {v: random_values(rng, v) for v in (a, b)})


def test_matmul_lets_a_nan_through_in_its_row_alone():
    bench = Bench()
    a, b, c = bench.dense((5, 7)), bench.dense((7, 20)), bench.dense((5, 20))
    rng = np.random.default_rng(0)
    values = {v: random_values(rng, v) for v in (a, b)}
    values[a][2, 3] = np.nan
    check_step(bench.plan(ops.Matmul(), [a, b], [c]), values, (1,))


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_matmul_serves_narrower_vectors(isa, dtype):
    bench = Bench(dtype)
    a, b, c = bench.dense((37, 29)), bench.dense((29, 51)), bench.dense((37, 51))
    rng = np.random.default_rng(0)
    check_step(bench.plan(ops.Matmul(), [a, b], [c]), {v: random_values(rng, v) for v in (a, b)}, (1, 2), isa)


def test_matmul_takes_rows_a_power_of_two_apart_through_scratch():
    bench = Bench()
    a, b, c = bench.dense((40, 1024)), bench.dense((1024, 300)), bench.dense((40, 300))
    rng = np.random.default_rng(0)
    check_step(bench.plan(ops.Matmul(), [a, b], [c]), {v: random_values(rng, v) for v in (a, b)})
