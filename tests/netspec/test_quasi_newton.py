"""L-BFGS against functions whose minimum is known, and through a net."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

import netspec
from netspec.quasi_newton import Point, direction, newest, remember, search


def rosenbrock(x):
    a, b = x
    slope = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])
    return float((1 - a) ** 2 + 100 * (b - a * a) ** 2), slope


def test_direction_is_newtons_where_the_pairs_span_the_space():
    curvature = np.diag([1.0, 10.0, 100.0])
    steps = np.eye(3)
    g = np.array([3.0, -2.0, 5.0])
    # conjugate steps make the approximation exact: a quadratic has its minimum at -A^-1 g
    np.testing.assert_allclose(direction(g, steps, steps @ curvature), -np.linalg.solve(curvature, g), rtol=1e-12)


def test_without_pairs_it_is_steepest_descent():
    g = np.array([1.0, -2.0])
    np.testing.assert_array_equal(direction(g, np.zeros((0, 2)), np.zeros((0, 2))), -g)


@pytest.mark.parametrize("length", [1e-4, 1e-2, 1.0, 50.0])
def test_search_meets_the_strong_wolfe_conditions(length):
    x = np.array([-1.2, 1.0])
    value, slope = rosenbrock(x)
    start, along = Point(x, value, slope), -slope
    end = search(rosenbrock, start, along, length, 60)
    t = (end.x - x)[0] / along[0]
    assert end.value <= value + 1e-4 * t * (slope @ along)
    assert abs(end.slope @ along) <= -0.9 * (slope @ along)


def test_search_that_finds_nothing_lower_stays():
    def flat(x):
        return 1.0, np.ones_like(x)

    start = Point(np.zeros(2), 1.0, np.ones(2))
    assert search(flat, start, -np.ones(2), 1.0, 5) is start


def test_memory_keeps_the_newest_rows():
    pairs = np.zeros((3, 2))
    for k in range(5):
        remember(pairs, np.full(2, k))
    assert newest(pairs, 2).tolist() == [[3, 3], [4, 4]]
    assert newest(pairs, 9).tolist() == [[2, 2], [3, 3], [4, 4]]


def least_squares(**solver):
    return {
        "name": "fit",
        "inputs": {"x": [6], "y": [1]},
        "layers": [
            {"name": "fit", "type": "InnerProduct", "bottom": "x", "num_output": 1},
            {"name": "loss", "type": "EuclideanLoss", "bottom": ["fit", "y"]},
        ],
        "solver": {"type": "L-BFGS", "max_iter": 20, **solver},
    }


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_net_reaches_the_closed_form(decay):
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 6)) * [1, 2, 5, 0.1, 1, 3]
    y = x @ random.normal(size=(6, 1)) + 0.5 + 0.1 * random.normal(size=(40, 1))
    design = np.hstack([x, np.ones((40, 1))])
    best = np.linalg.solve(design.T @ design / 40 + decay * np.eye(7), design.T @ y / 40)
    with closing(netspec.compile(least_squares(weight_decay=decay), batch_size=40, dtype="float64")) as net:
        for _ in range(60):
            net.step(x=x, y=y)
        found = np.append(net.params["fit.weight"], net.params["fit.bias"])
        # a quadratic in 7 unknowns: 60 iterations leave rounding errors
        np.testing.assert_allclose(found, best[:, 0], rtol=1e-6, atol=1e-8)


def test_a_resumed_net_takes_the_same_steps():
    random = np.random.default_rng(1)
    x, y = random.normal(size=(10, 6)), random.normal(size=(10, 1))
    with closing(netspec.compile(least_squares(), batch_size=10)) as whole:
        for _ in range(3):
            whole.step(x=x, y=y)
        with closing(netspec.compile(least_squares(), batch_size=10)) as second:
            second.import_state(whole.export_state())
            second.iteration = whole.iteration
            for net in (whole, second):
                net.step(x=x, y=y)
            for name in whole.params:
                np.testing.assert_array_equal(second.params[name], whole.params[name])


def test_running_statistics_move_once_an_iteration():
    spec = least_squares()
    spec["layers"].insert(0, {"name": "norm", "type": "BatchNorm", "bottom": "x", "moving_average_fraction": 0.5})
    spec["layers"][1]["bottom"] = "norm"
    random = np.random.default_rng(2)
    x, y = random.normal(3, 1, size=(10, 6)), random.normal(size=(10, 1))
    with closing(netspec.compile(spec, batch_size=10, dtype="float64")) as net:
        for _ in range(3):
            net.step(x=x, y=y)
        state = net.export_state()
    # 1 + 1/2 + 1/4: one step of the average for each iteration, however often the search evaluates the net
    assert state["norm.weight_sum"].tolist() == [1.75]
    np.testing.assert_allclose(state["norm.mean"], x.mean(0), rtol=1e-12)
