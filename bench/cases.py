"""What is measured: a net of ``specs/``, its input, and how both sides start from the same numbers."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MOMENTUM = 0.9
WEIGHT_DECAY = 0.0005


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Parameters
    ----------
    name
        A net of ``specs/`` and of ``bench.torch_nets``.
    shape
        C, H, W of the input.
    batch
        Items a step.
    classes
        Range of the labels.
    overrides
        Of the spec, besides those of the solver.
    dropouts
        Names of the dropout layers; their ratio is 0 where losses are compared.
    bias_lr_mult, bias_decay_mult
        Multipliers that the spec gives to biases.
    base_lr
        Small enough that the loss falls smoothly: where it jumps about, rounding
        grows by the step and losses could not be compared.
    goal
        How many times as fast as PyTorch's best a training step is to be.
    """

    name: str
    shape: tuple[int, ...]
    batch: int
    goal: float = 2.0
    classes: int = 10
    overrides: dict[str, object] = field(default_factory=dict)
    dropouts: tuple[str, ...] = ()
    bias_lr_mult: float = 1.0
    bias_decay_mult: float = 1.0
    base_lr: float = 0.001

    def spec_overrides(self, dropout: bool) -> dict[str, object]:
        """Overrides that give the spec the benchmark's solver."""
        found = {
            **self.overrides,
            "solver.lr_policy": "fixed",
            "solver.base_lr": self.base_lr,
            "solver.momentum": MOMENTUM,
            "solver.weight_decay": WEIGHT_DECAY,
        }
        if not dropout:
            found |= {f"layers.{name}.dropout_ratio": 0.0 for name in self.dropouts}
        return found

    def data(self, batch: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The one batch that every step takes: normal pixels, labels."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        x = rng.standard_normal((batch, *self.shape), dtype=np.float32)
        return x, rng.integers(0, self.classes, batch)

    @property
    def batch_axis(self) -> int:
        """Where the batch is among the axes of the input."""
        return 0

    def feeds(self, x: NDArray[Any], y: NDArray[Any], dtype: str) -> dict[str, NDArray[Any]]:
        """The spec's inputs for a batch."""
        return {"data": x.astype(dtype), "label": y}


@dataclass(frozen=True)
class TextCase(Case):
    """A row whose input are words, time first: ``shape`` is the steps, (T,), and ``data`` gives T x N numbers."""

    shape: tuple[int, ...]

    @property
    def batch_axis(self) -> int:
        """Behind time."""
        return 1

    def data(self, batch: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The one batch that every step takes: words, and those that follow."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        x, y = rng.integers(0, self.classes, (2, *self.shape, batch))
        return x, y

    def spec_overrides(self, dropout: bool) -> dict[str, object]:
        """Overrides that give the spec the benchmark's solver, without clipping."""
        return super().spec_overrides(dropout) | {"solver.type": "SGD", "solver.clip_gradients": -1}

    def feeds(self, x: NDArray[Any], y: NDArray[Any], dtype: str) -> dict[str, NDArray[Any]]:
        """Words, next words, and marks that say that every sequence goes on."""
        return {"data": x, "label": y, "cont": np.ones(x.shape, dtype)}


CASES = {
    case.name: case
    for case in (
        Case("mlp", (1, 28, 28), 64),
        Case("lenet", (1, 28, 28), 64),
        Case("cifar10_quick", (3, 32, 32), 100, goal=2.5, bias_lr_mult=2.0),
        Case("resnet20", (3, 32, 32), 128),
        Case(
            "alexnet",
            (3, 227, 227),
            16,
            classes=1000,
            dropouts=("drop6", "drop7"),
            bias_lr_mult=2.0,
            bias_decay_mult=0.0,
            base_lr=0.00001,
        ),
        Case("resnet18", (3, 224, 224), 8, classes=1000),
        Case(
            "googlenet",
            (3, 224, 224),
            8,
            classes=1000,
            overrides={"vars.heads": False},
            dropouts=("drop",),
            base_lr=0.0001,
        ),
        Case("vgg16", (3, 224, 224), 4, goal=2.5, classes=1000, dropouts=("drop6", "drop7"), base_lr=0.00001),
        Case("mobilenet", (3, 224, 224), 8, goal=1.8, classes=1000, base_lr=0.0001),
        TextCase(
            "char_lstm",
            (50,),
            32,
            classes=65,
            overrides={"vars.hidden": 256},
        ),
    )
}


def initial(index: int, name: str, shape: tuple[int, ...]) -> Array:
    """The first value of parameter number ``index``: the same on both sides.

    He's normal distribution for weights; one and zero with a little noise for
    scales and biases, so that a pair that is mixed up shows in the loss.
    """
    rng = np.random.default_rng(1000 + index)
    noise = rng.standard_normal(shape, dtype=np.float32)
    if len(shape) >= 2:
        fan_in = int(np.prod(shape[1:]))
        return noise * np.float32((2.0 / fan_in) ** 0.5)
    offset = 0.0 if name.endswith("bias") else 1.0
    return np.float32(offset) + np.float32(0.01) * noise


def running(index: int, channels: int) -> tuple[Array, Array]:
    """Mean and variance that batch normalisation number ``index`` has learned: the same on both sides."""
    rng = np.random.default_rng(2000 + index)
    mean = np.float32(0.1) * rng.standard_normal(channels, dtype=np.float32)
    return mean, np.float32(0.5) + rng.random(channels, dtype=np.float32)
