"""GRUCell."""

from __future__ import annotations

from netspec.layers.one_step import OneStep
from netspec.layers.steps import GruStep
from netspec.spec.layer import field, layer


@layer
class GRUCell(GruStep, OneStep):
    """One step of a GRU, ``h' = (1 - z) n + z h``.

    Shapes
        x : N x D (or N x .., flattened), h : N x H -> h' : N x H.
    Formula
        ``(xr, xz, xn) = weight_x x + bias``, ``(hr, hz, hn) = weight_h h``; ``r = sigmoid(xr + hr)``,
        ``z = sigmoid(xz + hz)``, ``n = tanh(xn + r hn)``; ``reset_after: false``: ``n = tanh(xn + weight_h[n] (r h))``.
    Learned
        weight_x : 3H x D; weight_h : 3H x H; bias : 3H; gates in the order r, z, n.
    Gradient
        To x, h and the parameters.
    Source
        Cho et al. 2014 (``reset_after: false``); with it as cuDNN's.
    Example
        inputs: {x: [5], h: [6]}
        layers:
          - {name: cell, type: GRUCell, bottom: [x, h], num_output: 6}
    """

    reset_after: bool = field(True, doc="r multiplies the state's product with its weights, not the state")
