"""Cases of correlation and sampling, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from primitive_cases import Case, distinct, values

from runtime.ops import Pair, Primitive
from runtime.ops_space import Correlation, CorrelationGrad, Sample, SampleGrad

Array = NDArray[Any]

CORRELATIONS: list[tuple[tuple[int, int, int, int], dict[str, Any]]] = [
    ((2, 3, 5, 4), {}),
    ((1, 17, 4, 6), {"first": (-2, -2), "count": (5, 5)}),  # as FlowNet: the displaced pixel often outside
    ((1, 80, 3, 9), {"first": (0, -4), "count": (1, 9), "step": 1}),  # four at once
    ((2, 2, 7, 6), {"stride": 2, "start": (1, 0), "first": (-2, -4), "step": 2, "count": (3, 5), "size": (3, 3)}),
    ((1, 5, 4, 4), {"start": (-1, -2), "size": (6, 8)}),  # windows outside both maps
    ((1, 1, 1, 1), {"first": (0, 0), "count": (1, 1)}),
]


def _correlation(shape: tuple[int, ...], mode: str, fields: dict[str, Any]) -> Correlation:
    whole = {"stride": 1, "start": (0, 0), "first": (-1, -1), "step": 1, "count": (3, 3), "size": shape[2:], **fields}
    return Correlation(mode, **whole)


def correlation_case(prim: type[Primitive], shape: Any, mode: str, fields: dict[str, Any], side: str = "a") -> Case:
    """``Correlation`` or a gradient of it; no two elements, and none and 0, are equal."""
    forward = _correlation(shape, mode, fields)
    maps = distinct(1, 2, *shape) * 0.1
    name = f"{mode}-{'x'.join(map(str, shape))}-{'-'.join(f'{k}{v}' for k, v in fields.items())}".replace(" ", "")
    if prim is Correlation:
        return Case(f"correlation-{name}", forward, (maps[0], maps[1]))
    dy = values(2, shape[0], forward.count[0] * forward.count[1], *forward.size)
    back = CorrelationGrad(side, mode, forward.stride, forward.start, forward.first, forward.step, forward.count)
    other, own = (maps[1], maps[0]) if side == "a" else (maps[0], maps[1])
    operands = (dy, other) if mode == "multiply" else (dy, other, own)
    # a second derivative of differences there is not
    return Case(f"correlation_grad-{side}-{name}", back, operands, smooth=mode == "multiply")


def _correlations(prim: type[Primitive]) -> Callable[[], list[Case]]:
    sides = "a" if prim is Correlation else "ab"
    return lambda: [
        correlation_case(prim, shape, mode, fields, side)
        for shape, fields in CORRELATIONS
        for mode in ("multiply", "subtract")
        for side in sides
    ]


def _drawn_correlations(prim: type[Primitive]) -> Callable[[], st.SearchStrategy[Case]]:
    @st.composite
    def draw_one(draw: st.DrawFn) -> Case:
        size = draw(st.integers(1, 6)), draw(st.integers(1, 6))
        shape = (draw(st.integers(1, 2)), draw(st.sampled_from((1, 3, 17, 70))), *size)
        fields = {
            "stride": draw(st.integers(1, 2)),
            "step": draw(st.integers(1, 2)),
            **{
                name: (draw(st.integers(low, high)), draw(st.integers(low, high)))
                for name, low, high in (("start", -2, 2), ("first", -3, 2), ("count", 1, 6), ("size", 1, 6))
            },
        }
        mode = draw(st.sampled_from(("multiply", "subtract")))
        return correlation_case(prim, shape, mode, fields, draw(st.sampled_from("ab")))

    return draw_one


def places(seed: int, samples: int, out: Pair, size: Pair) -> Array:
    """Places in and around a map, none within 0.02 of a row or a column of pixels."""
    rng = np.random.default_rng([seed, samples, *out])
    spans = np.array([size[1], size[0]]).reshape(1, 2, 1, 1)
    whole = np.floor(rng.uniform(-2.5, spans + 1.5, (samples, 2, *out)))
    return whole + rng.uniform(0.02, 0.98, whole.shape)


def sample_case(prim: type[Primitive], shape: Any, out: Pair, order: Pair, seed: int = 1) -> Case:
    """``Sample`` or ``SampleGrad``."""
    at = places(seed, shape[0], out, shape[2:])
    name = f"{'x'.join(map(str, shape))}-at-{out[0]}x{out[1]}-order-{order[0]}{order[1]}"
    if prim is Sample:
        return Case(f"sample-{name}", Sample(order), (values(seed, *shape), at))
    return Case(f"sample_grad-{name}", SampleGrad(shape[2:], order), (values(seed, *shape[:2], *out), at))


def _strange() -> Case:
    """Places on pixels, on the edges, far away and nowhere; a pixel that no place touches is not a number."""
    x = values(5, 1, 3, 4, 5)
    x[0, :, 3, 4] = np.nan
    whole = [0.0, -1.0, 4.0, 5.0, 2.5, 1e30, -1e30, np.nan, np.inf, -np.inf, 3.0, -0.5, 4.5]
    at = np.array([[(c, r) for c in whole] for r in (0.0, 1.5, -1.0, np.nan, 2.0, 1e20)])
    return Case("sample-strange", Sample(), (x, np.moveaxis(at, -1, 0)[None]), smooth=False)


def _samples(prim: type[Primitive]) -> Callable[[], list[Case]]:
    shapes = [((2, 3, 5, 4), (3, 4)), ((1, 33, 4, 6), (4, 6)), ((1, 16, 1, 1), (2, 3)), ((3, 1, 2, 7), (1, 1))]
    orders = ((0, 0), (1, 0), (0, 1), (1, 1))

    def make() -> list[Case]:
        made = [sample_case(prim, shape, out, order) for shape, out in shapes for order in orders]
        return [*made, _strange()] if prim is Sample else made

    return make


def _drawn_samples(prim: type[Primitive]) -> Callable[[], st.SearchStrategy[Case]]:
    size = st.integers(1, 6)
    shapes = st.tuples(st.integers(1, 3), st.sampled_from((1, 2, 3, 17, 40)), size, size)
    order = st.tuples(st.integers(0, 1), st.integers(0, 1))
    return lambda: st.builds(
        lambda shape, out, order, seed: sample_case(prim, shape, out, order, seed),
        shapes, st.tuples(size, size), order, st.integers(0, 99),
    )  # fmt: skip


FIXED: dict[type[Primitive], Callable[[], list[Case]]] = {
    **{prim: _correlations(prim) for prim in (Correlation, CorrelationGrad)},
    **{prim: _samples(prim) for prim in (Sample, SampleGrad)},
}

STRATEGIES: dict[type[Primitive], Callable[[], st.SearchStrategy[Case]]] = {
    **{prim: (lambda prim=prim: _drawn_correlations(prim)()) for prim in (Correlation, CorrelationGrad)},
    **{prim: _drawn_samples(prim) for prim in (Sample, SampleGrad)},
}
