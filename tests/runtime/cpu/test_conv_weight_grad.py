from __future__ import annotations

import numpy as np
import pytest
from conv_cases import CHOSEN, ConvShape, conv_shapes
from hypothesis import given, settings
from kernel_cases import GENERATED, Bench, check_step, random_values

from runtime import ops


def check(shape: ConvShape, threads: tuple[int, ...] = (1, 2), isa: str | None = None) -> None:
    bench = Bench(shape.dtype)
    op = ops.ConvWeightGrad(shape.stride, shape.pad, shape.dilation, shape.groups, shape.kernel)
    halo = (shape.pad[0] + shape.margin, shape.pad[1] + shape.margin)
    x = bench.activation((shape.n, shape.c, *shape.size), halo, shape.slack)
    dy = bench.activation((shape.n, shape.k, *shape.out), (shape.margin, 0), shape.slack)
    dw = bench.dense(shape.weights)
    rng = np.random.default_rng(shape.n * shape.c)
    check_step(bench.plan(op, [x, dy], [dw]), {v: random_values(rng, v) for v in (x, dy)}, threads, isa)


@settings(GENERATED, max_examples=50)
@given(conv_shapes())
def test_conv_weight_grad_agrees_with_the_reference(shape):
    check(shape)


@pytest.mark.parametrize("name", CHOSEN)
def test_conv_weight_grad_has_the_same_bits_on_one_to_four_threads(name):
    check(CHOSEN[name], threads=(1, 2, 3, 4))


@pytest.mark.parametrize(
    "shape",
    [
        ConvShape(2, 200, 130, (9, 9), (3, 3), (1, 1), (1, 1)),
        ConvShape(2, 3, 16, (40, 50), (5, 5), (1, 1), (2, 2)),
        ConvShape(40, 3, 10, (5, 5), (3, 3)),
        ConvShape(1, 2, 3, (2, 250), (1, 3)),
    ],
    ids=["sums beyond the cache", "maps in row blocks", "images together", "one long row"],
)
def test_conv_weight_grad_splits_by_shape(shape):
    check(shape, (1, 3))


@pytest.mark.parametrize("isa", ["avx2", "generic"])
@pytest.mark.parametrize("name", ["first layer, three channels", "depthwise", "small maps of many images"])
def test_conv_weight_grad_serves_narrower_vectors(name, isa):
    check(CHOSEN[name], threads=(1,), isa=isa)
