"""ONNX's published operator cases: all that match run, and none is wrong."""

from __future__ import annotations

import numpy as np
import onnx_elementwise  # noqa: F401 (says how its operators are lowered)
import onnx_nets  # noqa: F401
import onnx_resize  # noqa: F401
import onnx_shapes  # noqa: F401
import onnx_windows  # noqa: F401
import pytest
from onnx_graph import ABSENT, OPERATORS, Graph, Report, Unmatched, cases, lowered, operator_of, wrong

from compiler.compile import compile_graph
from compiler.target import Target
from runtime.executor import Store, open_executor

LEAST = 1010
"""Cases that ran when this was written; a later onnx has more."""


@pytest.fixture(scope="module")
def published():
    return list(cases())


def compiled(graph: Graph, device: str) -> dict[str, np.ndarray]:
    """The outputs of a graph by its plan on a device."""
    plan = compile_graph(graph.with_outputs(), Target(device=device, dtype=graph.b.dtype), check=True)
    executor = open_executor(plan, Store(plan.memory), device, 2)
    try:
        for entry in plan.states:
            executor.array(entry.view)[...] = graph.states[entry.name]
        for name in plan.inputs:
            executor.feed(name, graph.feeds[name])
        for name, number in graph.scalars.items():
            executor.set(name, number)
        executor.run("forward", "commit")
        found = {name: executor.array(view).copy() for name, view in plan.outputs.items()}
    finally:
        executor.close()
    return graph.finished(found)


@pytest.fixture(scope="module")
def report(published):
    """All cases, op by op and as plans, through the reference, in the precision that each has."""
    found = Report()
    with np.errstate(all="ignore"):  # NaN and infinities are among the numbers
        for case in published:
            try:
                graph = lowered(case)
            except Unmatched as why:
                found.skip(operator_of(case), str(why), case.name)
                continue
            found.ran[operator_of(case)] += 1
            for how, outputs in (("graph", graph.run), ("plan", lambda g=graph: compiled(g, "reference"))):
                mistake = wrong(case, outputs())
                if mistake is not None:
                    found.failed[f"{case.name} ({how})"] = mistake
    return found


def test_cases_that_match_have_the_published_results(report, capsys):
    with capsys.disabled():
        print("\n" + report.text())
    assert report.failed == {}


def test_no_case_is_lost(report, published):
    assert sum(report.ran.values()) >= LEAST
    assert sum(report.ran.values()) + sum(map(len, report.skipped.values())) == len(published)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_that_is_lowered_has_a_case_that_runs(report, name):
    assert report.ran[name] > 0


def test_what_is_said_to_be_absent_is():
    assert ABSENT.keys() & OPERATORS.keys() == set()


@pytest.mark.slow
def test_the_cpu_has_the_published_results(published):
    wrongs = {}
    for case in published:
        try:
            graph = lowered(case)
        except Unmatched:
            continue
        mistake = wrong(case, compiled(graph, "cpu"))
        if mistake is not None:
            wrongs[case.name] = mistake
    assert wrongs == {}
