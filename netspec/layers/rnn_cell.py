"""RNNCell."""

from __future__ import annotations

from netspec.layers.one_step import OneStep
from netspec.layers.steps import RnnStep
from netspec.spec.layer import layer


@layer
class RNNCell(RnnStep, OneStep):
    """One step of an RNN, ``h' = tanh(Wx x + Wh h + bias)``.

    Shapes
        x : N x D (or N x .., flattened), h : N x H -> h' : N x H.
    Formula
        ``h' = tanh(weight_x x + weight_h h + bias)``.
    Learned
        weight_x : H x D; weight_h : H x H; bias : H.
    Gradient
        ``d = dh' (1 - h'^2)``; ``dx = d weight_x``, ``dh = d weight_h``.
    Source
        Elman 1990.
    Example
        inputs: {x: [5], h: [6]}
        layers:
          - {name: cell, type: RNNCell, bottom: [x, h], num_output: 6}
    """
