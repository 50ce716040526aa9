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
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

ROOT = Path(__file__).resolve().parent.parent

_PROGRAM = """
import importlib, sys
root, module, *arguments = sys.argv[1:]
sys.path.insert(0, root)
take = importlib.import_module(module).taker(*arguments)
for line in sys.stdin:
    take(line)
    print("done", flush=True)
"""


class Compiled(Protocol):
    """What a cache holds."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def text(self) -> str:
        """Source text; the longest take longest."""


K = TypeVar("K", bound=Compiled)


@dataclass(frozen=True)
class Helper:
    """What a helping process runs.

    Parameters
    ----------
    module
        Has a function ``taker(*arguments)`` that gives the function of a line.
    arguments
        Texts.
    line
        A kernel as what JSON can say; a line of it is handed over.
    """

    module: str
    arguments: tuple[str, ...]
    line: Callable[[Any], Any]


def shared_out(kernels: Sequence[K], helper: Helper, count: int) -> Iterator[tuple[int, K]]:
    """Each kernel once, with how many were ready before it; ``count`` processes help.

    First those that this process is to compile, then those that the helpers
    took: they are in the folder unless something went wrong.
    """
    # a long one that is begun last would keep everybody waiting
    left = deque(sorted(kernels, key=lambda kernel: len(kernel.text), reverse=True))
    taken, started = deque[K](), list[subprocess.Popen[str]]()
    threads = [threading.Thread(target=_serve, args=(left, taken, started, helper), daemon=True) for _ in range(count)]
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
        for process in started:
            process.kill()
            process.wait()


def _serve(left: deque[K], taken: deque[K], started: list[subprocess.Popen[str]], helper: Helper) -> None:
    """Gives kernels of the list to one helper until there are none."""
    command = [sys.executable, "-c", _PROGRAM, str(ROOT), helper.module, *helper.arguments]
    try:
        # a session of its own: Ctrl-C is the parent's affair
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
    except OSError:
        return  # no room for a process, or no interpreter to start: the parent compiles all
    started.append(process)
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(IndexError, OSError), process.stdout, process.stdin:
        answer = "done\n"
        while answer == "done\n":
            kernel = left.popleft()
            taken.append(kernel)
            print(json.dumps(helper.line(kernel)), file=process.stdin, flush=True)
            answer = process.stdout.readline()
