"""Rows of the attention layers, with formulas sample by sample."""

from __future__ import annotations

import numpy as np
from layer_cases import case
from layer_support import Array, Case, Draw

from netspec.layers.attention import Attention
from netspec.layers.multi_head_attention import MultiHeadAttention
from netspec.layers.scaled_dot_product_attention import ScaledDotProductAttention


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max())
    return e / e.sum()


def some_lengths(d: Draw, batch: int, most: int) -> Array:
    return d.random.integers(1, most + 1, batch).astype(np.int32)


@case
def attention(d: Draw) -> Case:
    n, count, width, state = d.int(1, 3), d.int(1, 5), d.choice(1, 3, 17), d.choice(1, 4)
    layer = Attention(num_output=d.choice(1, 5, 16), bias_term=d.choice(True, False), lengths=d.choice(True, False))
    lengths = some_lengths(d, n, count)

    def expected(p: dict[str, Array], f: Array, h: Array, *rest: Array) -> tuple[Array, ...]:
        context, weights = np.zeros((n, width)), np.zeros((n, count))
        for k in range(n):
            seen = lengths[k] if layer.lengths else count
            hidden = np.tanh(f[k] @ p["weight_f"].T + h[k] @ p["weight_h"].T + p.get("bias", 0.0))
            weights[k, :seen] = softmax((hidden @ p["weight_e"][0])[:seen])
            context[k] = weights[k] @ f[k]
        return (context, weights)[:tops]

    tops = d.choice(1, 2)
    bottoms = [d.values(n, count, width), d.values(n, state), *([lengths] if layer.lengths else [])]
    return Case(layer, bottoms, expected, tops=("y", "weights")[:tops])


def attended(q: Array, k: Array, v: Array, seen: int, causal: bool, scale: float) -> tuple[Array, Array]:
    """One sample: query by query."""
    weights = np.zeros((len(q), len(k)))
    for row, query in enumerate(q):
        last = min(seen, row + 1) if causal else seen
        weights[row, :last] = softmax(scale * (k[:last] @ query))
    return weights @ v, weights


@case
def scaled_dot_product_attention(d: Draw) -> Case:
    n, queries, keys, width = d.int(1, 3), d.int(1, 5), d.int(1, 5), d.choice(1, 4, 17)
    layer = ScaledDotProductAttention(causal=d.choice(True, False), scale=d.choice(None, 0.5),
                                      lengths=d.choice(True, False))  # fmt: skip
    lengths, tops = some_lengths(d, n, keys), d.choice(1, 2)
    scale = width**-0.5 if layer.scale is None else layer.scale

    def expected(p: dict[str, Array], q: Array, k: Array, v: Array, *rest: Array) -> tuple[Array, ...]:
        seen = lengths if layer.lengths else [keys] * n
        each = [attended(q[i], k[i], v[i], seen[i], layer.causal, scale) for i in range(n)]
        return tuple(np.stack(part) for part in zip(*each, strict=True))[:tops]

    bottoms = [d.values(n, queries, width), d.values(n, keys, width), d.values(n, keys, d.choice(1, 3, 16))]
    # what all keys have in common changes no weight
    return Case(layer, [*bottoms, *([lengths] if layer.lengths else [])], expected, tops=("y", "weights")[:tops],
                cancels=("bias_k",))  # fmt: skip


@case
def multi_head_attention(d: Draw) -> Case:
    n, count, heads = d.int(1, 3), d.int(1, 5), d.choice(1, 2, 3)
    layer = MultiHeadAttention(num_output=heads * d.choice(1, 4), num_heads=heads, bias_term=d.choice(True, False),
                               causal=d.choice(True, False), lengths=d.choice(True, False))  # fmt: skip
    bottoms = [d.values(n, count, d.choice(1, 5, 17))]
    keys = count
    if d.choice(True, False):
        keys = d.int(1, 5)
        bottoms += [d.values(n, keys, 3), *([d.values(n, keys, 2)] if d.choice(True, False) else [])]
    lengths, tops = some_lengths(d, n, keys), d.choice(1, 2)

    def expected(p: dict[str, Array], *given: Array) -> tuple[Array, ...]:
        xs = list(given[: len(given) - layer.lengths])
        xs += [xs[-1]] * (3 - len(xs))
        project = lambda x, part: x @ p[f"weight_{part}"].T + p.get(f"bias_{part}", 0.0)  # noqa: E731
        y, mean = np.zeros((n, count, layer.num_output)), np.zeros((n, count, keys))
        for i in range(n):
            q, k, v = (np.split(project(x[i], part), heads, 1) for x, part in zip(xs, "qkv", strict=True))
            seen = lengths[i] if layer.lengths else keys
            scale = (layer.num_output / heads) ** -0.5
            each = [attended(*parts, seen, layer.causal, scale) for parts in zip(q, k, v, strict=True)]
            y[i] = project(np.concatenate([head for head, _ in each], 1), "o")
            mean[i] = np.mean([weights for _, weights in each], 0)
        return (y, mean)[:tops]

    return Case(layer, [*bottoms, *([lengths] if layer.lengths else [])], expected, tops=("y", "weights")[:tops])
