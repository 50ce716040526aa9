from __future__ import annotations

import json

import pytest

from bench import results
from bench.results_rows import ROWS, Row, by_net
from netspec import zoo
from netspec.spec.load import load_spec


def figures_of(spec):
    """The test outputs by name."""
    return {top for node in spec.net("test").nodes for top in node.top_ids}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.net)
def test_a_row_names_a_net_of_the_zoo_and_a_figure_of_its_test(row):
    spec = load_spec(zoo.find(row.net), overrides=row.sets)
    assert row.figure in figures_of(spec)
    assert not row.after or row.after in by_net()


def test_goals_are_reached_from_their_side():
    assert Row("a", "g", "accuracy", 0.9).met(0.9) is True
    assert Row("a", "g", "accuracy", 0.9).met(0.89) is False
    assert Row("a", "g", "loss", 1.6, low=True).met(1.59) is True
    assert Row("a", "g", "loss").met(3.0) is None


def test_the_seconds_of_a_resumed_run_are_those_of_its_parts():
    assert results.spent([{"time": t} for t in (0.0, 5.0, 9.0, 0.5, 4.0)]) == 13.0


def test_a_run_leaves_its_figure_log_and_curve_and_the_page_shows_them(tmp_path):
    folder = tmp_path / "results"
    row = Row(
        "digits", "Small nets", "accuracy", 0.2, times=100, sets=("solver.max_iter=20", "solver.test_interval=10")
    )
    record = results.run(row, folder, seed=3)
    kept = json.loads((folder / "digits.json").read_text())
    assert kept == record
    assert (kept["seed"], kept["iterations"]) == (3, 20)
    assert 0.2 < kept["value"] <= 1.0
    events = [json.loads(line) for line in (folder / "digits.jsonl").read_text().splitlines()]
    assert events[-1]["outputs"]["accuracy"] == pytest.approx(kept["value"])
    assert (folder / "digits.svg").read_text().count("<path") > 5
    assert str(tmp_path) not in (folder / "digits.jsonl").read_text()
    page = results.page(folder)
    assert f"{100 * kept['value']:.4g} %" in page
    assert "[curve](results/digits.svg)" in page


def test_an_unknown_row_and_a_failing_run_are_said(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        results.main(["nothing", "--output", str(tmp_path)])
    assert "no row 'nothing'" in capsys.readouterr().err
    with pytest.raises(results.RunError, match="ended with"):
        results.run(Row("digits", "g", "accuracy", sets=("solver.typo=1",)), tmp_path)
    with pytest.raises(results.RunError, match="no test figure 'acuracy'"):
        results.run(Row("digits", "g", "acuracy", sets=("solver.max_iter=2",)), tmp_path)
