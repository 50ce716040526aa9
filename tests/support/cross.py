"""Kernels compiled for a CPU that is not here, as text to look at."""

from __future__ import annotations

import re
import types as python_types

from llvmlite import binding

from runtime.cpu import build
from runtime.vector.kernel import Kernel

TRIPLE = "aarch64-unknown-linux-gnu"


def neon_assembly(kernel: Kernel) -> str:
    """AArch64 assembly of a kernel made for vectors of 16 bytes.

    Numba compiles for the host alone; its code after the general optimisations
    is free of the machine but for two lines, from there on LLVM goes another way.
    """
    module = python_types.ModuleType("crossed")
    exec(compile(kernel.text, "<crossed>", "exec"), module.__dict__)
    compiled = build._cfunc(build._SIGNATURE, error_model="numpy", _nrt=False, boundscheck=False)(module.kernel)
    text = re.sub(r'target triple = ".*"', f'target triple = "{TRIPLE}"', compiled._library.get_llvm_str())
    text = re.sub(r'target datalayout = ".*"', "", text)
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    machine = binding.Target.from_triple(TRIPLE).create_target_machine(cpu="neoverse-n1", opt=3)
    return str(machine.emit_assembly(binding.parse_assembly(text)))


def called(assembly: str) -> set[str]:
    """Names of functions that are called and not defined there."""
    defined = set(re.findall(r"^([\w.$]+):", assembly, re.M))
    return set(re.findall(r"^\s+bl\s+([\w.$]+)", assembly, re.M)) - defined


def loops(assembly: str) -> list[str]:
    """The innermost loops: from a label to a jump back to it without another label between."""
    found = []
    for label, block in re.findall(r"^(\.\w+):(.*?)(?=^\.?\w+:)", assembly, re.M | re.S):
        back = re.search(rf"^\s+(?:b\.\w+|cbnz|tbnz)\s.*{re.escape(label)}$", block, re.M)
        if back:
            found.append(block[: back.end()])
    return found
