"""Random graphs of some thirty operations: odd shapes, fan-out, labels, random numbers, states.

``random_graph(seed)`` answers a builder whose graph computes one loss, with
arrays to feed. Used for autodiff here, and for any two ways to run a graph
that must agree. ``b.graph.loss`` is set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.builder import Builder
from compiler.ir import Value
from runtime.ops import Pair, Shape, Unpatch
from runtime.ops_space import CorrelationGrad, SampleGrad


@dataclass
class RandomGraph:
    """A graph under construction: every 4-D value made so far may be an operand of the next."""

    r: Random
    b: Builder
    pool: list[Value] = field(default_factory=list)
    feeds: dict[str, NDArray[Any]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=lambda: {"seed": 3.0, "iteration": 5.0, "rate": 0.5})

    @property
    def loss(self) -> Value:
        """The loss."""
        assert self.b.graph.loss is not None
        return self.b.graph.loss

    def input(self, shape: Shape, scale: float = 1.0) -> Value:
        """A new input of random numbers."""
        name = f"in{len(self.feeds)}"
        seed = self.r.randint(0, 2**31)
        self.feeds[name] = scale * np.random.default_rng(seed).normal(size=shape)
        return self.b.input(name, shape)

    def partner(self, x: Value) -> Value:
        """A value that broadcasts to x: an old one, or a new one a channel."""
        fits = [v for v in self.pool if all(n in (1, m) for n, m in zip(v.shape, x.shape, strict=True))]
        return self.r.choice([*fits, self.input((1, x.shape[1], 1, 1))])


def random_graph(seed: int, operations: int = 30, dtype: str = "f64", states: bool = True) -> RandomGraph:
    """A graph with at least ``operations`` operations; every value stays of order 1."""
    r = Random(seed)
    shape = (r.randint(1, 3), r.choice((1, 3, 4, 6, 17)), r.randint(1, 7), r.randint(1, 7))
    g = RandomGraph(r, Builder("train", dtype, shape[0]))
    g.pool = [g.input(shape), g.input(shape)]
    while len(g.b.graph.ops) < operations:
        # Late values more often than early ones: deep graphs with some long skips.
        x = g.pool[max(r.randrange(len(g.pool)), r.randrange(len(g.pool)))]
        step = r.choice(STEPS if states else [s for s in STEPS if s is not _running_mean])
        with g.b.scope(f"layer{len(g.b.graph.ops)}"):
            y = step(g, x)
            if len(y.shape) == 4:
                g.pool.append(y)
    with g.b.scope("loss"):
        used = {v for op in g.b.graph.ops for v in op.inputs}
        ends = [v for v in g.pool if v not in used] or g.pool[-1:]
        total = g.b.reshape(g.b.mean(g.b.tanh(ends[0])), ())
        for end in ends[1:]:
            total = total + g.b.reshape(g.b.mean(end * end), ())
        g.b.graph.loss = total
    return g


def _unary(g: RandomGraph, x: Value) -> Value:
    b = g.b
    choices: list[Callable[[], Value]] = [
        lambda: b.sigmoid(x),
        lambda: b.tanh(x),
        lambda: b.sin(x * 1.5),
        lambda: b.exp(b.tanh(x)),
        lambda: b.log(1.5 + x * x),
        lambda: b.rsqrt(1.0 + x * x) * x,
        lambda: b.sqrt(0.5 + b.abs(x)),
        lambda: b.where(x > 0, x, 0.1 * x),
        lambda: b.maximum(x, 0.3) - 0.5,
        lambda: b.tanh(x) ** 3,
        lambda: x * b.scalar("rate"),
    ]
    return g.r.choice(choices)()


def _binary(g: RandomGraph, x: Value) -> Value:
    y = g.partner(x)
    choices: list[Callable[[], Value]] = [
        lambda: 0.7 * (x + y),
        lambda: x - y * 0.5,
        lambda: g.b.tanh(x * y),
        lambda: x / (1.0 + y * y),
        lambda: g.b.minimum(x, y),
    ]
    return g.r.choice(choices)()


def _conv(g: RandomGraph, x: Value) -> Value:
    r, (_, c, h, w) = g.r, x.shape
    groups = r.choice([n for n in (1, 2, 3) if c % n == 0])
    kernel, pad = (min(h + 2, r.randint(1, 3)), min(w + 2, r.randint(1, 3))), (1, 1)
    k = groups * r.choice((1, 2, 3, 5))
    scale = (c // groups * kernel[0] * kernel[1]) ** -0.5
    weights = g.input((k, c // groups, *kernel), scale)
    stride: Pair = (r.randint(1, 2), r.randint(1, 2))
    return g.b.conv(x, weights, stride, pad, (1, 1), groups) + g.input((1, k, 1, 1))


def _deconv(g: RandomGraph, x: Value) -> Value:
    (_, k, h, w), c, stride = x.shape, g.r.randint(1, 4), (g.r.randint(1, 2), g.r.randint(1, 2))
    size = (stride[0] * (h - 1) + 2, stride[1] * (w - 1) + 2)
    weights = g.input((k, c, 2, 2), k**-0.5)
    return g.b.conv_input_grad(x, weights, stride, (0, 0), (1, 1), 1, size)


def _pool(g: RandomGraph, x: Value) -> Value:
    kernel: Pair = (min(x.shape[2], 3), min(x.shape[3], 2))
    stride: Pair = (g.r.randint(1, 2), g.r.randint(1, 2))
    size = ((x.shape[2] - kernel[0]) // stride[0] + 1, (x.shape[3] - kernel[1]) // stride[1] + 1)
    if g.r.random() < 0.5:
        return g.b.max_pool(x, kernel, stride, (0, 0), size)[0]
    return g.b.ave_pool(x, kernel, stride, (0, 0), size)


def _normalise(g: RandomGraph, x: Value) -> Value:
    mean, variance = g.b.moments(x, g.r.choice(((0, 2, 3), (2, 3), (1,))))
    return (x - mean) * g.b.rsqrt(variance + 0.3) * g.input((1, x.shape[1], 1, 1))


def _running_mean(g: RandomGraph, x: Value) -> Value:
    """As BatchNorm's: a state that is read, and written from this batch."""
    mean = g.b.state("mean", (1, x.shape[1], 1, 1), 0.25)
    g.b.write(mean, 0.9 * mean + 0.1 * g.b.mean(x, (0, 2, 3)))
    return x - mean


