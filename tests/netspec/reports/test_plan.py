"""plan: steps, kernels, refusals, sources; pass options."""

from __future__ import annotations

import json

import pytest

from netspec import zoo
from netspec.reports.plan import plan_net
from netspec.spec.load import load_spec
from runtime.plan import SEGMENTS, STEP_SEGMENTS
from runtime.ways import WAYS


@pytest.fixture(scope="module")
def net():
    return load_spec(zoo.find("lenet")).net("train")


@pytest.fixture(scope="module")
def report(net):
    return plan_net(net)


def test_the_document_has_the_keys_of_the_interface(report):
    document = json.loads(json.dumps(report.to_dict()))
    assert list(document) == ["steps", "kernels", "arena_bytes", "not_fused", "moved_bytes", "least_bytes"]
    assert list(document["steps"][0]) == [
        *("index", "kernel", "segment", "layers", "algorithm", "flops", "bytes", "estimate_us", "ways"),
    ]
    assert all(set(refusal) == {"layers", "why"} for refusal in document["not_fused"])


def test_every_step_names_layers_of_the_net(report, net):
    known = {node.name for node in net.nodes} | {"loss", "data", "label"}
    assert all(set(row.layers) <= known and row.layers for row in report.steps)


def test_segments_come_in_the_order_of_a_step(report):
    places = [SEGMENTS.index(row.segment) for row in report.steps]
    assert places == sorted(places)
    assert "gradients" not in {row.segment for row in report.steps}, "no step of a training step"


def test_lenet_needs_few_kernels_and_convolutions_name_their_way(report):
    assert 0 < len(report.sources) <= 60
    ways = {row.layers[0]: row.algorithm for row in report.steps if row.kernel.startswith("conv")}
    assert (ways["conv1"], ways["ip1"], ways["ip2"]) == ("direct", "matmul", "matmul")
    assert ways["conv2"] in WAYS
    assert {row.algorithm for row in report.steps if not row.kernel.startswith("conv")} == {None}


def test_every_way_of_a_step_has_an_estimate_or_a_reason_against_it(report):
    for step in report.to_dict()["steps"]:
        if step["algorithm"] is None:
            assert step["ways"] is None
            continue
        assert step["algorithm"] in [way["algorithm"] for way in step["ways"] if way["refused"] is None]
        for way in step["ways"]:
            assert set(way) == {"algorithm", "estimate_us", "refused"}
            assert (way["estimate_us"] is None) != (way["refused"] is None)


def test_exact_takes_products_alone_and_says_so():
    report = plan_net(load_spec(zoo.find("lenet"), {"math": "exact"}).net("train"))
    assert {row.algorithm for row in report.steps} == {"direct", "matmul", None}
    assert "math: exact" in report.to_text()


def test_a_plan_moves_no_less_than_it_must(report):
    document = report.to_dict()
    assert 0 < document["least_bytes"] <= document["moved_bytes"]
    assert document["moved_bytes"] == sum(s["bytes"] for s in document["steps"] if s["segment"] in STEP_SEGMENTS)


def test_tuning_takes_the_fastest_measured_way(net, monkeypatch):
    monkeypatch.setattr("netspec.reports.plan.Tuner", lambda *_: lambda case, ways: {w: -WAYS.index(w) for w in ways})
    tuned = plan_net(net, tune=True)
    for row in tuned.steps:
        allowed = [way.algorithm for way in row.ways or () if way.refused is None]
        assert row.algorithm == max(allowed, key=WAYS.index, default=None)


def test_convolution_arithmetic_is_twice_its_multiply_adds(report):
    forward = [r for r in report.steps if r.kernel.startswith("conv") and r.segment == "forward"]
    # outputs x (2 x 25 inputs + bias), the bias in the epilogue
    assert forward[0].flops >= 64 * 20 * 24 * 24 * (2 * 25 + 1)
    assert all(row.estimate_us > 0 for row in report.steps)


def test_the_source_of_every_kernel_is_shown_with_the_layers_it_serves(report):
    text = report.source_text()
    assert text.count("# ---- ") == len(report.sources)
    assert all(kernel.text.rstrip() in text for kernel, _ in report.sources)


@pytest.mark.parametrize("name", ["simplify", "save", "fuse", "choose", "layout"])
def test_each_pass_can_be_left_out(net, name, report):
    without = plan_net(net, disabled=(name,), verify=True)
    assert len(without.steps) >= (len(report.steps) if name == "fuse" else 1)


def test_passes_are_dumped_in_order(net, tmp_path):
    plan_net(net, dump=tmp_path / "passes", verify=True)
    names = [path.stem.split("_", 1)[1] for path in sorted((tmp_path / "passes").iterdir())]
    assert names == ["lowered", "simplify", "sink", "save", "fuse", "choose", "layout", "fuse_update"]


def test_the_text_says_what_was_planned(report):
    text = report.to_text()
    assert f"{len(report.steps)} steps, {len(report.sources)} kernels; arena" in text
    assert "conv1" in text


def test_the_init_segment_is_one_line_unless_every_step_is_asked_for(report):
    first = [row for row in report.steps if row.segment == "init"]
    short, full = report.to_text().splitlines(), report.to_text(every=True).splitlines()
    (line,) = [line for line in short if " init " in line]
    assert line.split()[:4] == [f"0-{len(first) - 1}", "init", str(len(first)), "steps"]
    assert len([line for line in full if " init " in line]) == len(first)
    assert len(report.to_dict()["steps"]) == len(report.steps)


def test_equal_reasons_are_one_line_with_a_count():
    report = plan_net(load_spec(zoo.find("resnet20")).net("train", batch=2))
    whys = [refusal.why for refusal in report.plan.refusals]
    lines = report.to_text().partition("not fused, because")[2].splitlines()
    for why in set(whys):
        (line,) = [line for line in lines if line.startswith(f"{why}  ")]
        assert line[len(why) :].split()[0] == str(whys.count(why))


@pytest.mark.parametrize("width", [80, 100])
def test_the_text_fits_the_terminal_and_keeps_kernels_whole(report, width):
    text = report.to_text(width)
    assert max(map(len, text.splitlines())) <= width
    assert all(row.kernel in text for row in report.steps)
