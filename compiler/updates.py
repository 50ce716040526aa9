"""One update for many parameters: steps with equal formulas over neighbouring memory become one."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from compiler.passes.placement import row_major
from runtime.ops import Map
from runtime.plan import Step, View

UPDATES = ("accumulate", "update")
"""Segments whose maps treat each parameter by itself."""


def merge_updates(steps: list[Step]) -> list[Step]:
    """Joins maps of the update with equal formulas over memory that follows on.

    Between two parameters lie at most a few bytes of padding, zero in every
    memory, so walking over them changes nothing. A segment in which a step
    reads what another one writes is left as it is.
    """
    for segment in UPDATES:
        own = [s for s in steps if s.segment == segment]
        if _independent(own):
            rest = [s for s in steps if s.segment != segment]
            at = next((k for k, s in enumerate(steps) if s.segment == segment), 0)
            steps = [*rest[:at], *_merged(own), *rest[at:]]
    return steps


def _merged(steps: list[Step]) -> list[Step]:
    """Independent steps, the flat ones in the order of memory and joined where they can be."""
    flat = sorted(filter(_is_flat, steps), key=_place)
    merged = [s for s in steps if not _is_flat(s)]
    for step in map(_flattened, flat):
        together = _join(merged[-1], step) if merged else None
        if together is None:
            merged.append(step)
        else:
            merged[-1] = together
    return merged


def _place(step: Step) -> tuple[str, int]:
    result = step.writes[0]
    assert result is not None
    return result.memory, result.offset


def _independent(steps: list[Step]) -> bool:
    """Whether no step reads what another of them writes."""
    writer = {(v.memory, v.offset): k for k, s in enumerate(steps) for v in s.writes if v is not None}
    return all(writer.get((v.memory, v.offset), k) == k for k, s in enumerate(steps) for v in s.reads)


def _is_flat(step: Step) -> bool:
    if not isinstance(step.op, Map) or step.writes[0] is None:
        return False
    shape = step.op.shape
    dense = row_major(shape)
    return all(v.shape == () or (v.shape == shape and v.strides == dense) for v, _ in step.views())


def _flattened(step: Step) -> Step:
    assert isinstance(step.op, Map)
    count = (prod(step.op.shape),)

    def flat(v: View) -> View:
        return v if v.shape == () else replace(v, shape=count, strides=(1,))

    reads = tuple(map(flat, step.reads))
    writes = tuple(None if v is None else flat(v) for v in step.writes)
    return replace(step, op=Map(step.op.results, count), reads=reads, writes=writes)


def _join(a: Step, b: Step) -> Step | None:
    if not isinstance(a.op, Map) or not isinstance(b.op, Map) or a.segment != b.segment or not _is_flat(a):
        return None
    if a.op.results != b.op.results or len(a.op.shape) != 1:
        return None
    pairs = list(zip((*a.reads, *a.writes), (*b.reads, *b.writes), strict=True))
    gaps = set()
    for x, y in pairs:
        if x is None or y is None or x.memory != y.memory or x.shape == () or y.shape == ():
            if x != y:
                return None
            continue
        gaps.add((y.offset - x.offset) // x.item_bytes)
    if len(gaps) != 1:
        return None
    (gap,) = gaps
    if not 0 <= gap - a.op.shape[0] < 16:
        return None
    count = (gap + b.op.shape[0],)

    def longer(v: View | None) -> View | None:
        return v if v is None or v.shape == () else replace(v, shape=count)

    return replace(
        a,
        op=Map(a.op.results, count),
        reads=tuple(v for v in map(longer, a.reads) if v is not None),
        writes=tuple(map(longer, a.writes)),
        origin=tuple(sorted({*a.origin, *b.origin})),
        flops=a.flops + b.flops,
    )
