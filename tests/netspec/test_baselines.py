"""The simple methods on numbers that can be checked by hand, and the report of them."""

from __future__ import annotations

import numpy as np
import pytest

from netspec.baselines import Samples, choose_k, commonest, distances, least_squares, nearest, score, vote
from netspec.reports.baseline import baseline
from netspec.spec.load import load_spec
from runtime.errors import UsageError


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_the_commonest_class_is_the_lowest_of_equals():
    train = Samples(np.zeros((5, 1)), np.array([2, 1, 1, 2, 0]))
    assert commonest(train, Samples(np.zeros((2, 1)), np.array([0, 0]))).tolist() == [1, 1]


def test_of_numbers_the_mean_is_taken():
    train = Samples(np.zeros((2, 1)), np.array([[1.0, 2.0], [3.0, 6.0]]))
    assert commonest(train, Samples(np.zeros((1, 1)), np.zeros((1, 2)))).tolist() == [[2.0, 4.0]]


def test_least_squares_finds_the_plane(random):
    x, w = random.normal(size=(50, 3)), random.normal(size=(3, 2))
    train, test = Samples(x[:40], x[:40] @ w + 7.0), Samples(x[40:], x[40:] @ w + 7.0)
    # a millionth of the features' mean square is added to the diagonal
    np.testing.assert_allclose(least_squares(train, test), test.y, rtol=1e-4, atol=1e-4)


def test_least_squares_bears_a_constant_pixel(random):
    x = np.hstack([random.normal(size=(30, 2)), np.zeros((30, 1)), np.ones((30, 1))])
    samples = Samples(x, (x[:, 0] > 0).astype(np.int32))
    assert score(least_squares(samples, samples), samples.y) > 0.9


@pytest.mark.parametrize("norm", ["L1", "L2"])
def test_distances_are_sums_over_the_features(norm, random):
    x, y = random.normal(size=(4, 6)), random.normal(size=(5, 6))
    away = x[:, None] - y
    expected = np.abs(away).sum(2) if norm == "L1" else np.square(away).sum(2)
    np.testing.assert_allclose(distances(x, y, norm), expected, rtol=1e-12, atol=1e-12)


def test_neighbours_come_nearest_first_and_the_first_of_equals():
    y = np.array([[0.0], [2.0], [1.0], [2.0]])
    assert nearest(np.array([[1.9]]), y, "L1", 3).tolist() == [[1, 3, 2]]


def test_a_tied_vote_goes_to_the_nearest():
    neighbours = np.array([[0, 1, 2, 3]])
    assert vote(neighbours, np.array([5, 3, 3, 5]), 4).tolist() == [5]
    assert vote(neighbours, np.array([5, 3, 3, 5]), 3).tolist() == [3]
    assert vote(neighbours, np.array([[1.0], [2.0], [3.0], [6.0]]), 4).tolist() == [[3.0]]


def test_k_is_the_one_that_does_best_on_the_held_out_part(random):
    x = np.linspace(0, 1, 200)[:, None]
    noisy = np.where(random.random(200) < 0.25, 1, 0) ^ (x[:, 0] > 0.5)
    assert choose_k(Samples(x, noisy.astype(np.int32)), "L2") >= 5
    apart = np.repeat(np.arange(10), 20).astype(np.int32)
    assert choose_k(Samples(x + 10.0 * apart[:, None], apart), "L2") == 1


def test_a_single_sample_has_one_neighbour():
    assert choose_k(Samples(np.zeros((1, 2)), np.array([3])), "L1") == 1


def test_digits_are_reported():
    report = baseline(load_spec("specs/digits.yaml"), train=400, test=100)
    found = {row.name: row.figure for row in report.rows}
    assert (report.train, report.test, report.measure) == (400, 100, "accuracy")
    assert found["majority class"] < 0.2 < 0.7 < found["least squares"]
    assert min(found["nearest neighbours, L1"], found["nearest neighbours, L2"]) > 0.85
    assert "k = " in report.to_text()
    assert report.to_dict()["baselines"][0]["name"] == "majority class"


def test_a_net_without_data_is_told_so():
    spec = load_spec({"name": "bare", "inputs": {"x": [3]}, "layers": [{"type": "ReLU", "bottom": "x"}]})
    with pytest.raises(UsageError, match="baseline needs data with the phases train and test"):
        baseline(spec)


def test_sequences_are_no_samples_that_stand_for_themselves(tmp_path):
    (tmp_path / "t.txt").write_text("to be or not to be " * 40)
    phases = {"train": {"batch_size": 16}, "test": {"batch_size": 16}}
    spec = load_spec({
        "name": "words",
        "data": {"source": "text", "file": str(tmp_path / "t.txt"), "classes": 10, "steps": 5, **phases},
        "layers": [{"name": "emb", "type": "Embed", "bottom": "data", "input_dim": 10, "num_output": 2}],
    })  # fmt: skip
    with pytest.raises(UsageError, match="needs samples that stand for themselves, `data` is a sequence"):
        baseline(spec)
