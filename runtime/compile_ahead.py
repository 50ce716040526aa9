"""Other processes that compile kernels into the cache folder beside this one.

Numba holds a lock while it compiles, so that threads would not help. All take
from one list, longest texts first, one kernel at a time: none is compiled twice
and none waits for a slower one. A helper that fails costs time alone: its
kernel is not in the folder then, and this process compiles it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
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
for line in sys.stdin:
    cache.load([Kernel(*json.loads(line))])
    print("done", flush=True)
"""


def shared_out(kernels: Sequence[Kernel], folder: Path, helpers: int) -> Iterator[tuple[int, Kernel]]:
    """Each kernel once, with how many were ready before it.

    First those that this process is to compile, then those that the helpers
    took: they are in the folder unless something went wrong.
    """
    # a long one that is begun last would keep everybody waiting
    left = deque(sorted(kernels, key=lambda kernel: len(kernel.text), reverse=True))
    taken, started = deque[Kernel](), list[subprocess.Popen[str]]()
    threads = [
        threading.Thread(target=_serve, args=(left, taken, started, folder), daemon=True) for _ in range(helpers)
    ]
    for one in threads:
        one.start()
    mine = 0
    try:
        while left:
            with suppress(IndexError):  # a helper may take the last one between the two looks
                kernel = left.popleft()
                yield mine + len(taken), kernel
                mine += 1
        for one in threads:
            one.join()
        for kernel in taken:
            yield len(kernels) - 1, kernel
    finally:
        left.clear()
        for helper in started:
            helper.kill()
            helper.wait()


def _serve(left: deque[Kernel], taken: deque[Kernel], started: list[subprocess.Popen[str]], folder: Path) -> None:
    """Gives kernels of the list to one helper until there are none."""
    command = [sys.executable, "-c", _PROGRAM, str(ROOT), str(folder)]
    try:
        # a session of its own: Ctrl-C is the parent's affair
        helper = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
    except OSError:
        return  # no room for a process, or no interpreter to start: the parent compiles all
    started.append(helper)
    assert helper.stdin is not None
    assert helper.stdout is not None
    with suppress(IndexError, OSError), helper.stdout, helper.stdin:
        answer = "done\n"
        while answer == "done\n":
            kernel = left.popleft()
            taken.append(kernel)
            print(json.dumps([kernel.name, kernel.text]), file=helper.stdin, flush=True)
            answer = helper.stdout.readline()
