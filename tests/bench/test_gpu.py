"""The benchmark on a GPU, as far as it runs without one: cases, sides on the CPU and the fake driver, the report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from fake_gpu import on_fake_gpu

from bench import gpu, gpu_netspec
from bench.__main__ import arguments
from bench.gpu_cases import CASES, Product
from bench.gpu_netspec import Products, Repeated, Training, map_rates
from bench.race import Row
from compiler.costs import Case as Convolution
from netspec import zoo
from netspec.reports.inspect import inspect
from netspec.trial import Trial, random_operands
from runtime import ops
from runtime.ways import DIRECT

SMALL = Product("conv", (1, 1), (1, 1), (1, 1), 1, (2, 3, 5, 4), (4, 3, 3, 3), (2, 4, 5, 4))


def test_the_command_line_offers_the_nets_of_the_goals():
    wanted = arguments(["--device", "cuda", "train", "resnet50", "--math", "tf32"])
    assert (wanted.nets, list(wanted.math)) == (["resnet50"], ["tf32"])
    with pytest.raises(SystemExit):
        arguments(["--device", "cuda", "train", "mlp"])


def test_a_product_survives_json_and_is_a_case_of_the_compiler():
    given = Product.from_json(json.loads(json.dumps(SMALL.to_json())))
    assert given == SMALL
    assert given.case == Convolution(ops.Conv((1, 1), (1, 1), (1, 1), 1), SMALL.x, SMALL.w, SMALL.y)
    assert given.label == "2 x 3 x 5 x 4, 4 of 3 x 3"


def test_each_convolution_of_a_net_is_measured_once():
    found = gpu.products_of(["lenet"])
    # two convolutions and two fully connected layers; of the first one nobody wants the input's gradient
    assert Counter(p.kind for p in found) == {"conv": 4, "conv_input_grad": 3, "conv_weight_grad": 4}
    assert {p.x[0] for p in found} == {128}


def test_both_sides_of_resnet50_have_the_same_parameters():
    torch = pytest.importorskip("torch")
    nets = pytest.importorskip("bench.torch_nets")
    ours = [p.shape for row in inspect(zoo.find("resnet50"), batch=1).layers for p in row.params]
    with torch.device("meta"):  # shapes alone
        assert [tuple(p.shape) for p in nets.NETS["resnet50"](True).parameters()] == ours


@pytest.mark.parametrize("kind", ["conv", "conv_input_grad", "conv_weight_grad"])
def test_cudnns_products_are_those_of_netspec(kind, monkeypatch):
    torch = pytest.importorskip("torch")
    torch_side = pytest.importorskip("bench.gpu_torch")
    given = replace(SMALL, kind=kind, stride=(2, 1), y=(2, 4, 3, 4))
    operands = [torch.from_numpy(a) for a in random_operands(given.case)]
    x = operands[0] if kind != "conv_input_grad" else torch.zeros(given.x)
    w = operands[1] if kind != "conv_weight_grad" else torch.zeros(given.w)
    made = iter([x, w, operands[0] if kind == "conv_input_grad" else operands[1]])
    monkeypatch.setattr(torch, "randn", lambda *_, **__: next(made))
    got = torch_side.product(given, "cpu", torch.float32)().numpy()
    trial = Trial(replace(given.case, dtype="f64"), [DIRECT], "reference", operands=random_operands(given.case))
    np.testing.assert_allclose(got, trial.result(DIRECT), atol=1e-5)  # float32 sums of 27 or so products of order 1


@pytest.mark.slow
def test_both_sides_take_the_same_step():
    pytest.importorskip("torch")
    torch_side = pytest.importorskip("bench.gpu_torch")
    case = replace(CASES["lenet"], batch=4)
    own = Training(case, "fast", dropout=False, device="cpu")
    others = [torch_side.Training(case, "fast", False, variant, "cpu") for variant in ("nchw", "channels_last")]
    losses = [[side.step() for _ in range(3)] for side in (own, *others)]
    np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-4)  # float32 sums in other orders


def test_netspecs_side_runs_on_the_device_cuda(monkeypatch):
    monkeypatch.setattr(gpu_netspec, "REPEATS", 1)
    with on_fake_gpu():
        assert Products("fast").load(SMALL.to_json()) > 0
        rates = map_rates(elements=1 << 8)
    assert min(rates.values()) > 0


def test_a_repeated_batch_is_the_same_object_every_time():
    batch = {"data": np.zeros(3)}
    stream = Repeated(batch)
    assert stream.next() is stream.peek() is batch


def test_the_report_has_ratios_goals_and_what_was_left_out():
    row = Row("gpu", "lenet", (1, 28, 28), 128, 2, "fast", 1.0)
    row.ms = {"netspec": [0.1, 0.2], "torch-nchw": [0.4, 0.5], "torch-graph": [0.2, 0.3]}
    row.skipped = {"torch-compiled": "torch.compile needs a C++ compiler, and there is none"}
    products = [{"product": SMALL.to_json(), "netspec_ms": 0.5, "cudnn_ms": 1.0}]
    text = gpu.report([row], products, {"map": 4e12, "copy": 5e12})
    assert "| lenet | 128 | fast |" in text
    assert "| 3.00 | 1.50 | 1.67 | 1.00 |" in text
    assert "| 2 x 3 x 5 x 4, 4 of 3 x 3 | conv | 0.5 | 1 | 2.00 |" in text
    assert "- lenet, fast: torch-compiled left out: torch.compile needs a C++ compiler" in text
    assert "Maps: 4000 GB/s, 0.80 of a copy's 5000 GB/s (goal 0.85)." in text
