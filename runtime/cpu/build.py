"""Compiles the text of a kernel to an object file. The only module besides kernels' own that imports numba.

Reached through ``runtime.cpu.objects`` when an entry is missing, hence imported late.
"""

from __future__ import annotations

import linecache
import types as python_types
from typing import Any

import numba
from numba import types

from runtime.vector.kernel import Kernel

ALLOWED = frozenset({"memcpy", "memset", "memmove", "syscall", "usleep", "clock_gettime"})
"""The only names a kernel may leave to the linker: no Python, no NRT, no libm."""

# numba's annotations know neither the options of a target nor a CFunc's library
_cfunc: Any = numba.cfunc
_SIGNATURE = types.void(types.int64, types.int64, types.int64, types.int64)


class KernelError(Exception):
    """A kernel that needs what kernels may not use: a bug of its author."""


def build(kernel: Kernel) -> tuple[str, bytes]:
    """The symbol of a kernel's C function and its object code.

    Raises
    ------
    KernelError
        The object refers to anything but ``ALLOWED``.
    """
    path = f"<netspec kernel {kernel.name} {kernel.digest}>"
    linecache.cache[path] = (len(kernel.text), None, kernel.text.splitlines(True), path)
    module = python_types.ModuleType(f"netspec_kernel_{kernel.digest}")
    module.__file__ = path
    exec(compile(kernel.text, path, "exec"), module.__dict__)
    compiled = _cfunc(_SIGNATURE, error_model="numpy", _nrt=False, boundscheck=False)(module.kernel)
    library = compiled._library
    unknown = [f.name for f in library._final_module.functions if f.is_declaration and not _allowed(f.name)]
    if unknown:
        raise KernelError(f"kernel {kernel.name} calls {', '.join(sorted(unknown))}")
    return compiled.native_name, library._get_compiled_object()


def _allowed(name: str) -> bool:
    return name in ALLOWED or name.startswith("llvm.")
