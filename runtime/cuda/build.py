"""Compiles the text of a kernel to a cubin. The only module besides kernels' own that imports numba-cuda.

Needs no driver: numba-cuda makes PTX through NVVM, nvJitLink a cubin of it.
"""

from __future__ import annotations

import linecache
import re
import types as python_types
from dataclasses import dataclass

from cuda.core import Linker, LinkerOptions, ObjectCode
from numba import types
from numba.core.registry import CPUDispatcher
from numba.cuda import compile as compile_for_gpu
from numba.cuda import jit

from runtime.vector.kernel import Kernel

_ENTRY = re.compile(r"\.visible \.entry (\w+)\(")
_USED = re.compile(r"Used (\d+) registers")
_SPILLS = re.compile(r"(\d+) bytes spill")
_STACK = re.compile(r"(\d+) bytes stack frame")


class KernelError(Exception):
    """A kernel that needs what kernels may not use: a bug of its author."""


@dataclass(frozen=True)
class Cubin:
    """Machine code of a kernel.

    Parameters
    ----------
    symbol
        Name of its entry.
    code
        The cubin.
    registers
        Registers a thread.
    spilled, stack
        Bytes a thread that did not fit into registers; 0 for a kernel that is well made.
    """

    symbol: str
    code: bytes
    registers: int
    spilled: int
    stack: int


def ptx(kernel: Kernel, words: int, block: int, arch: tuple[int, int]) -> str:
    """The PTX of a kernel with so many argument words and threads a block.

    Raises
    ------
    KernelError
        It calls what no kernel may call.
    """
    path = f"<netspec kernel {kernel.name} {kernel.digest}>"
    linecache.cache[path] = (len(kernel.text), None, kernel.text.splitlines(True), path)
    module = python_types.ModuleType(f"netspec_kernel_{kernel.digest}")
    module.__file__ = path
    exec(compile(kernel.text, path, "exec"), module.__dict__)
    for name, value in list(vars(module).items()):
        if isinstance(value, CPUDispatcher):
            # written out where it is called: compiling it apart would ask the driver what to compile for
            setattr(module, name, jit(device=True, inline="always")(value.py_func))
    signature = types.void(types.UniTuple(types.int64, words))
    # a kernel may say how many of its blocks a multiprocessor should hold at once: that bounds its registers
    bounds = (block, getattr(module, "RESIDENT", 1))
    text, _ = compile_for_gpu(
        module.kernel, signature, cc=arch, device=False, abi="numba", output="ptx", launch_bounds=bounds
    )
    called = re.findall(r"^\s*call[^;]*?(\w+),", text, re.M)
    if called:
        raise KernelError(f"kernel {kernel.name} calls {', '.join(sorted(set(called)))}")
    return str(text)


def build(kernel: Kernel, words: int, block: int, arch: tuple[int, int]) -> Cubin:
    """The machine code of a kernel.

    Parameters
    ----------
    kernel
        Its text.
    words
        Argument words.
    block
        Threads a block, at most.
    arch
        Compute capability, (8, 0) or (9, 0).

    Raises
    ------
    KernelError
        It calls what no kernel may call.
    """
    return link(ptx(kernel, words, block, arch), arch)


def link(text: str, arch: tuple[int, int]) -> Cubin:
    """The machine code of PTX."""
    entry = _ENTRY.search(text)
    assert entry is not None, "numba-cuda made no entry"
    options = LinkerOptions(arch=f"sm_{arch[0]}{arch[1]}", ptxas_options=["-v"], verbose=True)
    linker = Linker(ObjectCode.from_ptx(text.encode()), options=options)
    code = linker.link("cubin").code
    log = linker.get_info_log()
    spilled = sum(map(int, _SPILLS.findall(log)))
    stack = sum(map(int, _STACK.findall(log)))
    registers = max(map(int, _USED.findall(log)), default=0)
    return Cubin(entry[1], bytes(code), registers, spilled, stack)
