"""A second process that compiles kernels into the cache folder while the first does so from the other end.

Numba holds a lock while it compiles, so that a thread would not help. The two
meet in the folder: each skips what it finds there. If the helper fails or is
late, only time is lost.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from runtime.cpu.launch import Kernel

ROOT = Path(__file__).resolve().parent.parent

_PROGRAM = """
import json, sys
root, folder = sys.argv[1:]
sys.path.insert(0, root)
from pathlib import Path
from runtime.cache import KernelCache
from runtime.cpu.isa import detect
from runtime.cpu.launch import Kernel
cache = KernelCache(detect(), Path(folder))
for name, text in json.load(sys.stdin):
    cache.load([Kernel(name, text)])
"""


@contextlib.contextmanager
def compiling(kernels: Sequence[Kernel], folder: Path) -> Iterator[None]:
    """Runs a helper over ``kernels``, in this order, until the block ends."""
    command = [sys.executable, "-c", _PROGRAM, str(ROOT), str(folder)]
    try:
        # a session of its own: Ctrl-C is the parent's affair
        helper = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        # no room for a process, or no interpreter to start: the parent compiles all
        yield
        return
    try:
        _send(helper, json.dumps([[k.name, k.text] for k in kernels]).encode())
        yield
    finally:
        helper.kill()
        helper.wait()


def _send(helper: subprocess.Popen[bytes], data: bytes) -> None:
    assert helper.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        helper.stdin.write(data)
        helper.stdin.close()
