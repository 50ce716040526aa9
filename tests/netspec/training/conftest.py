"""A net without a compiler: enough of one for the loop, the tests and the snapshots."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from netspec.graph import Input
from runtime.data.open import open_stream
from runtime.data.recipe import DigitsFiles, Recipe, Transform
from runtime.errors import NumericError


class FakeNet:
    """Its one weight becomes a hash of everything it was fed, so that a wrong batch shows in the bits."""

    def __init__(self, test: bool = False, bad_at: int | None = None, parent: FakeNet | None = None) -> None:
        self.parent, self.bad_at = parent, bad_at
        self.resolved, self.blobs = SimpleNamespace(nodes=(), inputs={"data": Input((50, 1, 8, 8))}), {}
        self.iteration, self.seed, self.batch_size, self.loss = 0, 3, 50, float("nan")
        self.weight = parent.weight if parent else np.zeros(4)
        self.during_step = lambda: None
        transform = Transform(pad=1, crop=8, mirror=True, random=not test)
        recipe = Recipe(
            name="digits", files=DigitsFiles(test=test), tops=("data", "label"), batch_size=50, transform=transform,
            shuffle=not test, classes=10,
        )  # fmt: skip
        self._stream = open_stream(recipe, seed=3, dtype="float64")
        self.states = {"ip.weight": SimpleNamespace(role="param", view=SimpleNamespace(shape=(4,)))}

    def stream(self):
        return self._stream

    def step(self):
        batch = self._stream.next()
        self.during_step()
        if self.iteration == self.bad_at:
            raise NumericError(f"iteration {self.iteration}: the loss is nan: the first bad layer is ip")
        fed = np.array([batch["data"].sum(), batch["data"].std(), batch["label"].sum(), 1.0])
        self.weight[:] = np.sin(self.weight * 1.7 + fed)
        self.iteration += 1
        self.loss = 1.0 / self.iteration
        return {"loss": np.float32(self.loss), "prob": np.zeros((50, 10))}

    def forward(self, **batch):
        return {"accuracy": np.float32(batch["label"].mean()), "prob": np.zeros((len(batch["label"]), 10))}

    def export_state(self):
        return {"ip.weight": self.weight.copy()}

    def import_state(self, arrays):
        self.weight[:] = arrays.get("ip.weight", self.weight)


@pytest.fixture
def fake_net():
    return FakeNet
