"""Kernels that do nothing once a guard has found a number that is not finite.

The whole step is one graph, which cannot be left half-way. So the launches
that write states look at the status word first, which costs each the read of a
word that all its threads share; the rest of the step is computed in vain. The
alternative, two graphs with the host's look at the status word between them,
would cost every step a round trip to the host.
"""

from __future__ import annotations

import functools
import re
from dataclasses import replace

from runtime.cuda.launch import Launch
from runtime.plan import SEGMENTS, STATE_MEMORY, Step
from runtime.vector.kernel import Address, Kernel

STATUS = Address("status", 0)
"""The word that a guard writes; cleared before each run."""

BEHIND_GUARD = SEGMENTS[SEGMENTS.index("guard") + 1 :]

_HEAD = re.compile(r"^def kernel\(args\):\n((?:    \"\"\".*?\"\"\"\n)?)", re.M | re.S)


def writes_state(step: Step) -> bool:
    """Whether a step writes into a memory that lives longer than the run."""
    return any(written and view.memory in STATE_MEMORY for view, written in step.views())


def stoppable(step: Step, launches: list[Launch]) -> list[Launch]:
    """The launches of a step; those of one that writes states behind the guard do nothing once it has stopped."""
    if step.segment not in BEHIND_GUARD or not writes_state(step):
        return launches
    return [replace(x, kernel=_stopping(x.kernel, len(x.args)), args=(*x.args, STATUS)) for x in launches]


@functools.cache
def _stopping(kernel: Kernel, words: int) -> Kernel:
    """The kernel with one more argument word, behind its own: where the status word lies."""
    look = f"    if status_at(status_at(args, {words}), 0) != 0:\n        return\n"
    ahead = "from runtime.vector.simd import word as status_at\n\n\n"
    text, found = _HEAD.subn(lambda m: f"{ahead}{m[0]}{look}", kernel.text, count=1)
    if not found:
        raise ValueError(f"kernel {kernel.name} does not begin with the line `def kernel(args):`")
    return Kernel(f"stop_{kernel.name}", text)
