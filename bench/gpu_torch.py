"""PyTorch's side of the comparison on a GPU: eager in either memory layout, as one CUDA graph, or compiled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from bench.cases import Case
from bench.gpu_cases import Product
from bench.torch_nets import NETS
from bench.torch_side import WithLoss, _optimiser, fill

WARM_UP = 3
"""Steps before a capture: what is allocated once must be there."""

REPEATS = 10


def set_math(math: str) -> None:
    """The precision of products; cuDNN may look for its fastest algorithm."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = math == "tf32"
    torch.set_float32_matmul_precision("high" if math == "tf32" else "highest")


def casting(math: str, device: str) -> AbstractContextManager[Any]:
    """Autocast for ``bf16``."""
    return torch.autocast(device, torch.bfloat16) if math == "bf16" else nullcontext()


class Training:
    """A training step as a PyTorch user writes it, its batch from page-locked memory.

    Parameters
    ----------
    variant
        ``nchw``, ``channels_last``, ``graph`` (channels last, the whole step one CUDA graph) or ``compiled``
        (channels last, ``torch.compile`` with its own graphs).
    """

    def __init__(self, case: Case, math: str, dropout: bool, variant: str, device: str = "cuda") -> None:
        self.versions = {"torch": torch.__version__}
        set_math(math)
        self._math, self._device = math, device
        net = NETS[case.name](dropout)
        fill(net)
        x, y = (torch.from_numpy(array) for array in case.data(case.batch))
        if variant != "nchw":
            net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
        self._net = net.to(device).train()
        self._host = [t.pin_memory() if device == "cuda" else t for t in (x, y)]
        self._batch = [t.to(device) for t in (x, y)]
        model: nn.Module = WithLoss(self._net)
        self._model = torch.compile(model, mode="max-autotune") if variant == "compiled" else model
        self._optimiser = _optimiser(case, self._net)
        self._loss = torch.zeros(())
        self._run: Callable[[], None] = self._once
        if variant == "graph":
            self._run = self._captured()

    def _once(self) -> None:
        self._optimiser.zero_grad(set_to_none=True)
        with casting(self._math, self._device):
            self._loss = self._model(*self._batch)
        self._loss.backward()
        self._optimiser.step()

    def _captured(self) -> Callable[[], None]:
        """The step as a graph; parameters and momentum are as before the steps that it took to warm up."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self._once()
        torch.cuda.current_stream().wait_stream(aside)
        self._optimiser.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._once()
        fill(self._net)
        for state in self._optimiser.state.values():
            state["momentum_buffer"].zero_()
        return graph.replay

    def step(self) -> float:
        """Copy of the batch, forward, backward, update; the loss before the update."""
        for there, here in zip(self._batch, self._host, strict=True):
            there.copy_(here, non_blocking=True)
        self._run()
        return float(self._loss.item())


class Products:
    """Convolutions by cuDNN one after another: ``load`` answers the shortest time of one in ms."""

    def __init__(self, math: str) -> None:
        self.versions = {"torch": torch.__version__, "cudnn": str(torch.backends.cudnn.version())}
        set_math(math)
        self._dtype = torch.bfloat16 if math == "bf16" else torch.float32

    def load(self, given: dict[str, Any]) -> float:
        """Times a product."""
        run = product(Product.from_json(given), "cuda", self._dtype)
        for _ in range(WARM_UP):
            run()
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        found = []
        for _ in range(REPEATS):
            start.record()
            run()
            end.record()
            torch.cuda.synchronize()
            found.append(start.elapsed_time(end))
        return float(min(found))


def product(given: Product, device: str, dtype: torch.dtype) -> Callable[[], Tensor]:
    """The product on random operands, channels last."""

    def operand(shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, device=device, dtype=dtype).contiguous(memory_format=torch.channels_last)

    geometry = (given.stride, given.pad, given.dilation)
    x, w = operand(given.x), operand(given.w)
    if given.kind == "conv":
        return lambda: torch.nn.functional.conv2d(x, w, None, *geometry, given.groups)
    dy, mask = operand(given.y), (given.kind == "conv_input_grad", given.kind == "conv_weight_grad", False)
    backward = torch.ops.aten.convolution_backward
    wanted = mask.index(True)
    return lambda: backward(dy, x, w, None, *geometry, False, (0, 0), given.groups, mask)[wanted]
