"""report.html from made-up logs: a page that needs nothing else, with everything escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from netspec.reports.inspect import inspect
from netspec.reports.run import RunFacts, run_report

EVIL = "<script>alert('&')</script>"
EMPTY_TAGS = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """The tags, texts and attributes of a page, every tag closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.texts, self.attributes, self._open = [], [], [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY_TAGS:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def page(events, **facts) -> Page:
    return Page(run_report(events, RunFacts(**{"name": "net", **facts})))


def display(n: int, loss: object, **fields) -> dict:
    outputs = {"loss": loss, **fields.pop("outputs", {})}
    return {"event": "display", "iter": n, "time": n / 10, "lr": 0.1, "loss": loss, "smoothed_loss": loss,
            "images_per_s": 5.0, "outputs": outputs, **fields}  # fmt: skip


def measured(n: int, source: str = "test", **outputs) -> dict:
    return {"event": "test", "iter": n, "time": n / 10, "source": source, "outputs": outputs, "samples": 1200}


START = {"event": "start", "iter": 0, "time": 0.0, "name": "net", "seed": 1, "batch": 8}


def end(n: int, reason: str = "done", code: int = 0) -> dict:
    return {"event": "end", "iter": n, "time": n / 10, "reason": reason, "exit_code": code, "outputs": {}}


def test_a_page_loads_nothing_and_runs_nothing():
    text = run_report([START, display(10, 2.0), measured(10, accuracy=0.5), end(10)], RunFacts(name="net"))
    found = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert not {name for name, _ in found.attributes} & {"src", "href"}
    assert not re.search(r"url\(|@import|https?:", text)
    assert "prefers-color-scheme: dark" in text


def test_names_of_users_are_text_wherever_they_stand():
    names = [EVIL, "b\u202ec"]
    facts = {
        "name": EVIL, "facts": [("folder", EVIL)], "resume": EVIL, "test": EVIL, "spec": f"name: {EVIL}\n",
        "class_names": {EVIL: names}, "inspection": None,
    }  # fmt: skip
    events = [
        START,
        display(10, 2.0, outputs={EVIL: 3.0}),
        measured(10, EVIL, **{EVIL: 1.0, f"{EVIL}s": [0.5, 0.25], f"{EVIL}m": [[1, 2], [3, 4]]}),
        {"event": "snapshot", "iter": 10, "time": 1, "path": f"a/{EVIL}"},
        end(10, EVIL),
    ]
    found = page(events, **facts)
    assert "script" not in found.tags
    # title, heading, folder, both commands and the path, three figures, spec, charts, heads of two tables ..
    assert found.text.count(EVIL) > 12
    assert "1 b\\u202ec" in found.text


def test_the_summary_says_how_it_ended():
    cases = {
        "done": (end(10), "done, 10 iterations, 1.0 s, loss 2"),
        "signal": (end(10, "signal", 130), "stopped by a signal (exit code 130), 10 iterations"),
        "nan": (end(10, "nan", 5), "stopped: a value was not finite (exit code 5), 10"),
        "error": (end(10, "error", 3), "stopped by an error (exit code 3), 10"),
    }
    for event, expected in cases.values():
        assert expected in page([START, display(10, 2.0), event]).text
    assert "under way when this page was written, or killed, 10 iterations" in page([START, display(10, 2.0)]).text


def test_an_empty_log_is_a_page_too():
    found = page([])
    assert "nothing in the log yet" in found.text
    assert "Nothing in the log to draw yet." in found.text
    assert "svg" not in found.tags


@pytest.mark.parametrize(
    "line",
    [
        None, 3, "x", [], {}, {"event": "display"}, {"event": "display", "iter": "3"}, {"iter": -1}, {"iter": True},
        {"event": "display", "iter": 3, "lr": "fast", "loss": None, "outputs": [1]},
        {"event": "display", "iter": 3, "loss": 10**400, "time": "nan"},
        {"event": "test", "iter": 3, "outputs": {"a": [], "b": [[]], "c": [[1], [1, 2]], "d": [1, "x"], "e": {}}},
        {"event": "end", "iter": 3}, {"event": ["end"], "iter": 3}, {"event": "snapshot", "iter": 3, "path": 4},
    ],
    ids=str,
)  # fmt: skip
def test_a_line_that_is_not_ours_costs_nothing_else(line):
    found = page([START, display(10, 2.0), line, measured(10, accuracy=0.5)])
    assert "accuracy" in found.text
    assert "10 iterations" in found.text


def test_every_scalar_of_every_source_is_a_curve_and_a_row():
    events = [START, display(5, 2.0), measured(0, loss=2.5, accuracy=0.1), measured(0, "test_seen", accuracy=0.2),
              measured(10, loss=0.5, accuracy=0.9), measured(10, "test_seen", accuracy=0.8), end(10)]  # fmt: skip
    found = page(events)
    assert found.tags.count("svg") == 5  # loss of training, rate, loss, accuracy, speed
    assert "test_seen (1,200 samples) accuracy 0.8 0.2 at 0 0.8 at 10" in found.text
    assert "test: 0.1 at iteration 0, 0.9 at iteration 10, lowest 0.1 at 0, highest 0.9 at 10." in found.text
    assert "training: 2 at iteration 5" in found.text  # the loss of training beside that of the test


def test_what_a_resume_does_again_counts_once():
    first = [START, *(display(n, float(n)) for n in (10, 20, 30)), measured(30, accuracy=0.3)]
    again = [{**START, "iter": 20}, display(30, 3.5), display(40, 4.5), measured(30, accuracy=0.7), end(40)]
    found = page([*first, *again])
    assert "loss: 10 at iteration 10, 4.5 at iteration 40, lowest 3.5 at 30, highest 20 at 20." in found.text
    assert "accuracy 0.7 0.7 at 30 0.7 at 30" in found.text
    assert "0 to 30 in 3.0 s, no end; 20 to 40 in 4.0 s, done" in found.text
    assert "done, 40 iterations, 7.0 s, accuracy 0.7" in found.text


def test_classes_stand_by_their_names_and_matrices_are_shaded_by_row():
    events = [START, measured(5, each=[0.5, "nan"], more=[1.0, 0.25], table=[[3, 1], [0, 2]])]
    text = run_report(events, RunFacts(name="net", class_names={"test": ["cat", "dog"]}))
    found = Page(text)
    assert "each more 0 cat 0.5 1 1 dog - 0.25" in found.text
    assert "0 cat 1 dog 0 cat 3 1 1 dog 0 2" in found.text
    assert [value for name, value in found.attributes if name == "style"] == [
        f"background:rgba(64,128,220,{alpha})" for alpha in ("0.30", "0.60", "0.15", "0.45", "0.15", "0.60")
    ]


def test_names_that_are_not_as_many_as_the_classes_are_left_out():
    found = page([START, measured(5, each=[0.5, 0.25, 0.125])], class_names={"test": ["cat", "dog"]})
    assert "each 0 0.5 1 0.25 2 0.125" in found.text


def test_of_a_large_matrix_the_worst_pairs_are_shown():
    rows = [[9 if i == j else 0 for j in range(60)] for i in range(60)]
    rows[7][3], rows[50][51] = 5, 2
    found = page([START, measured(5, table=rows)])
    assert "60 x 60, the 2 pairs confused most" in found.text
    assert "7 taken for 3 5 50 taken for 51 2" in found.text


def test_the_commands_name_the_last_snapshot():
    snapshots = [{"event": "snapshot", "iter": n, "time": n, "path": f"my runs/{n}.safetensors"} for n in (5, 10)]
    found = page([START, *snapshots], resume="netspec train s --resume d", test="netspec test s --weights")
    assert "netspec train s --resume d" in found.text
    assert "netspec test s --weights 'my runs/10.safetensors'" in found.text
    assert "test its last snapshot" not in page([START], test="netspec test s --weights").text


def test_the_layers_are_listed_with_their_share():
    found = page([START], inspection=inspect("specs/digits.yaml"))
    assert "ip2 InnerProduct 64 x 10 1,290" in found.text
    assert re.search(r"conv2 Convolution 64 x 32 x 8 x 8 9,248 \d\d\.\d %", found.text)
    assert "11 layers" in found.text or "10 layers" in found.text


def test_the_same_log_gives_the_same_page():
    events = [START, display(10, 2.0), measured(10, accuracy=0.5)]
    assert run_report(events, RunFacts(name="net")) == run_report(iter(events), RunFacts(name="net"))
