"""Every zoo net on a GPU, as far as that can be told without one: launches within limits, kernels that compile."""

from __future__ import annotations

import importlib.util

import pytest
from cuda_zoo import faults, forms, launches, plans

from netspec import zoo
from runtime.cuda.launch import MOST_WORDS
from runtime.vector.kernel import Address

needs_numba_cuda = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="the extra netspec[cuda] is not installed"
)

DEEP = ("inception_v3", "resnet34", "resnet56", "resnet101", "resnet110", "resnet152", "vgg13", "vgg19")
"""More of the same blocks as smaller ones have."""

KINDS = ("map", "reduce", "moments", "logsumexp", "window", "pool", "unpool", "guard")
"""Kernels between the products."""

SOME = ("alexnet", "googlenet", "resnet20")
"""Nets whose kernels are compiled by default: together they have every kind, generated ones in most forms."""

SHARED_BYTES = 227 << 10
"""Dynamic shared memory of a block on a device of capability 9.0."""


def _all(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in DEEP else name for name in names]


@pytest.mark.parametrize("name", _all(zoo.names()))
def test_every_step_of_a_zoo_net_has_launches_that_a_gpu_takes(name):
    for plan in plans(name):
        for step, made in launches(plan):
            assert made, f"nobody computes {step.kernel} of {step.layers}"
            for launch in made:
                x, y, z = launch.grid
                assert 0 < x * launch.block < 1 << 31, "kernels divide their threads' numbers as ones below 2^31"
                assert 0 < y < 1 << 16
                assert 0 < z < 1 << 16
                assert launch.block % 32 == 0
                assert 0 < launch.block <= 1024
                assert launch.shared <= SHARED_BYTES
                assert len(launch.args) <= MOST_WORDS
                known = {*plan.memory, "head", "scratch", "status"}
                assert {a.memory for a in launch.args if isinstance(a, Address)} <= known


@needs_numba_cuda
def test_kernels_between_the_products_keep_all_in_registers():
    found = forms(SOME, KINDS)
    assert len(found) > len(KINDS)
    assert faults(found, ((9, 0),)) == []


@pytest.mark.slow
@needs_numba_cuda
@pytest.mark.parametrize("arch", [(8, 0), (9, 0)])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_those_of_all_zoo_nets_do_on_every_device_and_in_both_precisions(dtype, arch):
    assert faults(forms(zoo.names(), KINDS, dtype), (arch,)) == []
