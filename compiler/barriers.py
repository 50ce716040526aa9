"""Which steps must wait: those that touch bytes an unfinished step may touch."""

from __future__ import annotations

from dataclasses import replace

from runtime.ops import ClearHalo
from runtime.plan import Step

READS, WRITES, CLEARS = "reads", "writes", "clears"
CLASHES = {(READS, WRITES), (READS, CLEARS), (WRITES, READS), (WRITES, WRITES), (CLEARS, READS), (CLEARS, WRITES)}
"""(later, earlier) uses of the same bytes that need a barrier between them.

A writer need not wait for the step that clears the halo of its own buffer:
they touch different bytes.
"""


def set_barriers(steps: list[Step]) -> list[Step]:
    """Marks the steps that must wait: a segment's first, and those that touch bytes in flight."""
    result: list[Step] = []
    flying: dict[str, list[tuple[int, int, str]]] = {}
    segment = ""
    for step in steps:
        touched = [(v.memory, *v.extent(), _use(step, written)) for v, written in step.views()]
        wait = step.segment != segment or any(_clashes(flying.get(m, []), lo, hi, use) for m, lo, hi, use in touched)
        if wait:
            flying = {}
        for memory, lo, hi, use in touched:
            flying.setdefault(memory, []).append((lo, hi, use))
        segment = step.segment
        result.append(replace(step, barrier=wait))
    return result


def _use(step: Step, written: bool) -> str:
    if isinstance(step.op, ClearHalo):
        return CLEARS
    return WRITES if written else READS


def _clashes(flying: list[tuple[int, int, str]], low: int, high: int, use: str) -> bool:
    return any(lo < high and low < hi and (use, earlier) in CLASHES for lo, hi, earlier in flying)