def _product(g: RandomGraph, x: Value) -> Value:
    n, c, h, w = x.shape
    k = g.r.choice((1, 4, 9))
    weights = g.input((k, c * h * w), (c * h * w) ** -0.5)
    y = g.b.matmul(g.b.reshape(x, (n, c * h * w)), weights, transpose_b=True)
    return g.b.reshape(y + g.input((k,)), (n, k, 1, 1))


def _softmax(g: RandomGraph, x: Value) -> Value:
    axis = g.r.choice((1, 2))
    label = g.b.equal(g.b.index(x.shape, axis), g.b.index((*x.shape[:1], 1, 1, 1), 0))
    return g.b.exp(x - g.b.logsumexp(x, axis)) - g.b.where(label, 1.0, 0.0)


def _squeeze(g: RandomGraph, x: Value) -> Value:
    gate = g.b.sigmoid(g.b.mean(x, (2, 3)))
    return x * gate


def _largest(g: RandomGraph, x: Value) -> Value:
    return x - g.b.max(x, g.r.choice(((1,), (2, 3))))


def _window(g: RandomGraph, x: Value) -> Value:
    return x * (1.0 + 0.2 * g.b.window(x * x, g.r.choice((1, 3, 5)))) ** -0.75


def _concat(g: RandomGraph, x: Value) -> Value:
    rest = [v for v in g.pool if v.shape[:1] + v.shape[2:] == x.shape[:1] + x.shape[2:] and v.shape[1] < 20]
    return g.b.concat([x, g.r.choice(rest or [x])], 1) if x.shape[1] < 20 else x * 0.9


