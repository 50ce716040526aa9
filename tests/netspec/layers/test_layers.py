"""Every layer: shapes, values against an independent formula, gradients by centred differences."""

from __future__ import annotations

import attention_cases  # noqa: F401 (adds its rows)
import common_cases  # noqa: F401 (adds its rows)
import detection_cases  # noqa: F401 (adds its rows)
import index_layer_cases  # noqa: F401 (adds its rows)
import loss_cases  # noqa: F401 (adds its rows)
import neuron_cases  # noqa: F401 (adds its rows)
import numpy as np
import pytest
import recurrent_cases  # noqa: F401 (adds its rows)
import space_cases  # noqa: F401 (adds its rows)
import volume_cases  # noqa: F401 (adds its rows)
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import CASES, ELSEWHERE
from layer_support import Draw, Lone, top_arrays

from netspec.spec.registry import LAYERS

rows = pytest.mark.parametrize("row", CASES.values(), ids=CASES.keys())
drawn = settings(max_examples=15, deadline=None, derandomize=True)


@rows
@drawn
@given(data=st.data())
def test_tops_are_what_the_formula_says(row, data):
    case = row(Draw(data))
    lone = Lone(case)
    expected = lone.expected()
    stated = case.layer.shapes(*(x.shape for x in case.bottoms))
    assert (stated if expected and isinstance(next(iter(stated), 0), tuple) else (stated,)) == tuple(
        np.shape(e) for e in expected
    )
    for wanted, got in zip(expected, top_arrays(lone), strict=True):
        # float64 on both sides; sums of at most some hundred terms of size 1
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


@rows
@drawn
@given(data=st.data())
def test_parameters_are_made_as_stated(row, data):
    case = row(Draw(data))
    lone = Lone(case)
    made = [(lone.short(s.name), s.read.shape) for s in lone.b.graph.states.values() if s.role == "param"]
    assert list(case.layer.param_shapes(*(x.shape for x in case.bottoms)).items()) == made


@rows
@drawn
@given(data=st.data())
def test_gradients_are_the_slopes_of_the_loss(row, data):
    lone = Lone(row(Draw(data)))
    wrt, found = lone.differentiate()
    results = lone.run()
    for value, gradient in zip(wrt, found, strict=True):
        exact = np.zeros(value.shape) if gradient is None else results[gradient]
        direction = lone.random.choice([-1.0, 1.0], value.shape)
        slope = lone.slope(value, direction)
        # differences of h = 1e-5 are off by h^2 and by 1e-16 / h, times sums of such size
        assert slope == pytest.approx((exact * direction).sum(), rel=1e-6, abs=1e-6 * max(1.0, np.abs(exact).sum()))


def test_every_layer_has_a_row():
    data = {cls.__name__ for cls in LAYERS}
    made = {row.__globals__[name].__name__ for row in CASES.values() for name in row.__code__.co_names if name in data}
    made |= {cls.__name__ for row in CASES.values() for cls in getattr(row, "classes", ())}
    assert made | ELSEWHERE.keys() == data


def test_every_layer_is_documented():
    for cls in LAYERS:
        text = cls.__doc__ or ""
        missing = [part for part in ("Shapes\n", "Gradient\n", "Source\n") if part not in text]
        assert (cls.__name__, missing) == (cls.__name__, [])
        assert all(spec.doc for spec in cls.specs.values())
