"""Rows of the layers that map each element alone, as in layer_cases."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from layer_cases import CASES, case
from layer_support import Array, Case, Draw

from netspec.layers.abs_val import AbsVal
from netspec.layers.clip import Clip
from netspec.layers.cos import Cos
from netspec.layers.exp import Exp
from netspec.layers.gelu import GELU
from netspec.layers.hard_sigmoid import HardSigmoid
from netspec.layers.hard_swish import HardSwish
from netspec.layers.leaky_relu import LeakyReLU
from netspec.layers.log import Log
from netspec.layers.maxout import Maxout
from netspec.layers.mish import Mish
from netspec.layers.power import Power
from netspec.layers.relu6 import ReLU6
from netspec.layers.selu import SELU
from netspec.layers.sign import Sign
from netspec.layers.sin import Sin
from netspec.layers.softplus import Softplus
from netspec.layers.softsign import Softsign
from netspec.layers.swish import Swish
from netspec.layers.threshold import Threshold
from netspec.spec.layer import Layer


def neuron(cls: type[Layer], formula: Callable[..., Array], spread: float = 3.1, **fields: tuple[Any, ...]) -> None:
    """Add the row of a layer whose formula is that of each element; ``fields`` are what each may be."""

    def row(d: Draw) -> Case:
        chosen = {name: d.choice(*options) for name, options in fields.items()}
        x = d.values(*d.map_shape()[: d.int(1, 4)]) * spread
        return Case(cls(**chosen), [x], lambda p, x: formula(x, **chosen))

    row.classes = (cls,)
    CASES[cls.type_name.lower()] = row


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


erf = np.vectorize(math.erf, otypes=[float])


def gelu(x: Array, approximate: str) -> Array:
    if approximate == "none":
        return x * (1 + erf(x / np.sqrt(2))) / 2
    return x * sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))


def power(x: Array, power: float, scale: float, shift: float) -> Array:
    base = shift + scale * x
    return np.array([v**power if power == int(power) or v > 0 else math.nan for v in base.flat]).reshape(x.shape)


neuron(LeakyReLU, lambda x, negative_slope: np.where(x > 0, x, negative_slope * x), negative_slope=(0.01, 0.3))
neuron(ReLU6, lambda x: np.clip(x, 0, 6), spread=7.3)
neuron(Swish, lambda x, beta: x * sigmoid(beta * x), beta=(1.0, -0.5, 2.0))
neuron(GELU, gelu, approximate=("none", "tanh"))
neuron(Softplus, lambda x, beta: np.logaddexp(0, beta * x) / beta, beta=(1.0, 0.5, 3.0))
neuron(Mish, lambda x: x * np.tanh(np.logaddexp(0, x)))
# a base that is nowhere 0 unless the exponent is a whole number
neuron(Power, power, spread=0.9, power=(0.0, 1.0, 2.0, 3.0), scale=(1.0, -0.5, 0.0), shift=(0.0, 0.25))
neuron(Exp, lambda x, base, scale, shift: (math.e if base == -1 else base) ** (shift + scale * x),
       base=(-1.0, 2.0, 0.5), scale=(1.0, -0.7), shift=(0.0, 0.5))  # fmt: skip
neuron(Log, lambda x, base, scale, shift: np.log(shift + scale * x) / (1 if base == -1 else np.log(base)),
       spread=0.9, base=(-1.0, 2.0, 0.5), scale=(1.0, -0.7), shift=(1.0, 1.5))  # fmt: skip
neuron(AbsVal, np.abs)
neuron(Clip, lambda x, min, max: np.minimum(np.maximum(x, min), max), min=(-0.37, 0.11), max=(0.61, 0.11))
neuron(HardSigmoid, lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1), spread=4.3, alpha=(0.2, 0.37), beta=(0.5,))
neuron(HardSwish, lambda x: x * np.clip((x + 3) / 6, 0, 1), spread=4.3)
neuron(SELU, lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)))
neuron(Softsign, lambda x: x / (1 + np.abs(x)))
neuron(Sign, np.sign)
neuron(Sin, np.sin)
neuron(Cos, np.cos)
neuron(Threshold, lambda x, threshold: np.where(x > threshold, 1.0, 0.0), threshold=(0.0, 0.377))


@case
def root(d: Draw) -> Case:
    exponent = d.choice(0.5, -0.75, -2.0, 1.5)
    x = d.values(*d.map_shape()) * 0.9
    return Case(Power(power=exponent, shift=1.0), [x], lambda p, x: (1 + x) ** exponent)


@case
def maxout(d: Draw) -> Case:
    pieces, axis = d.int(1, 3), d.int(0, 3)
    shape = list(d.map_shape())
    shape[axis] *= pieces

    def expected(p: dict[str, Array], x: Array) -> Array:
        return np.max(np.split(x, pieces, axis), 0)

    return Case(Maxout(pieces=pieces, axis=d.choice(axis, axis - 4)), [d.values(*shape)], expected)
