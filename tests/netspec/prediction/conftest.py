"""Small nets with weights, made without training; the reference runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.compiling import compile_spec
from netspec.spec.load import load_spec
from netspec.training.opening import Run
from netspec.training.weights import load_weights

CLASSIFIER = """\
name: small
data: {source: digits, scale: 0.0625, mean: 8, train: {batch_size: 40}, test: {batch_size: 4}}
layers:
  - {name: conv, type: Convolution, num_output: 3, kernel_size: 3}
  - {name: relu, type: ReLU}
  - {name: ip, type: InnerProduct, num_output: 10}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, label]}
  - {name: accuracy, type: Accuracy, bottom: [ip, label], include: test}
"""


class Made:
    """A spec in a folder, with a file of random weights."""

    def __init__(self, folder: Path, text: str, seed: int = 3) -> None:
        self.path = folder / "net.yaml"
        self.path.write_text(text)
        self.spec = load_spec(self.path)
        self.weights = folder / "weights.safetensors"
        net = compile_spec(self.spec, "test", 1, "reference", seed=seed)
        net.save(self.weights)
        net.close()

    def run(self, **more) -> Run:
        return Run(**{"weights": str(self.weights), "device": "reference", "quiet": True, **more})

    def overwrite(self, name: str, value: float) -> None:
        """Set all of a parameter in the file of weights."""
        net = compile_spec(self.spec, "test", 1, "reference")
        load_weights(net, self.weights)
        net.params[name] = np.full(net.params[name].shape, value)
        net.save(self.weights)
        net.close()

    def forward(self, batch=1, keep=(), overrides=None, **inputs):
        """The blobs of one batch, as Python gives them."""
        spec = load_spec(self.path, overrides or {})
        net = compile_spec(spec, "test", batch, "reference", keep=keep)
        load_weights(net, self.weights)
        made = dict(net.forward(**inputs))
        made.update((name, net.blobs[name]) for name in keep)
        net.close()
        return made


@pytest.fixture
def make(tmp_path):
    return lambda text, **more: Made(tmp_path, text, **more)


@pytest.fixture
def classifier(make):
    return make(CLASSIFIER)
