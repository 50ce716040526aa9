"""ONNX's published operator cases: all that match run, and none is wrong."""

from __future__ import annotations

import onnx_elementwise  # noqa: F401 (says how its operators are lowered)
import onnx_nets  # noqa: F401
import onnx_resize  # noqa: F401
import onnx_shapes  # noqa: F401
import onnx_windows  # noqa: F401
import pytest
from onnx_graph import OPERATORS, Report, Unmatched, cases, lowered, operator_of, wrong

LEAST = 700
"""Cases that ran when this was written; a later onnx has more."""


@pytest.fixture(scope="module")
def report():
    """All cases through the reference, in the precision that each has."""
    found = Report()
    for case in cases():
        try:
            graph = lowered(case)
        except Unmatched as why:
            found.skipped.setdefault((operator_of(case), str(why)), []).append(case.name)
            continue
        found.ran[operator_of(case)] += 1
        mistake = wrong(case, graph.run())
        if mistake is not None:
            found.failed[case.name] = mistake
    return found


def test_cases_that_match_have_the_published_results(report, capsys):
    with capsys.disabled():
        print("\n" + report.text())
    assert report.failed == {}


def test_no_case_is_lost(report):
    assert sum(report.ran.values()) >= LEAST


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_that_is_lowered_has_a_case_that_runs(report, name):
    ran = {op for op in report.ran} | {op.partition(" ")[0] for op in report.ran}
    assert name in ran
