"""gradcheck: right gradients pass, wrong ones fail, kinks are skipped and counted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netspec.reports.gradcheck import TOLERANCE, Check, GradCheck, _check, gradcheck, quotient
from netspec.spec.load import load_spec
from runtime.errors import UsageError

SMOOTH = {
    "name": "smooth",
    "inputs": {"data": [2, 5, 5], "label": []},
    "layers": [
        {"name": "conv", "type": "Convolution", "num_output": 3, "kernel_size": 3},
        {"name": "tanh", "type": "TanH"},
        {"name": "ip", "type": "InnerProduct", "num_output": 4},
        {"name": "loss", "type": "SoftmaxWithLoss", "bottom": ["ip", "label"]},
    ],
}


@pytest.fixture(scope="module")
def smooth():
    return gradcheck(load_spec(SMOOTH), batch=3, samples=12, device="reference")


def test_a_smooth_net_passes_with_every_parameter_and_input_checked(smooth):
    assert smooth.passed
    names = [(check.name, check.kind) for check in smooth.checks]
    assert names == [(n, "param") for n in ("conv.weight", "conv.bias", "ip.weight", "ip.bias")] + [("data", "input")]
    assert [check.elements for check in smooth.checks] == [12, 3, 12, 4, 12]
    assert sum(check.skipped_kinks for check in smooth.checks) == 0


def test_errors_of_a_smooth_net_are_far_below_the_limit(smooth):
    # rounding, 1e-11 of the loss; the gradients' rms here is above 1e-3 of it
    assert smooth.max_relative_error < 1e-7


def test_the_document_has_the_keys_of_the_interface(smooth):
    document = json.loads(json.dumps(smooth.to_dict()))
    assert list(document) == ["passed", "max_relative_error", "checks"]
    assert list(document["checks"][0]) == ["name", "kind", "max_relative_error", "elements", "skipped_kinks"]


def test_weights_that_a_net_without_a_solver_has_packed_are_packed_again():
    layers = [
        {"name": "conv", "type": "Convolution", "num_output": 3, "kernel_size": 2},
        {"name": "square", "type": "Expression", "expr": "conv ** 2", "bottom": "conv", "loss_weight": 1},
    ]
    spec = {"name": "packed", "inputs": {"data": [3, 5, 5]}, "layers": layers}
    assert gradcheck(load_spec(spec), batch=2, samples=4, device="cpu").passed


def test_a_net_with_kinks_passes():
    layers = [
        {"name": "conv", "type": "Convolution", "num_output": 3, "kernel_size": 3},
        {"name": "relu", "type": "ReLU"},
        {"name": "pool", "type": "Pooling", "pool": "MAX", "kernel_size": 2, "stride": 2, "round": "floor"},
        *SMOOTH["layers"][2:],
    ]
    assert gradcheck(load_spec({**SMOOTH, "layers": layers}), batch=2, samples=8, device="reference").passed


def test_a_wrong_gradient_is_found():
    x = np.arange(6, dtype=np.float64).reshape(2, 3) / 7
    loss = Function(lambda: float(np.sum(x**3)))
    right = 3 * x**2
    places = list(np.ndindex(2, 3))
    assert _check("x", "param", x, places, list(right.ravel()), loss).passed(TOLERANCE)
    for wrong in (1.01 * right, right + 0.01, np.zeros_like(right), -right):
        assert not _check("x", "param", x, places, list(wrong.ravel()), loss).passed(TOLERANCE)


@pytest.mark.parametrize("device", ["cpu", "reference"])
def test_forward_mode_agrees_with_centred_differences(device):
    spec = load_spec(SMOOTH)
    assert gradcheck(spec, device=device, samples=5, mode="forward").passed


class Function:
    """A loss of its own in place of a net's."""

    def __init__(self, f):
        self.f = f

    def __call__(self):
        return self.f()

    def around(self, array, at, h, offsets):
        before, found = array[at], {}
        for k in offsets:
            array[at] = before + k * h
            found[k] = self.f()
        array[at] = before
        return found


def test_an_element_at_a_kink_is_skipped():
    x = np.array([0.0])
    d, g = quotient(Function(lambda: float(np.maximum(x[0], 0.0) + 1.0)), x, (0,), 1.0, 1.0)
    assert (d, g) == (None, 1.0)


@pytest.mark.parametrize("distance", [0.3, 2 / 3, 1.0, 1.7])  # at 2/3 of h the fourth difference is blind
def test_smaller_steps_are_tried_next_to_a_kink(distance):
    x = np.array([distance * 1e-5])
    d, _ = quotient(Function(lambda: float(np.maximum(x[0], 0.0) + 1.0)), x, (0,), 1.0, 1.0)
    assert d == pytest.approx(1.0, abs=1e-6)  # rounding of f / h at the smallest h


@pytest.mark.parametrize("distance", [0.0, 0.3, 2 / 3, 1.0, 1.7])
def test_a_wrong_gradient_next_to_a_kink_is_not_accepted(distance):
    x = np.array([distance * 1e-5])
    d, _ = quotient(Function(lambda: float(np.maximum(x[0], 0.0) + 1.0)), x, (0,), 7.0, 1.0)
    assert d is not None


def test_an_element_away_from_the_kink_is_compared():
    x = np.array([3e-5])
    d, _ = quotient(Function(lambda: float(np.maximum(x[0], 0.0))), x, (0,), 1.0, 1.0)
    assert d == pytest.approx(1.0, abs=1e-9)  # rounding of f / h


def test_a_wrong_gradient_is_no_kink():
    x = np.array([0.5])
    d, g = quotient(Function(lambda: float(np.exp(x[0]))), x, (0,), 2.0, 1.0)
    assert (d, g) == (pytest.approx(np.exp(0.5), abs=1e-6), 2.0)  # rounding of f / h at the smallest h


def test_a_tensor_that_was_skipped_almost_wholly_has_not_passed():
    assert Check("w", "param", 0.0, 3, 61).verdict(TOLERANCE) == "kinks"
    assert GradCheck((Check("w", "param", 0.0, 64, 0),), TOLERANCE).passed


def test_a_gradient_that_is_not_finite_fails():
    check = Check("w", "param", float("nan"), 4, 0)
    assert not check.passed(TOLERANCE)
    assert GradCheck((check,), TOLERANCE).to_dict()["checks"][0]["max_relative_error"] == "nan"


def test_a_net_without_a_loss_is_refused():
    spec = load_spec({**SMOOTH, "layers": SMOOTH["layers"][:3]})
    with pytest.raises(UsageError, match="gradcheck needs a loss"):
        gradcheck(spec, device="reference")


def test_a_loss_that_is_zero_all_around_has_right_gradients():
    layers = [{"name": "nothing", "type": "Reduction", "coeff": 0, "loss_weight": 1}]
    result = gradcheck(load_spec({"name": "zero", "inputs": {"x": [3]}, "layers": layers}), device="reference")
    assert (result.passed, result.max_relative_error) == (True, 0.0)
