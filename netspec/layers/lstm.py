"""LSTM."""

from __future__ import annotations

from netspec.layers.over_time import OverTime
from netspec.layers.steps import LstmStep
from netspec.spec.layer import layer


@layer
class LSTM(LstmStep, OverTime):
    """Long short-term memory, ``c_t = f c_(t-1) + i g``, ``h_t = o tanh(c_t)``.

    Shapes
        x : T x N x D (time first), cont : T x N (0 where a sequence starts), static : N x S -> y : T x N x H; with
        ``bidirectional`` T x N x 2H. ``expose_hidden``: h0 and c0, L x N x H, are read and the last states are the
        second and third top. ``lengths``: N counts; behind its length a sequence keeps its state and y is 0.
    Formula
        ``(i, f, o, g) = weight_x x_t + weight_h (cont_t h_(t-1)) + weight_static static + bias``, sigmoids of i, f, o
        and tanh of g; ``c_t = f (cont_t c_(t-1)) + i g``, ``y_t = h_t = o tanh(c_t)``.
    Learned
        weight_x : 4H x D; weight_h : 4H x H; weight_static : 4H x S; bias : 4H; gates in the order i, f, o, g. Those
        of further layers and of the second direction end in ``_2``, ``_reverse``.
    Gradient
        Through all T steps; none goes to cont, lengths and to a state that ``carry`` took from the batch before.
    Source
        Hochreiter and Schmidhuber 1997, Gers et al. 2000; Caffe ``LSTMLayer``.
    Example
        inputs: {x: {shape: [4, 5], batch: 1}, cont: {shape: [4], batch: 1}}
        layers:
          - {name: lstm, type: LSTM, bottom: [x, cont], num_output: 6, num_layers: 2}
    """
