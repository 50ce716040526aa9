"""RNN."""

from __future__ import annotations

from netspec.layers.over_time import OverTime
from netspec.layers.steps import RnnStep
from netspec.spec.layer import layer


@layer
class RNN(RnnStep, OverTime):
    """Recurrent layer, ``h_t = tanh(Wx x_t + Wh h_(t-1) + bias)``.

    Shapes
        x : T x N x D (time first), cont : T x N (0 where a sequence starts), static : N x S -> y : T x N x H; with
        ``bidirectional`` T x N x 2H. ``expose_hidden``: h0 : L x N x H is read and the last state, L x N x H, is the
        second top. ``lengths``: N counts; behind its length a sequence keeps its state and y is 0.
    Formula
        ``h_t = tanh(weight_x x_t + weight_h (cont_t h_(t-1)) + weight_static static + bias)``, ``y_t = h_t``.
    Learned
        weight_x : H x D; weight_h : H x H; weight_static : H x S; bias : H; those of further layers and of the second
        direction end in ``_2``, ``_reverse``.
    Gradient
        Through all T steps; none goes to cont, lengths and to a state that ``carry`` took from the batch before.
    Source
        Elman 1990; Caffe ``RNNLayer`` without its second product: y is the state itself.
    Example
        inputs: {x: {shape: [4, 5], batch: 1}}
        layers:
          - {name: rnn, type: RNN, num_output: 6}
    """
