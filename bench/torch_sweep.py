"""PyTorch's side of the shape sweep."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bench.sweep_cases import ConvCase
from bench.sweep_data import operands, sample


class Sweep:
    """Takes one case after another, in one memory layout."""

    def __init__(self, threads: int, variant: str) -> None:
        self.versions = {"torch": torch.__version__}
        torch.set_num_threads(threads)
        self._format = torch.channels_last if variant == "channels_last" else torch.contiguous_format
        self._results: tuple[Tensor, ...] = ()

    def load(self, given: dict[str, Any]) -> None:
        """Makes the operands of the case."""
        self._results = ()
        self._case = ConvCase(**given)
        self._x, self._w, self._dy = (
            torch.from_numpy(array).contiguous(memory_format=self._format) for array in operands(self._case)
        )
        self._x.requires_grad_()
        self._w.requires_grad_()

    def step(self) -> None:
        """Forward and both gradients."""
        case = self._case
        y = torch.nn.functional.conv2d(self._x, self._w, None, case.stride, case.pad, case.dilation, case.groups)
        self._results = (y.detach(), *torch.autograd.grad(y, (self._x, self._w), self._dy))

    def result(self) -> list[list[float]]:
        """A sample of y, dx and dw."""
        return sample(self._case, [r.contiguous().numpy() for r in self._results])
