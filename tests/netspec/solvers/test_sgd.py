"""SGD against Caffe's rule, and the checks of the solver's fields."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.builder import Builder
from compiler.interpret import run_graph
from netspec.fillers.constant import Constant
from netspec.solvers import base
from netspec.solvers.base import Learned
from netspec.solvers.sgd import SGD
from netspec.spec.build import build
from netspec.spec.codes import CODES
from netspec.spec.diagnostics import Diagnostics
from netspec.spec.read import read_text


def trained(solver, gradients, rates, lr_mult=1.0, decay_mult=1.0):
    """The parameter and its history after each update."""
    b = Builder("train", "f64")
    with b.scope("it"):
        w = b.param("weight", (3,), Constant(value=0.0))
    g = b.input("g", (3,))
    with b.segment("update"), b.scope("it", "update"):
        of = Learned("it.weight", b.scalar("rate") * lr_mult, solver.weight_decay * decay_mult)
        b.write(w, solver.lower_update(b, w, g, of))
    states = {"it.weight": np.array([1.0, -2.0, 0.0]), "it.weight.history": np.zeros(3)}
    made = []
    for gradient, rate in zip(gradients, rates, strict=True):
        states = run_graph(b.graph, {"g": gradient}, states, scalars={"rate": rate}).states
        made.append((states["it.weight"], states["it.weight.history"]))
    return made


@pytest.mark.parametrize("kind", ["L1", "L2"])
def test_update_is_caffes_with_the_rate_inside_the_velocity(kind):
    random = np.random.default_rng(0)
    gradients, rates = random.normal(size=(4, 3)), [0.1, 0.1, 0.01, 0.01]
    solver = SGD(base_lr=0.1, momentum=0.9, weight_decay=0.02, regularization_type=kind)
    w, v = np.array([1.0, -2.0, 0.0]), np.zeros(3)
    found = trained(solver, gradients, rates, lr_mult=2, decay_mult=0.5)
    for g, rate, (got_w, got_v) in zip(gradients, rates, found, strict=True):
        v = 0.9 * v + rate * 2 * (g + 0.02 * 0.5 * (w if kind == "L2" else np.sign(w)))
        w = w - v
        np.testing.assert_allclose(got_v, v, rtol=1e-12)
        np.testing.assert_allclose(got_w, w, rtol=1e-12)


def test_no_decay_where_decay_mult_is_zero():
    ((w, _),) = trained(SGD(base_lr=1, weight_decay=0.5), [np.zeros(3)], [1.0], decay_mult=0)
    assert w.tolist() == [1.0, -2.0, 0.0]


def test_history_is_a_state_of_the_solver():
    b = Builder("train", "f32")
    with b.scope("it"):
        w = b.param("weight", (2, 3), Constant(value=0.0))
    SGD(base_lr=1).lower_update(b, w, w, Learned("it.weight", b.scalar("rate"), 1.0))
    state = b.graph.states["it.weight.history"]
    assert (state.role, state.read.shape) == ("solver", (2, 3))


def read(text: str):
    diagnostics = Diagnostics()
    node = read_text(text, "net.yaml", diagnostics)
    assert node is not None
    made = build(base.Solver, node, diagnostics)
    return made, [(d.severity, d.code, d.message, d.hint) for d in diagnostics.items]


def test_defaults_are_those_of_the_interfaces():
    made, found = read("{base_lr: 0.1, max_iter: 10}")
    assert found == []
    assert isinstance(made, SGD)
    assert (made.lr_policy, made.display, made.average_loss, made.random_seed) == ("fixed", 100, 20, 0)
    assert (made.iter_size, made.clip_gradients, made.momentum, made.weight_decay) == (1, -1, 0, 0)
    assert (made.test_interval, made.test_iter, made.test_initialization, made.snapshot) == (0, None, True, 0)


PROBLEMS = [
    (
        "{base_lr: 0.1, lr_policy: step, gamma: 0.1, max_iter: 9}",
        "E620",
        "lr_policy step needs stepsize",
        "stepsize: 2",
    ),
    ("{base_lr: 0.1, lr_policy: poly, power: 1}", "E620", "lr_policy poly needs max_iter", "max_iter: 10000"),
    (
        "{base_lr: 0.1, lr_policy: multistep, gamma: 0.1, stepvalue: [5, 3], max_iter: 9}",
        "E621",
        "stepvalue must rise",
        "stepvalue: [3, 5]",
    ),
    ("{base_lr: 0.1, lr_policy: exp, gamma: -1, max_iter: 9}", "E504", "gamma -1 is negative", "gamma: 0.1"),
    (
        "{base_lr: 0.1, gamma: 0.1, max_iter: 9}",
        "W122",
        "lr_policy fixed does not use gamma",
        "drop gamma, or take a policy that does: exp, inv, multistep, plateau, sigmoid, step",
    ),
    (
        "{base_lr: 0.1, max_iter: 9, clip_gradients: 0}",
        "E504",
        "clip_gradients 0 would leave no gradient",
        "a norm above 0, or -1 for no clipping",
    ),
    ("{base_lr: 0.1}", "W124", "max_iter is 0: `train` makes no step", "max_iter: 1000"),
    (
        "{base_lr: 0.1, max_iter: 9, snapshot_prefix: a/b}",
        "W121",
        "snapshot_prefix is read and ignored: `--output` names the folder of a run",
        "drop snapshot_prefix",
    ),
]


@pytest.mark.parametrize(("text", "code", "message", "hint"), PROBLEMS)
def test_solver_fields_are_checked_against_each_other(text, code, message, hint):
    _, found = read(text)
    assert (("warning" if code.startswith("W") else "error"), code, message, hint) in found
    assert code in CODES


@pytest.mark.parametrize(
    "text",
    [
        "{base_lr: -0.1, max_iter: 9}",
        "{base_lr: 0.1, max_iter: 9, momentum: 1}",
        "{base_lr: 0.1, max_iter: 9, momentum: -0.1}",
        "{base_lr: 0.1, max_iter: 9, iter_size: 0}",
        "{base_lr: 0.1, max_iter: 9, weight_decay: -1}",
        "{base_lr: 0.1, max_iter: 9, random_seed: -1}",
    ],
)
def test_numbers_out_of_range_are_errors(text):
    made, found = read(text)
    assert made is None
    assert [code for _, code, _, _ in found] == ["E504"]


def test_unknown_solver_is_told_what_there_is():
    made, found = read("{type: Ada, base_lr: 0.1}")
    assert made is None
    ((severity, code, message, hint),) = found
    assert (severity, code, message) == ("error", "E506", "unknown solver type `Ada`")
    assert hint == "did you mean `Adam`?"


def test_policy_is_read_in_any_case():
    made, found = read("{base_lr: 0.1, lr_policy: Step, gamma: 0.5, stepsize: 10, max_iter: 20}")
    assert (found, made.lr_policy, made.rate(10)) == ([], "step", 0.05)
