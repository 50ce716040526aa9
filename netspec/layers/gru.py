"""GRU."""

from __future__ import annotations

from netspec.layers.over_time import OverTime
from netspec.layers.steps import GruStep
from netspec.spec.layer import field, layer


@layer
class GRU(GruStep, OverTime):
    """Gated recurrent unit, ``h_t = (1 - z) n + z h_(t-1)``.

    Shapes
        x : T x N x D (time first), cont : T x N (0 where a sequence starts), static : N x S -> y : T x N x H; with
        ``bidirectional`` T x N x 2H. ``expose_hidden``: h0 : L x N x H is read and the last state, L x N x H, is the
        second top. ``lengths``: N counts; behind its length a sequence keeps its state and y is 0.
    Formula
        ``(xr, xz, xn) = weight_x x_t + weight_static static + bias``, ``(hr, hz, hn) = weight_h (cont_t h_(t-1))``;
        ``r = sigmoid(xr + hr)``, ``z = sigmoid(xz + hz)``, ``n = tanh(xn + r hn)``; ``reset_after: false``: r
        multiplies h before the product, ``n = tanh(xn + weight_h[n] (r cont_t h_(t-1)))``.
    Learned
        weight_x : 3H x D; weight_h : 3H x H; weight_static : 3H x S; bias : 3H; gates in the order r, z, n. Those of
        further layers and of the second direction end in ``_2``, ``_reverse``.
    Gradient
        Through all T steps; none goes to cont, lengths and to a state that ``carry`` took from the batch before.
    Source
        Cho et al. 2014 (``reset_after: false``); with it as cuDNN's.
    Example
        inputs: {x: {shape: [4, 5], batch: 1}}
        layers:
          - {name: gru, type: GRU, num_output: 6, bidirectional: true}
    """

    reset_after: bool = field(True, doc="r multiplies the state's product with its weights, not the state")
