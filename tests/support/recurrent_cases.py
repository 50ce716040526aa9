"""Rows of the layers over time and of their cells, with formulas that go step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
from layer_cases import case
from layer_support import Array, Case, Draw

from netspec.layers.gru import GRU
from netspec.layers.gru_cell import GRUCell
from netspec.layers.lstm import LSTM
from netspec.layers.lstm_cell import LSTMCell
from netspec.layers.rnn import RNN
from netspec.layers.rnn_cell import RNNCell


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def rnn_step(layer: Any, x: Array, states: list[Array], w: Array) -> list[Array]:
    return [np.tanh(x + states[0] @ w.T)]


def lstm_step(layer: Any, x: Array, states: list[Array], w: Array) -> list[Array]:
    h, c = states
    i, f, o, g = np.split(x + h @ w.T, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def gru_step(layer: Any, x: Array, states: list[Array], w: Array) -> list[Array]:
    (h,) = states
    xr, xz, xn = np.split(x, 3, axis=1)
    wr, wz, wn = np.split(w, 3)
    r, z = sigmoid(xr + h @ wr.T), sigmoid(xz + h @ wz.T)
    n = np.tanh(xn + (r * (h @ wn.T) if layer.reset_after else (r * h) @ wn.T))
    return [(1 - z) * n + z * h]


STEPS = {RNN: (rnn_step, 1), LSTM: (lstm_step, 2), GRU: (gru_step, 1)}
CELLS = {RNNCell: (rnn_step, 1), LSTMCell: (lstm_step, 2), GRUCell: (gru_step, 1)}


def over_time(layer: Any, p: dict[str, Array], x: Array, cont: Array | None, static: Array | None,
              first: list[Array], lengths: Array | None) -> tuple[Array, ...]:  # fmt: skip
    """All layers and directions, one step after the other."""
    step, count = STEPS[type(layer)]
    steps, batch = x.shape[:2]
    y = x.reshape(steps, batch, -1)
    last: list[list[Array]] = [[] for _ in range(count)]
    for number in range(layer.num_layers):
        made = []
        for direction in range(layer.directions):
            end = (f"_{number + 1}" if number else "") + ("_reverse" if direction else "")
            place = number * layer.directions + direction
            states = [s[place] for s in first] or [np.zeros((batch, layer.num_output))] * count
            out = np.zeros((steps, batch, layer.num_output))
            for t in range(steps)[:: -1 if direction else 1]:
                start = t + 1 if direction else t  # a reversed sequence starts where the next one did
                if cont is not None and start < steps:
                    states = [s * (cont[start] != 0)[:, None] for s in states]
                z = y[t] @ p["weight_x" + end].T + p.get("bias" + end, 0.0)
                if static is not None and number == 0:
                    z = z + static.reshape(batch, -1) @ p["weight_static" + end].T
                after = step(layer, z, states, p["weight_h" + end])
                valid = np.ones((batch, 1), bool) if lengths is None else (t < lengths)[:, None]
                states = [np.where(valid, new, old) for new, old in zip(after, states, strict=True)]
                out[t] = np.where(valid, after[0], 0)
            made.append(out)
            for k in range(count):
                last[k].append(states[k])
        y = np.concatenate(made, 2)
    return (y, *(np.stack(s) for s in last)) if layer.expose_hidden else (y,)


def layer_over_time(d: Draw, cls: Any, **fields: Any) -> Case:
    steps, batch, width = d.int(1, 6), d.int(1, 3), d.choice(1, 3, 17)
    layer = cls(num_output=d.choice(1, 3, 8, 17), bias_term=d.choice(True, False), num_layers=d.choice(1, 1, 2),
                bidirectional=d.choice(False, False, True), lengths=d.choice(False, True),
                expose_hidden=d.choice(False, True), **fields)  # fmt: skip
    bottoms = [d.values(*d.choice((steps, batch, width), (steps, batch, width, 2)))]
    with_cont, with_static = d.choice((False, False), (True, False), (True, True))
    if with_cont:
        bottoms.append(d.random.integers(0, 2, (steps, batch)).astype(float))
    if with_static:
        bottoms.append(d.values(batch, 5))
    states = len(layer.states) if layer.expose_hidden else 0
    bottoms += [d.values(layer.num_layers * layer.directions, batch, layer.num_output) for _ in range(states)]
    if layer.lengths:
        bottoms.append(d.random.integers(0, steps + 1, batch).astype(np.int32))

    def expected(p: dict[str, Array], x: Array, *rest: Array) -> tuple[Array, ...]:
        given = list(rest)
        lengths = given.pop() if layer.lengths else None
        first = [given.pop() for _ in range(states)][::-1]
        return over_time(
            layer, p, x, given[0] if with_cont else None, given[1] if with_static else None, first, lengths
        )

    flowing = [0, *range(1 + with_cont, 1 + with_cont + with_static + states)]
    return Case(layer, bottoms, expected, smooth=tuple(flowing))


@case
def rnn(d: Draw) -> Case:
    return layer_over_time(d, RNN)


@case
def lstm(d: Draw) -> Case:
    return layer_over_time(d, LSTM)


@case
def gru(d: Draw) -> Case:
    return layer_over_time(d, GRU, reset_after=d.choice(True, False))


def cell(d: Draw, cls: Any, tops: int, **fields: Any) -> Case:
    batch, size = d.int(1, 4), d.choice(1, 3, 8, 17)
    step, count = CELLS[cls]
    layer = cls(num_output=size, bias_term=d.choice(True, False), **fields)
    x = d.values(*d.choice((batch, 5), (batch, 2, 3, 1)))

    def expected(p: dict[str, Array], x: Array, *states: Array) -> tuple[Array, ...]:
        z = x.reshape(batch, -1) @ p["weight_x"].T + p.get("bias", 0.0)
        return tuple(step(layer, z, list(states), p["weight_h"])[:tops])

    return Case(layer, [x, *(d.values(batch, size) for _ in range(count))], expected, tops=("h", "c")[:tops])


@case
def rnn_cell(d: Draw) -> Case:
    return cell(d, RNNCell, 1)


@case
def lstm_cell(d: Draw) -> Case:
    return cell(d, LSTMCell, d.choice(1, 2))


@case
def gru_cell(d: Draw) -> Case:
    return cell(d, GRUCell, 1, reset_after=d.choice(True, False))
