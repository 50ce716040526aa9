"""Products compile for real GPUs without one: no spills, no stack, wide accesses, fused multiply-adds."""

from __future__ import annotations

import pytest
from conv_cases import ConvShape
from emulated_convs import PLANS, normalised_plan

from runtime.cuda.gemm import TILES
from runtime.cuda.launch import Context

pytest.importorskip("numba.cuda", reason="needs the packages of netspec[cuda]")
pytest.importorskip("cuda.core", reason="needs the packages of netspec[cuda]")

SHAPES = {
    "lenet conv1": ConvShape(64, 1, 20, (28, 28), (5, 5)),
    "lenet conv2": ConvShape(64, 20, 50, (12, 12), (5, 5)),
    "cifar10_quick conv1": ConvShape(100, 3, 32, (32, 32), (5, 5), (1, 1), (2, 2)),
    "resnet20": ConvShape(128, 16, 16, (32, 32), (3, 3), (1, 1), (1, 1)),
    "resnet20, stride 2": ConvShape(128, 16, 32, (32, 32), (3, 3), (2, 2), (1, 1)),
    "alexnet conv1": ConvShape(64, 3, 96, (227, 227), (11, 11), (4, 4)),
    "alexnet conv2, groups": ConvShape(64, 96, 256, (27, 27), (5, 5), (1, 1), (2, 2), groups=2),
    "alexnet fc6": ConvShape(64, 256, 4096, (6, 6), (6, 6)),
    "mobilenet depthwise": ConvShape(64, 512, 512, (14, 14), (3, 3), (1, 1), (1, 1), groups=512),
    "mobilenet depthwise, stride 2": ConvShape(64, 64, 64, (112, 112), (3, 3), (2, 2), (1, 1), groups=64),
    "googlenet 5x5": ConvShape(64, 16, 32, (28, 28), (5, 5), (1, 1), (2, 2)),
    "resnet50 conv1": ConvShape(64, 3, 64, (224, 224), (7, 7), (2, 2), (3, 3)),
    "resnet50 3x3": ConvShape(64, 64, 64, (56, 56), (3, 3), (1, 1), (1, 1)),
    "resnet50 1x1": ConvShape(64, 64, 256, (56, 56), (1, 1)),
    "resnet50 1x1, stride 2": ConvShape(64, 256, 512, (56, 56), (1, 1), (2, 2)),
    "float64": ConvShape(8, 64, 64, (14, 14), (3, 3), (1, 1), (1, 1), dtype="f64"),
}

QUICK = (
    ("resnet50 conv1", "conv", True),
    ("resnet50 3x3", "conv", True),
    ("resnet50 1x1", "conv", True),
    ("resnet20, stride 2", "weight gradient", False),
    ("mobilenet depthwise", "conv", True),
    ("mobilenet depthwise", "weight gradient", False),
)
"""The fastest choice that has each kind of loads; all of them are the slow test's."""


OURS = {"merge", "depthwise", "depthwise_grad"}
OURS |= {f"gemm_{dtype}_{tile.rows}x{tile.columns}" for dtype, tiles in TILES.items() for tile in tiles}


def check(name, what, epilogue, arch):
    shape = SHAPES[name]
    plan, _ = PLANS[what](shape, epilogue)
    check_plan(plan, shape, arch)


def check_plan(plan, shape, arch):
    from runtime.cuda import build

    launches = Context(shape.dtype).launches(plan.steps[0])
    for launch in {launch.kernel: launch for launch in launches if launch.kernel.name in OURS}.values():
        text = build.ptx(launch.kernel, len(launch.args), launch.block, arch)
        found = build.link(text, arch)
        assert found.spilled == 0, launch.kernel.name
        assert found.stack == 0, launch.kernel.name
        assert found.registers * launch.block <= 65536, launch.kernel.name
        if launch.kernel.name == "merge":
            continue
        bits, vector = ("32", "v4.f32") if shape.dtype == "f32" else ("64", "v2.f64")
        assert f"fma.rn.f{bits}" in text
        # a depthwise thread's own sums need not pass through shared memory: the compiler finds out
        assert f"ld.shared.{vector}" in text or launch.kernel.name == "depthwise"
        assert f"ld.global.{vector}" in text or shape.c % 4, "16 bytes at once"
        assert "cvt.f64.f32" not in text or shape.dtype == "f64", "no detour through another precision"


@pytest.mark.parametrize(("name", "what", "epilogue"), QUICK)
def test_the_kinds_of_products_compile_without_spills(name, what, epilogue):
    check(name, what, epilogue, (9, 0))


def test_a_product_that_gathers_moments_compiles_without_spills():
    shape = SHAPES["resnet50 1x1"]
    check_plan(normalised_plan(shape)[0], shape, (8, 0))


@pytest.mark.slow
@pytest.mark.parametrize("arch", [(8, 0), (9, 0)], ids=str)
@pytest.mark.parametrize("what", PLANS)
@pytest.mark.parametrize("name", SHAPES)
def test_products_of_the_zoo_compile_without_spills(name, what, arch):
    check(name, what, what != "weight gradient", arch)
