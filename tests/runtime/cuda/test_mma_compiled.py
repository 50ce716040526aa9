"""The kernels of tensor cores as machine code: no GPU, nor a driver, is needed to compile them."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conv_cases import ConvShape
from tensor_cores import conv_plan, matmul_plan

from runtime.cuda import families  # noqa: F401  (fills the registry of launchers)
from runtime.cuda.launch import Context

pytest.importorskip("numba_cuda", reason="the extra netspec[cuda] is not installed")

LAYERS = {
    "resnet50, a window": ConvShape(64, 256, 256, (14, 14), (3, 3), (1, 1), (1, 1)),
    "vgg16, a window": ConvShape(64, 256, 512, (28, 28), (3, 3), (1, 1), (1, 1)),
    "googlenet, a window": ConvShape(64, 96, 128, (28, 28), (3, 3), (1, 1), (1, 1)),
    "resnet50, a pixel": ConvShape(64, 1024, 256, (14, 14), (1, 1)),
    "resnet50, a pixel of every other": ConvShape(64, 256, 512, (56, 56), (1, 1), (2, 2)),
    "resnet50, its first": ConvShape(64, 3, 64, (224, 224), (7, 7), (2, 2), (3, 3)),
    "googlenet, few channels": ConvShape(64, 16, 48, (28, 28), (5, 5), (1, 1), (2, 2)),
    "vgg16, fully connected": ConvShape(64, 512, 4096, (7, 7), (7, 7)),
}
"""Convolutions at batch 64 that take each form of operand."""

KINDS = ("forward", "input", "weight")
REGISTERS = 65536


def kernels(math, kinds, layers):
    """The distinct kernels of tensor cores: launches by text."""
    found = {}
    for name in layers:
        for kind in kinds:
            launches = Context("f32", math).launches(conv_plan(kind, LAYERS[name])[0].steps[0])
            found |= {x.kernel.text: x for x in launches if x.kernel.name.startswith("mma")}
    return list(found.values())


@functools.cache
def disassembler() -> str | None:
    """NVIDIA's, from the path or its wheel."""
    import nvidia

    found = (hit for folder in nvidia.__path__ for hit in Path(folder).glob("*/bin/nvdisasm"))
    return shutil.which("nvdisasm") or next(map(str, found), None)


def opcodes(code: bytes, folder: Path) -> set[str]:
    """What a cubin's instructions are, without their variants."""
    (folder / "kernel.cubin").write_bytes(code)
    text = subprocess.run([disassembler(), "-c", folder / "kernel.cubin"], capture_output=True, text=True, check=True)
    return set(re.findall(r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P[0-9T]+\s+)?([A-Z0-9]+)", text.stdout, re.M))


def check(launch, arch):
    """Nothing is kept outside of registers, and a multiprocessor has as many as the block needs."""
    from runtime.cuda.build import build

    made = build(launch.kernel, len(launch.args), launch.block, arch)
    assert (made.spilled, made.stack) == (0, 0)
    assert made.registers * launch.block <= REGISTERS
    return made


@pytest.mark.parametrize("arch", [(8, 0), (9, 0)])
@pytest.mark.parametrize("kind", ["forward", "weight"])
def test_the_largest_tile_keeps_all_in_registers(kind, arch):
    (launch,) = kernels("tf32", [kind], ["vgg16, a window"])
    assert "128x128" in launch.kernel.name
    check(launch, arch)


def test_of_bf16_too():
    (launch,) = kernels("bf16", ["forward"], ["vgg16, a window"])
    check(launch, (9, 0))


def test_ptx_and_machine_code_have_the_instructions_of_tensor_cores(tmp_path):
    from runtime.cuda.build import ptx

    (launch,) = [x for x in Context("f32", "tf32").launches(matmul_plan((64, 64, 64), (False, True))[0].steps[0])]
    text = ptx(launch.kernel, len(launch.args), launch.block, (8, 0))
    wanted = ("mma.sync.aligned.m16n8k8.row.col.f32.tf32", "ldmatrix.sync.aligned.m8n8.x4", "cp.async.cg.shared.global")
    assert [name for name in wanted if name not in text] == []
    if disassembler() is None:
        pytest.skip("nvidia-cuda-nvdisasm is not installed")
    assert {"HMMA", "LDSM", "LDGSTS", "LDGDEPBAR"} <= opcodes(check(launch, (8, 0)).code, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("arch", [(8, 0), (9, 0)])
@pytest.mark.parametrize("math", ["tf32", "bf16"])
def test_every_form_that_resnet50_vgg16_and_googlenet_take_keeps_all_in_registers(math, arch):
    found = kernels(math, KINDS, LAYERS)
    assert len(found) >= len(LAYERS)
    for launch in found:
        check(launch, arch)
