"""The builder's methods that take elements by number, over shapes of any rank."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.builder import Builder
from compiler.interpret import run_graph


def run(make, *arrays):
    """The results of a graph over these inputs."""
    b = Builder(dtype="f64")
    feeds = {f"x{k}": np.asarray(a) for k, a in enumerate(arrays)}
    feeds = {n: a.astype(np.int32 if a.dtype.kind == "i" else np.float64) for n, a in feeds.items()}
    inputs = [b.input(n, a.shape, "i32" if a.dtype.kind == "i" else "f64") for n, a in feeds.items()]
    made = make(b, *inputs)
    results = run_graph(b.graph, feeds)
    return [results[v] for v in (made if isinstance(made, tuple) else (made,))]


def test_gather_takes_rows_of_any_shape_by_numbers_of_any_shape():
    x, index = np.arange(24.0).reshape(4, 2, 3), np.array([[3, 0, 0], [1, 1, 2]])
    (y,) = run(lambda b, x, i: b.gather(x, i), x, index)
    np.testing.assert_array_equal(x[index], y)


def test_gather_and_scatter_go_through_common_axes_together():
    x, index = np.arange(60.0).reshape(2, 2, 5, 3), np.array([[[4, 0], [1, 1]], [[2, 3], [0, 4]]])
    y, back = run(lambda b, x, i: (y := b.gather(x, i, 2), b.scatter_add(y, i, 5, 2)), x, index)
    np.testing.assert_array_equal(np.take_along_axis(x, index[..., None], 2), y)
    times = (index[..., None] == np.arange(5)).sum(2)
    np.testing.assert_array_equal(x * times[..., None], back)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_top_k_searches_any_axis(axis):
    x = np.random.default_rng(0).permutation(60).reshape(3, 4, 5) * 1.0
    values, index = run(lambda b, x: b.top_k(x, 2, axis), x)
    np.testing.assert_array_equal(-np.sort(-x, axis).take([0, 1], axis), values)
    np.testing.assert_array_equal(np.take_along_axis(x, index.astype(int), axis), values)


@pytest.mark.parametrize(
    ("kernel", "stride", "pad", "size"),
    [((2, 3), (2, 2), (1, 2), (4, 5)), ((3, 3), (1, 2), (0, 1), (4, 4)), ((6, 7), (1, 1), (0, 0), (1, 1))],
)
def test_places_of_windows_lead_to_the_pooled_elements(kernel, stride, pad, size):
    def make(b, x):
        y, index = b.max_pool(x, kernel, stride, pad, size)
        places = b.window_places(index, kernel, stride, pad, (6, 7))
        return y, b.gather_places(x, places), b.scatter_places(y, places, (6, 7)), places

    x = np.random.default_rng(1).permutation(84).reshape(1, 2, 6, 7) + 1.0
    y, taken, put, places = run(make, x)
    np.testing.assert_array_equal(y, taken)
    assert places.dtype == np.int32
    # an element that several windows chose is there as often
    chosen = np.zeros((2, 42))
    for c in range(2):
        np.add.at(chosen[c], places[0, c].ravel(), 1)
    np.testing.assert_array_equal(x * chosen.reshape(x.shape), put)


def test_places_outside_a_map_are_nowhere():
    places = np.array([[[[-1, 0], [4, 2**31 - 1]]]]).repeat(2, 1)
    x = np.arange(1.0, 9.0).reshape(1, 2, 2, 2)
    taken, put = run(lambda b, x, p: (b.gather_places(x, p), b.scatter_places(x, p, (2, 2))), x, places)
    assert taken.tolist() == [[[[0, 1], [0, 0]], [[0, 5], [0, 0]]]]
    assert put.tolist() == [[[[2, 0], [0, 0]], [[6, 0], [0, 0]]]]


def test_gradients_of_gradients_close_through_max_pooling():
    b = Builder(dtype="f64")
    x = b.input("x", (1, 1, 4, 4))
    y, _ = b.max_pool(x, (2, 2), (2, 2), (0, 0), (2, 2))
    (dx,) = gradients(b, b.sum(y**3), [x])
    (ddx,) = gradients(b, b.sum(dx * dx), [x])
    array = np.random.default_rng(2).permutation(16).reshape(1, 1, 4, 4) * 1.0
    results = run_graph(b.graph, {"x": array})
    # sum of (3 y^2)^2 = 9 y^4 has slope 36 y^3 at the elements chosen
    expected = np.where(results[dx] != 0, 36 * array**3, 0)
    np.testing.assert_allclose(results[ddx], expected, rtol=1e-12)
