"""choose: which way a convolution takes, and why another is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_graphs import Toy
from way_cases import EVERY, KINDS, WINOGRAD, cases, target

from compiler.accuracy import BOUND, predicted
from compiler.passes.choose import choose, convolutions, offer
from compiler.target import Target
from runtime.ways import DIRECT, FFT, IM2COL, MATMUL, WINOGRAD_2, WINOGRAD_4


def net(phase: str = "train", dtype: str = "f32"):
    """Two convolutions of 32 channels and a fully connected layer, trained in phase train."""
    toy = Toy(dtype, batch=16, phase=phase)
    x, label = toy.b.input("data", (16, 32, 16, 16)), toy.b.input("label", (16,), "i32")
    y = toy.relu(toy.conv(toy.relu(toy.conv(x, 32, 3, pad=1)), 32, 3, pad=1))
    loss = toy.softmax_loss(toy.fc(y, 10), label)
    if phase == "train":
        return toy.finish(loss)
    toy.b.graph.outputs["loss"] = loss
    return toy.b.graph


@pytest.mark.parametrize("kind", KINDS)
def test_winograd_is_taken_where_it_pays_and_has_a_kernel(kind):
    case = cases(8, 64, 28, 64, 3, pad=1)[kind]
    assert offer(case, target(algorithms=WINOGRAD)).best == WINOGRAD_4
    without = offer(case, Target())
    assert (without.best, list(without.seconds)) == (DIRECT, [DIRECT])
    assert "no kernel" in without.refused[WINOGRAD_4]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shape",
    [
        {"n": 8, "c": 64, "size": 28, "k": 64, "r": 3, "pad": 1, "stride": 2},
        {"n": 8, "c": 64, "size": 28, "k": 64, "r": 1},
        {"n": 8, "c": 64, "size": 28, "k": 64, "r": 3, "pad": 1, "groups": 64},
    ],
    ids=["stride 2", "1 x 1", "depthwise"],
)
def test_convolutions_without_another_way_are_direct(kind, shape):
    case = cases(**shape)[kind]
    assert offer(case, target(algorithms=WINOGRAD)).best == DIRECT


@pytest.mark.parametrize("kind", KINDS)
def test_a_window_that_is_the_whole_map_is_a_matrix_product(kind):
    found = offer(cases(16, 64, 7, 100, 7)[kind], target())
    assert (list(found.seconds), dict(found.refused)) == ([MATMUL], {})


@pytest.mark.parametrize("kind", KINDS)
def test_exact_allows_products_alone(kind):
    found = offer(cases(8, 64, 28, 64, 3, pad=1)[kind], target(math="exact"))
    assert list(found.seconds) == [DIRECT]
    assert found.refused == dict.fromkeys((IM2COL, WINOGRAD_2, WINOGRAD_4, FFT), "math: exact")


def test_a_way_beyond_its_bound_is_refused_with_the_figures():
    # a sum over 5 million tiles; the products themselves are as exact as ever
    case = cases(1500, 8, 224, 8, 5, pad=2)["ConvWeightGrad"]
    assert predicted(case, WINOGRAD_4) > BOUND["f32"]
    found = offer(case, target())
    assert found.refused[WINOGRAD_4] == f"its error of about {predicted(case, WINOGRAD_4):.0e} is beyond 1e-03"
    assert {DIRECT, IM2COL} <= set(found.seconds)
    assert WINOGRAD_4 in offer(replace(case, dtype="f64"), target()).seconds


def test_every_convolution_gets_a_way_under_a_key_of_its_own():
    graph = choose(net(), target())
    ways = {key: op.algorithm for key, op, _ in convolutions(graph)}
    assert graph.choices == ways
    assert ways["train conv conv1"] == ways["train conv_weight_grad conv3"] == WINOGRAD_4
    assert ways["train conv fc5"] == ways["train conv_input_grad fc5"] == MATMUL
    assert "test conv conv1" in choose(net("test"), target()).choices


def test_two_convolutions_of_one_layer_have_two_keys():
    toy = Toy("f32", batch=2, phase="test")
    x = toy.b.input("data", (2, 8, 9, 9))
    with toy.b.scope("pair"):
        w = toy.b.input("w", (8, 8, 3, 3))
        toy.b.graph.outputs["y"] = toy.b.conv(toy.b.conv(x, w), w)
    assert list(choose(toy.b.graph, target()).choices) == ["test conv pair", "test conv pair 2"]


def test_stored_choices_are_taken_again_whatever_the_estimates_and_the_measurements():
    stored = {"train conv conv1": WINOGRAD_2, "train conv_input_grad conv3": DIRECT}
    graph = choose(net(), target(), stored, measure=lambda case, ways: dict.fromkeys(ways, 1.0) | {FFT: 0.1})
    assert {key: graph.choices[key] for key in stored} == stored
    assert graph.choices["train conv conv3"] == FFT


def test_a_stored_way_that_is_not_allowed_gives_way_to_the_estimate():
    stored = {"train conv conv1": WINOGRAD_4, "train conv conv3": "strassen"}
    graph = choose(net(), target(math="exact"), stored)
    assert set(graph.choices.values()) == {DIRECT, MATMUL}


def test_the_fastest_measured_way_is_taken_and_only_choices_are_measured():
    asked = []

    def measure(case, ways):
        asked.append((type(case.op).__name__, ways))
        return {way: 2.0 if way != WINOGRAD_2 else 1.0 for way in ways}

    graph = choose(net(), target(algorithms=WINOGRAD), measure=measure)
    assert graph.choices["train conv conv1"] == graph.choices["train conv_weight_grad conv1"] == WINOGRAD_2
    assert {ways for _, ways in asked} == {(DIRECT, WINOGRAD_2, WINOGRAD_4)}
    assert len(asked) == len([key for key in graph.choices if "fc" not in key])


def test_of_equally_fast_ways_the_plainest_is_taken():
    graph = choose(net(), target(), measure=lambda case, ways: dict.fromkeys(reversed(ways), 1.0))
    assert graph.choices["train conv conv1"] == DIRECT


def test_float64_takes_the_ways_of_float32():
    assert choose(net(dtype="f64"), target(dtype="f64")).choices == choose(net(), target()).choices


def test_weights_are_fixed_in_a_graph_without_an_update():
    assert {case.fixed for _, _, case in convolutions(net())} == {False}
    assert {case.fixed for _, _, case in convolutions(net("test"))} == {True}


def test_the_choice_does_not_depend_on_what_the_device_has_beyond_the_best():
    case = cases(8, 64, 28, 64, 3, pad=1)["Conv"]
    best = offer(case, target(algorithms=EVERY)).best
    assert offer(case, target(algorithms={"Conv": (best,)})).best == best
