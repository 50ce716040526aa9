"""LSTMCell."""

from __future__ import annotations

from typing import ClassVar

from netspec.layers.one_step import OneStep
from netspec.layers.steps import LstmStep
from netspec.spec.layer import layer


@layer
class LSTMCell(LstmStep, OneStep):
    """One step of an LSTM, ``c' = f c + i g``, ``h' = o tanh(c')``.

    Shapes
        x : N x D (or N x .., flattened), h : N x H, c : N x H -> h' : N x H, c' : N x H (a second top).
    Formula
        ``(i, f, o, g) = weight_x x + weight_h h + bias``, sigmoids of i, f, o and tanh of g; ``c' = f c + i g``,
        ``h' = o tanh(c')``.
    Learned
        weight_x : 4H x D; weight_h : 4H x H; bias : 4H; gates in the order i, f, o, g.
    Gradient
        To x, h, c and the parameters.
    Source
        Hochreiter and Schmidhuber 1997, Gers et al. 2000; Caffe ``LSTMUnitLayer`` with its product.
    Example
        inputs: {x: [5], h: [6], c: [6]}
        layers:
          - {name: cell, type: LSTMCell, bottom: [x, h, c], num_output: 6, top: [h_next, c_next]}
    """

    bottoms: ClassVar[tuple[int, int | None]] = (3, 3)
    tops: ClassVar[tuple[int, int | None]] = (1, 2)
