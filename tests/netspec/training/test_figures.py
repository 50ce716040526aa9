"""Figures of a test as text."""

from __future__ import annotations

from netspec.training.evaluate import Evaluation
from netspec.training.figures import figure_lines
from netspec.training.testing import EvaluationReport

NAMES = ("cat", "horse", "ox")


def test_a_number_stands_behind_its_name():
    assert figure_lines("loss", 0.12345678) == ["loss  0.123457"]
    assert figure_lines("psnr", float("inf")) == ["psnr  inf"]


def test_a_list_has_ten_classes_a_line_headed_by_the_first():
    found = figure_lines("by_class", [0.5, float("nan"), *[1.0] * 10])
    assert found == [
        "by_class",
        "   0  0.5    -    1    1    1    1    1    1    1    1",
        "  10    1    1",
    ]


def test_a_list_of_named_classes_has_one_a_line():
    assert figure_lines("iou", [0.5, 1.0, 0.25], NAMES) == ["iou", "  cat    0.5", "  horse  1", "  ox     0.25"]


def test_names_of_another_number_of_classes_are_not_used():
    assert figure_lines("iou", [0.5, 1.0], NAMES) == ["iou", "  0  0.5    1"]


def test_a_table_has_numbered_rows_and_columns():
    assert figure_lines("counts", [[41, 0], [3, 120]]) == ["counts", "       0    1", "  0   41    0", "  1    3  120"]


def test_a_table_of_named_classes_tells_the_rows():
    assert figure_lines("counts", [[4, 0, 1], [3, 2, 0], [0, 0, 9]], NAMES) == [
        "counts",
        "           0  1  2",
        "  0 cat    4  0  1",
        "  1 horse  3  2  0",
        "  2 ox     0  0  9",
    ]


def test_a_table_that_is_too_wide_is_described(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    found = figure_lines("counts", [[1000] * 30] * 30)
    assert found == ["counts", "  30 x 30: too wide to print, --format json has it"]


def test_a_report_knows_the_classes_of_each_source():
    main = Evaluation(outputs={"loss": 1.5, "share": [0.5, 1.0]}, samples=1200)
    other = Evaluation(outputs={"share": [0.25, 0.0]}, samples=7)
    report = EvaluationReport(main, {"test_b": other}, {"test": ("no", "yes")})
    assert report.to_text().splitlines() == [
        "1,200 samples",
        "loss  1.5",
        "share",
        "  no   0.5",
        "  yes  1",
        "test_b: 7 samples",
        "share",
        "  0  0.25     0",
    ]
