"""Every solver on a small least-squares problem, against the rule written down in NumPy."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

import netspec
from netspec.spec.registry import SOLVERS

STEPS, BATCH = 6, 5
random = np.random.default_rng(3)
LEFT, RIGHT = random.normal(size=(2, STEPS * 2 * BATCH, 4))
TARGET = random.normal(size=(STEPS * 2 * BATCH, 1))


def sgd(s, w, g, rate, t, p):
    s["v"] = p.get("momentum", 0) * s.get("v", 0) + rate * g
    return w - s["v"]


def textbook(s, w, g, rate, t, p):
    s["v"] = p["momentum"] * s.get("v", 0) + g
    return w - rate * s["v"]


def nesterov(s, w, g, rate, t, p):
    old = s.get("v", 0)
    s["v"] = p["momentum"] * old + rate * g
    return w - (1 + p["momentum"]) * s["v"] + p["momentum"] * old


def adagrad(s, w, g, rate, t, p):
    s["h"] = s.get("h", 0) + g * g
    return w - rate * g / (np.sqrt(s["h"]) + p["delta"])


def rmsprop(s, w, g, rate, t, p):
    s["h"] = p["rms_decay"] * s.get("h", 0) + (1 - p["rms_decay"]) * g * g
    return w - rate * g / (np.sqrt(s["h"]) + p["delta"])


def adadelta(s, w, g, rate, t, p):
    mu, k = p["momentum"], s.get("k", 0)
    s["h"] = mu * s.get("h", 0) + (1 - mu) * g * g
    u = g * np.sqrt((p["delta"] + k) / (p["delta"] + s["h"]))
    s["k"] = mu * k + (1 - mu) * u * u
    return w - rate * u


def adam(s, w, g, rate, t, p):
    one, two = p["momentum"], p.get("momentum2", 0.999)
    s["m"] = one * s.get("m", 0) + (1 - one) * g
    s["v"] = two * s.get("v", 0) + (1 - two) * g * g
    return w - rate * np.sqrt(1 - two**t) / (1 - one**t) * s["m"] / (np.sqrt(s["v"]) + p["delta"])


def adamw(s, w, g, rate, t, p):
    one, two = p["momentum"], 0.999
    s["m"] = one * s.get("m", 0) + (1 - one) * g
    s["v"] = two * s.get("v", 0) + (1 - two) * g * g
    mean, square = s["m"] / (1 - one**t), s["v"] / (1 - two**t)
    return w - rate * (mean / (np.sqrt(square) + p["delta"]) + p.get("weight_decay", 0) * w)


def lars(s, w, g, rate, t, p):
    decay = p.get("weight_decay", 0)
    slope = np.linalg.norm(g - decay * w)
    scale = p["trust"] * np.linalg.norm(w) / (slope + decay * np.linalg.norm(w)) if np.linalg.norm(w) * slope else 1
    s["v"] = p["momentum"] * s.get("v", 0) + rate * scale * g
    return w - s["v"]


def sign(s, w, g, rate, t, p):
    return w - rate * np.sign(g)


RULES = {
    "SGD": (sgd, {"base_lr": 0.05, "momentum": 0.9}),
    "SGD textbook": (textbook, {"base_lr": 0.05, "momentum": 0.9, "velocity": "textbook"}),
    "Nesterov": (nesterov, {"base_lr": 0.05, "momentum": 0.9}),
    "AdaGrad": (adagrad, {"base_lr": 0.1, "delta": 1e-6}),
    "RMSProp": (rmsprop, {"base_lr": 0.02, "rms_decay": 0.9, "delta": 1e-6}),
    "AdaDelta": (adadelta, {"base_lr": 1.0, "momentum": 0.9, "delta": 1e-3}),
    "Adam": (adam, {"base_lr": 0.05, "momentum": 0.9, "momentum2": 0.99, "delta": 1e-6}),
    "AdamW": (adamw, {"base_lr": 0.05, "momentum": 0.9, "delta": 1e-6}),
    "LARS": (lars, {"base_lr": 1.0, "momentum": 0.9, "trust": 0.02}),
    "SignSGD": (sign, {"base_lr": 0.01}),
}
EXTRAS = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "decay L1": {"weight_decay": 0.1, "regularization_type": "L1"},
    "accumulated": {"iter_size": 2},
    "clipped": {"clip_gradients": 0.3},
    "clipped by layer": {"clip_gradients": 0.3, "clip_norm": "layer"},
    "dropping rate": {"lr_policy": "step", "stepsize": 2, "gamma": 0.5},
}


def spec_of(solver, **extra):
    """Two towers with one set of weights, least squares on their sum; the bias learns twice as fast, undecayed."""
    ties = [{"name": "w"}, {"name": "b", "lr_mult": 2, "decay_mult": 0}]
    fill = {"type": "uniform", "min": -0.5, "max": 0.5}
    layer = {"type": "InnerProduct", "num_output": 1, "params": ties, "weight_filler": fill}
    return {
        "name": "least-squares",
        "inputs": {"left": [4], "right": [4], "y": [1]},
        "layers": [
            {"name": "a", "bottom": "left", **layer},
            {"name": "b", "bottom": "right", **layer},
            {"name": "sum", "type": "Eltwise", "bottom": ["a", "b"]},
            {"name": "loss", "type": "EuclideanLoss", "bottom": ["sum", "y"]},
        ],
        "solver": {"type": solver, "max_iter": STEPS, **extra},
    }


def batches(size):
    for k in range(STEPS):
        part = slice(k * size, (k + 1) * size)
        yield {"left": LEFT[part], "right": RIGHT[part], "y": TARGET[part]}


def expected(rule, fields, w, b, size):
    """The parameters after each step by the rule, gradients from the formula of least squares."""
    memories: tuple[dict, dict] = ({}, {})
    for k, batch in enumerate(batches(size)):
        both = batch["left"] + batch["right"]
        off = both @ w.T + 2 * b - batch["y"]
        grads = [off.T @ both / size, 2 * off.mean(0)]
        if "clip_gradients" in fields:  # one layer owns both parameters: the two norms are the same
            norm = np.sqrt(sum((g * g).sum() for g in grads))
            grads = [g * min(1.0, fields["clip_gradients"] / norm) for g in grads]
        rate = fields["base_lr"] * 0.5 ** (k // 2 if "stepsize" in fields else 0)
        decay = fields.get("weight_decay", 0)
        if rule is not adamw:
            grads[0] = grads[0] + decay * (np.sign(w) if fields.get("regularization_type") == "L1" else w)
        w = rule(memories[0], w, grads[0], rate, k + 1, fields)
        b = rule(memories[1], b, grads[1], 2 * rate, k + 1, {**fields, "weight_decay": 0})
        yield w, b


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("name", RULES)
def test_updates_are_those_of_the_rule(name, extra):
    rule, own = RULES[name]
    fields = {**own, **EXTRAS[extra]}
    if extra == "decay L1" and name in ("AdamW", "LARS"):
        pytest.skip("its decay is that of L2")
    size = BATCH * fields.get("iter_size", 1)
    with closing(
        netspec.compile(spec_of(name.split()[0], **fields), batch_size=BATCH, dtype="float64", device="reference")
    ) as net:
        net.params["a.bias"] = [0.25]
        w, b = net.params["a.weight"], net.params["a.bias"]
        for batch, wanted in zip(batches(size), expected(rule, fields, w, b, size), strict=True):
            net.step(**batch)
            # float64 on both sides: some hundred roundings
            np.testing.assert_allclose(net.params["a.weight"], wanted[0], rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(net.params["a.bias"], wanted[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_the_cpu_updates_as_the_reference(name):
    """Fused and on a team: with decay, clipping, micro-steps and averages in one plan."""
    _, own = RULES[name]
    fields = {**own, "weight_decay": 0.1, "clip_gradients": 0.3, "iter_size": 2, "average_weights": 0.9}
    states = []
    for device in ("reference", "cpu"):
        with closing(
            netspec.compile(spec_of(name.split()[0], **fields), batch_size=BATCH, dtype="float64", device=device)
        ) as net:
            for batch in batches(2 * BATCH):
                net.step(**batch)
            states.append(net.export_state())
    assert states[0].keys() == states[1].keys()
    for state, array in states[0].items():
        # float64 on both sides: some hundred roundings
        np.testing.assert_allclose(states[1][state], array, rtol=1e-9, atol=1e-12, err_msg=state)


def test_every_solver_is_tested():
    elsewhere = {"L-BFGS"}
    assert {cls.type_name for cls in SOLVERS} == {name.split()[0] for name in RULES} | elsewhere


def test_layers_are_clipped_apart():
    spec = spec_of("SGD", base_lr=1.0, clip_gradients=0.1, clip_norm="layer")
    for layer in spec["layers"][:2]:
        del layer["params"]
    with closing(netspec.compile(spec, batch_size=BATCH, dtype="float64", device="reference")) as net:
        before = {name: net.params[name] for name in net.params}
        net.step(**next(batches(BATCH)))
        for layer in "ab":
            moved = [net.params[f"{layer}.{p}"] - before[f"{layer}.{p}"] for p in ("weight", "bias")]
            assert np.sqrt(sum((m * m).sum() for m in moved)) == pytest.approx(0.1, rel=1e-12)


def test_plateau_drops_the_rate_when_the_loss_stays():
    spec = spec_of("SGD", base_lr=0.5, lr_policy="plateau", gamma=0.1, patience=2, average_loss=1)
    spec["layers"][0]["params"] = spec["layers"][1]["params"] = [
        {"name": "w", "lr_mult": 1},
        {"name": "b", "lr_mult": 0},
    ]
    with closing(netspec.compile(spec, batch_size=BATCH, dtype="float64", device="reference")) as net:
        factors, losses = [], []
        for batch in batches(BATCH):
            net.step(**batch)
            factors.append(float(net.export_state()["solver.factor"]))
            losses.append(net.loss)
        factor, best, waited, wanted = 1.0, np.inf, 0, []
        for loss in losses:
            waited = 0 if loss < best else waited + 1
            best = min(best, loss)
            if waited >= 2:
                factor, waited = factor * 0.1, 0
            wanted.append(factor)
        assert factors == pytest.approx(wanted, rel=1e-12)
        assert factors[-1] < 1.0


def test_a_resumed_plateau_drops_the_rate_where_the_whole_run_does():
    spec = spec_of("SGD", base_lr=0.5, lr_policy="plateau", gamma=0.1, patience=1, average_loss=3)
    with (
        closing(netspec.compile(spec, batch_size=BATCH, dtype="float64", device="reference")) as whole,
        closing(netspec.compile(spec, batch_size=BATCH, dtype="float64", device="reference")) as second,
    ):
        rates = []
        for batch in batches(BATCH):
            whole.step(**batch)
            if whole.iteration > STEPS // 2:
                second.step(**batch)
                assert second.export_state()["solver.rate"] == whole.export_state()["solver.rate"]
            else:
                second.import_state(whole.export_state())
                second.iteration = whole.iteration
            rates.append(float(whole.export_state()["solver.rate"]))
    assert rates[-1] < rates[STEPS // 2]  # it has dropped behind the place where the second one began


def test_tests_read_the_moving_average():
    spec = spec_of("SGD", base_lr=0.1, average_weights=0.5)
    with closing(netspec.compile(spec, batch_size=BATCH, dtype="float64", device="reference")) as net:
        average = net.params["a.weight"].copy()
        test = net.phase("test")
        for k, batch in enumerate(batches(BATCH)):
            net.step(**batch)
            kept = min(0.5, (1 + k) / (10 + k))
            average = kept * average + (1 - kept) * net.params["a.weight"]
        np.testing.assert_allclose(net.export_state()["a.weight.average"], average, rtol=1e-12)
        batch = next(batches(BATCH))
        off = (batch["left"] + batch["right"]) @ average.T + 2 * net.export_state()["a.bias.average"] - batch["y"]
        found = test.forward(**batch)["loss"]
        assert found == pytest.approx((off * off).sum() / (2 * BATCH), rel=1e-12)


def test_the_rate_warms_up_and_has_a_floor():
    from_solver = SOLVERS.get("SGD")
    assert from_solver is not None
    made = from_solver(
        base_lr=1.0, lr_policy="step", gamma=0.1, stepsize=10, warmup=4, warmup_lr=0.2, min_lr=0.05, max_iter=99
    )
    assert [made.rate(k) for k in (0, 1, 4, 10, 20)] == pytest.approx([0.2, 0.4, 1.0, 0.1, 0.05])
