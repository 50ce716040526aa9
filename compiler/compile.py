"""compile: the passes in order."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from compiler.ir import Graph
from compiler.lower import lower
from compiler.passes.choose import Measure, choose
from compiler.passes.fuse import fuse
from compiler.passes.fuse_update import fuse_update
from compiler.passes.layout import layout
from compiler.passes.place import place, segment_order, unplanned_bytes
from compiler.passes.recompute import recompute
from compiler.passes.save import save
from compiler.passes.simplify import drop_dead, simplify
from compiler.passes.sink import sink
from compiler.passes.tables import tables
from compiler.target import Target
from compiler.traffic import least_bytes
from compiler.verify import verify, verify_plan
from runtime.plan import Plan, View

PASSES = ("simplify", "sink", "save", "fuse", "choose", "layout")
"""Passes that can be disabled; ``place`` always runs."""

Watcher = Callable[[str, str], None]
"""Called with a pass's name and the graph's text after it."""


def compile_graph(
    graph: Graph,
    target: Target,
    disabled: Collection[str] = (),
    check: bool = False,
    watch: Watcher | None = None,
    reuse: bool = True,
    homes: Mapping[str, View] | None = None,
    choices: Mapping[str, str] | None = None,
    measure: Measure | None = None,
) -> Plan:
    """Runs the passes over ``graph`` (which is changed) and lowers it.

    Parameters
    ----------
    disabled
        Names of ``PASSES`` to leave out, to find a miscompile.
    check
        Verify the graph between the passes and the plan at the end.
    watch
        Called after each pass, for ``--dump-passes``.
    reuse
        Whether arena memory is used again once its value is dead.
    homes
        Where the states lie that an earlier plan of the same net has too, by name;
        what is not among them goes to the memory ``apart``.
    choices
        Ways of convolutions that an earlier plan had (``Plan.choices``), to be taken again.
    measure
        Times ways of convolutions; without it they are chosen by estimates.
    """
    with _without_garbage_collection():
        known = target if "choose" not in disabled else replace(target, algorithms={})
        pick = partial(choose, target=known, stored=choices, measure=measure)
        return _compile(graph, target, disabled, check, watch, reuse, homes, pick)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """A graph of ResNet-152 is 10^5 objects that all live: looking for garbage among them takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compile(
    graph: Graph,
    target: Target,
    disabled: Collection[str],
    check: bool,
    watch: Watcher | None,
    reuse: bool,
    homes: Mapping[str, View] | None,
    pick: Callable[[Graph], Graph],
) -> Plan:
    def done(name: str) -> None:
        if check:
            verify(graph)
        if watch is not None:
            watch(name, str(graph))

    graph.ops.sort(key=segment_order)
    done("lowered")
    if "simplify" in disabled:
        drop_dead(graph)
    else:
        simplify(graph)
    done("simplify")
    if "sink" not in disabled:
        tables(graph)
        sink(graph)
    done("sink")
    _keep(graph, target, disabled)
    done("save")
    if "fuse" not in disabled:
        fuse(graph)
    done("fuse")
    pick(graph)
    done("choose")
    found = layout(graph, views="layout" not in disabled, halo=target.halo)
    done("layout")
    if "fuse" not in disabled and target.fused_updates:
        fuse_update(graph, found)
    done("fuse_update")
    unplanned = unplanned_bytes(graph, found)
    sizes = place(graph, found, target, reuse, homes)
    plan = lower(graph, found, sizes, unplanned, least_bytes(graph), target.math)
    if check:
        verify_plan(plan)
    return plan


def _keep(graph: Graph, target: Target, disabled: Collection[str]) -> None:
    """Chooses what forward keeps for backward."""
    if "save" in disabled:
        _save_all(graph)
        return
    save(graph)
    if target.small:
        recompute(graph)


def _save_all(graph: Graph) -> None:
    """Keeps every forward value that a later step reads."""
    for op in graph.ops:
        if op.segment != "forward":
            graph.saved.update(v for v in op.inputs if v.op is not None and v.op.segment == "forward")


def dump_to(folder: Path) -> Watcher:
    """A watcher that writes each graph to a numbered file in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    count = iter(range(100))

    def write(name: str, text: str) -> None:
        (folder / f"{next(count):02d}_{name}.txt").write_text(text + "\n", encoding="utf-8")

    return write
