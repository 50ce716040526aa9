"""Whether a plan is well formed: views inside their memories, no value lost before it is read.

A plan has views, not values, so a buffer that was overwritten whole by another
one of the same dtype before its last reader cannot be told from a correct one;
running the plan on the reference against the graph finds that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from compiler.overlap import extent, halo_strips, overlaps, same_elements
from runtime import ops
from runtime.plan import SEGMENTS, Origin, Plan, Step, View


class VerifyError(AssertionError):
    """A graph or a plan that breaks a rule: a bug of a pass."""


def check(ok: bool, where: str, what: str) -> None:
    """Raises VerifyError saying ``what`` is wrong ``where``, unless ``ok``."""
    if not ok:
        raise VerifyError(f"{where}: {what}")


@dataclass
class _Written:
    """Bytes that hold what a step wrote (None: the host), and who has overwritten a part since.

    ``fill`` is the origin of a step that writes a constant: a pad writes zeros
    first and then its operand among them.
    """

    view: View
    step: int | None
    halo: bool = False
    fill: tuple[Origin, ...] = ()
    torn_by: list[_Written] = field(default_factory=list)
    low: int = 0
    high: int = 0

    def __post_init__(self) -> None:
        self.low, self.high = extent(self.view)


def verify_plan(plan: Plan) -> None:
    """Checks a plan.

    - Every view, halo included, lies inside its memory (the executor adds slack outside).
    - Segments follow one another in order; every step has an origin.
    - Within a step, a result overlaps an operand only where an elementwise step writes in place.
    - Steps that no barrier separates do not touch each other's results.
    - In the arena, nothing is read before it is written, with another dtype,
      or after a part of it was overwritten by something else; halos that a
      convolution reads are wide enough and hold nothing but zeros.

    Raises
    ------
    VerifyError
        With the step and what is wrong with it.
    """
    group: list[int] = []
    live: list[_Written] = [_Written(view, None) for view in plan.inputs.values() if view.memory == "arena"]
    last = SEGMENTS[0]
    for k, step in enumerate(plan.steps):
        where = _where(plan, k)
        _verify_step(plan, step, where)
        check(SEGMENTS.index(step.segment) >= SEGMENTS.index(last), where, f"of {step.segment} comes after {last}")
        if step.segment != last == "init":
            live = [w for w in live if w.step is None]
        last = step.segment
        group = [k] if step.barrier else [*group, k]
        for other in group[:-1]:
            _verify_apart(plan, other, k)
        _verify_reads(plan, k, live)
        live = _write(live, k, step)
    ends = {**plan.outputs, **plan.blobs, **plan.blob_grads, **plan.param_grads}
    for name, view in ends.items():
        _verify_view(plan, view, f"result {name}")
        _verify_read(plan, view, f"result {name}", live)


def _verify_step(plan: Plan, step: Step, where: str) -> None:
    check(bool(step.origin), where, "has no origin")
    check(step.segment in SEGMENTS, where, f"is in segment {step.segment}")
    for view, _ in step.views():
        _verify_view(plan, view, where)
    whole = [step, *step.epilogue]
    results = [(s, v) for s in whole for v in s.writes if v is not None]
    for i, (writer, result) in enumerate(results):
        for other in (v for s, v in results[:i] if s is writer):
            check(not overlaps(result, other), where, f"writes {_text(result)} and {_text(other)}, which overlap")
        for reader in whole:
            # Elementwise parts, and epilogues behind their rows, read an element before it is written.
            in_place = isinstance(reader.op, ops.Map) or reader is not step
            for operand in reader.reads:
                ok = (in_place and same_elements(result, operand)) or not overlaps(result, operand)
                check(ok, where, f"writes {_text(result)} over its operand {_text(operand)}")
    for need, view in _halo_needs(step):
        ok = all(n <= h for n, h in zip(need, view.halo, strict=True))
        check(ok, where, f"reads a halo of {need} of {_text(view)}, which has {view.halo}")


def _verify_view(plan: Plan, view: View, where: str) -> None:
    check(view.memory in plan.memory, where, f"names memory {view.memory}, the plan has {', '.join(plan.memory)}")
    check(len(view.shape) == len(view.strides), where, f"has {_text(view)} with strides {view.strides}")
    low, high = view.extent()
    size = plan.memory[view.memory]
    check(0 <= low and high <= size, where, f"touches bytes {low} to {high} of {view.memory}, which has {size}")


def _halo_needs(step: Step) -> Iterator[tuple[tuple[int, int], View]]:
    """Halos that the step reads: (rows, columns) and the view."""
    prim = step.op
    if isinstance(prim, ops.Conv | ops.ConvWeightGrad):
        yield prim.pad, step.reads[0]
    elif isinstance(prim, ops.ConvInputGrad):
        dy, w = step.reads[:2]
        kernel, size = (w.shape[2], w.shape[3]), (dy.shape[2], dy.shape[3])
        yield ops.conv_input_grad_halo(prim, kernel, size), dy


def _results(step: Step) -> list[tuple[View, bool]]:
    """Views whose bytes the step changes, with True for halos."""
    if isinstance(step.op, ops.ClearHalo):
        return [(strip, True) for view in step.writes if view is not None for strip in halo_strips(view)]
    return [(view, False) for view, written in step.views() if written]


def _operands(step: Step) -> list[View]:
    """Views whose bytes the step needs from elsewhere, halos included."""
    own = [view for view, _ in _results(step)]
    views = list(step.reads)
    for part in step.epilogue:
        views += [v for v in part.reads if not any(same_elements(v, o) for o in own)]
    strips = [strip for need, view in _halo_needs(step) for strip in halo_strips(view, need)]
    return views + strips


def _verify_apart(plan: Plan, first: int, second: int) -> None:
    """Two steps that may run at once: what one writes, the other does not touch."""
    a, b = plan.steps[first], plan.steps[second]
    touched = {0: [v for v, _ in _results(a)], 1: [v for v, _ in _results(b)]}
    for writes, reads in ((touched[0], _operands(b)), (touched[1], _operands(a)), (touched[0], touched[1])):
        for x in writes:
            for y in reads:
                clash = f"may run at once with {_where(plan, first)}, and both touch {_text(x)}"
                check(not overlaps(x, y), _where(plan, second), clash)


def _verify_reads(plan: Plan, k: int, live: list[_Written]) -> None:
    step, where = plan.steps[k], _where(plan, k)
    own = [view for view, _ in _results(step)]
    for part in (step, *step.epilogue):
        for view in part.reads:
            if part is step or not any(same_elements(view, o) for o in own):
                _verify_read(plan, view, where, live)
    for need, view in _halo_needs(step):
        for strip in halo_strips(view, need):
            for found in _latest(strip, _touching(strip, live)):
                text = f"reads the halo of {_text(view)}, where {_maker(plan, found)} wrote last"
                check(found.halo, where, text)


def _verify_read(plan: Plan, view: View, where: str, live: list[_Written]) -> None:
    if view.memory != "arena" or 0 in view.shape:
        return
    found = _latest(view, _touching(view, live))
    check(bool(found), where, f"reads {_text(view)}, which nothing has written")
    for source in found:
        torn = [t for t in source.torn_by if any(t is w for w in found)]
        text = f"reads {_text(view)} of {_maker(plan, source)}"
        check(not torn, where, f"{text}, a part of which {_maker(plan, torn[0]) if torn else ''} has overwritten")
        check(source.view.dtype == view.dtype or source.halo, where, f"{text}, which wrote {source.view.dtype}")


def _write(live: list[_Written], k: int, step: Step) -> list[_Written]:
    """What is live after the step: its results replace what they cover and tear what they touch."""
    for view, halo in _results(step):
        if view.memory != "arena":
            continue
        constant = isinstance(step.op, ops.Map) and not step.reads
        new = _Written(view, k, halo, step.origin if constant else ())
        kept = []
        for old in live:
            if old.low >= new.high or new.low >= old.high or not overlaps(old.view, view):
                kept.append(old)
            elif not _covers(new, old):
                if old.fill != step.origin or extent(view)[0] < old.low or extent(view)[1] > old.high:
                    old.torn_by.append(new)
                kept.append(old)
        live = [*kept, new]
    return live


def _covers(new: _Written, old: _Written) -> bool:
    """Whether nothing of ``old`` is left: the same elements, or a gapless block around it."""
    if same_elements(new.view, old.view):
        return True
    dense = new.high - new.low == new.view.count * new.view.item_bytes
    return dense and new.low <= old.low and old.high <= new.high


def _touching(view: View, live: list[_Written]) -> list[_Written]:
    low, high = extent(view)
    bare = replace(view, halo=(0, 0))
    return [w for w in live if w.low < high and low < w.high and overlaps(w.view, bare)]


def _latest(view: View, found: list[_Written]) -> list[_Written]:
    """Without what lies under a later result that has every element of ``view``."""
    target = _Written(replace(view, halo=(0, 0)), None, False)
    for k in range(len(found) - 1, -1, -1):
        if _covers(found[k], target):
            found = found[k:]
            break
    return found if len(found) < 2 else _owners(view, found)


def _owners(view: View, found: list[_Written]) -> list[_Written]:
    """Those of ``found`` that wrote some element of ``view`` last, byte by byte."""
    low, high = extent(replace(view, halo=(0, 0)))
    owner = np.full(high - low, -1, np.int32)
    for k, written in enumerate(found):
        owner[_bytes_between(written.view, low, high)] = k
    last = np.unique(owner[_bytes_between(view, low, high)])
    return [found[k] for k in last if k >= 0]


def _bytes_between(view: View, low: int, high: int) -> NDArray[np.int64]:
    """Offsets from ``low`` of the view's bytes below ``high``."""
    at = np.full(1, view.offset - low, np.int64)
    for n, stride in zip(view.shape, view.strides, strict=True):
        at = (at[:, None] + np.arange(n, dtype=np.int64) * (stride * view.item_bytes)).ravel()
    at = (at[:, None] + np.arange(view.item_bytes, dtype=np.int64)).ravel()
    return at[(at >= 0) & (at < high - low)]


def _maker(plan: Plan, written: _Written) -> str:
    return "the host" if written.step is None else _where(plan, written.step)


def _where(plan: Plan, k: int) -> str:
    step = plan.steps[k]
    return f"step {k} ({step.op.kind} of {', '.join(step.layers) or 'no layer'})"


def _text(view: View) -> str:
    return f"{view.memory}+{view.offset} {view.dtype}[{'x'.join(map(str, view.shape))}]"