def _slices(g: RandomGraph, x: Value) -> Value:
    c = x.shape[1]
    cut = g.r.randint(0, c - 1)
    parts = [g.b.slice(x, 1, lo, hi) for lo, hi in ((0, cut), (cut, c)) if hi > lo]
    return g.b.concat([g.b.tanh(p) for p in reversed(parts)], 1)


def _move(g: RandomGraph, x: Value) -> Value:
    n, c, h, w = x.shape
    if g.r.random() < 0.3 and h * w <= 49:
        return g.b.pad(x, ((0, 0), (0, 0), (1, 0), (0, -(w > 1))))
    if g.r.random() < 0.5:
        return g.b.transpose(x, (0, 1, 3, 2))
    return (
        g.b.reshape(g.b.transpose(g.b.reshape(x, (n, c, h * w)), (0, 2, 1)), (n, h * w, c, 1))
        if h * w <= 16
        else x * 1.1
    )


def _dropout(g: RandomGraph, x: Value) -> Value:
    return g.b.where(g.b.uniform(x.shape) > 0.3, x * (1 / 0.7), 0.0)


def _rows(g: RandomGraph, x: Value) -> Value:
    """Samples in reverse, the first one twice, added to others."""
    n = x.shape[0]
    index = g.b.maximum(n - 1 - g.b.index((n + 1,), 0), 0)
    return 0.5 * (x + g.b.scatter_add(g.b.gather(x, index), g.b.minimum(g.b.index((n + 1,), 0), n - 1), n))


def _ranked(g: RandomGraph, x: Value) -> Value:
    axis = g.r.choice((1, 3))
    values, index = g.b.top_k(x, g.r.randint(1, x.shape[axis]), axis)
    return values + 0.1 * g.b.to_float(index)


def _patches(g: RandomGraph, x: Value) -> Value:
    c = x.shape[1]
    if c > 6:
        return x * 0.8
    windows = g.b.patches(x, (2, 2), (1, g.r.randint(1, 2)), (1, 1))
    return g.b.emit1(Unpatch((2, 2), (1, 1), (1, 1), (1, 1), (windows.shape[2], windows.shape[3])), g.b.tanh(windows))


def _correlated(g: RandomGraph, x: Value) -> Value:
    """Each pixel with its neighbours, and back."""
    if x.shape[1] > 6:
        return x * 0.9
    around = {"start": (0, 0), "first": (-1, 0), "count": (2, 2)}
    y = g.b.tanh(g.b.correlation(x, g.b.sin(x), size=(x.shape[2], x.shape[3]), **around))
    return g.b.emit1(CorrelationGrad("b", "multiply", 1, step=1, **around), y, x)


def _sampled(g: RandomGraph, x: Value) -> Value:
    """Samples a third of a pixel away, spread again: never near a pixel, where the slope jumps."""
    n, c, h, w = x.shape
    if c > 6:
        return x * 1.1
    shape = (n, 2, h, w)
    own = g.b.where(g.b.equal(g.b.index(shape, 1), 0), g.b.index(shape, 3), g.b.index(shape, 2))
    places = g.b.to_float(own) + 0.35 + 0.2 * g.b.tanh(g.b.mean(x, (1,)))
    return g.b.emit1(SampleGrad((h, w)), g.b.sample(x, places), places)


STEPS = [
    _unary,
    _unary,
    _binary,
    _binary,
    _conv,
    _deconv,
    _pool,
    _normalise,
    _running_mean,
    _product,
    _softmax,
    _squeeze,
    _largest,
    _window,
    _concat,
    _slices,
    _move,
    _dropout,
    _rows,
    _ranked,
    _patches,
    _correlated,
    _sampled,
]
