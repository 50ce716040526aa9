"""PyTorch's side of the comparison: eager in either memory layout, or compiled."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from bench.cases import MOMENTUM, WEIGHT_DECAY, Case, initial, running
from bench.torch_nets import NETS, in_order

DTYPES = {"f32": torch.float32, "f64": torch.float64}


class WithLoss(nn.Module):
    """A net and its loss as one module, so that a compiler sees both."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.loss = nn.CrossEntropyLoss()

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The batch's mean loss."""
        return self.loss(self.net(x), y.flatten())


class Training:
    """A training step as a PyTorch user writes it."""

    def __init__(self, case: Case, threads: int, dtype: str, dropout: bool, variant: str, pairing: bool = True) -> None:
        self.versions = {"torch": torch.__version__}
        torch.set_num_threads(threads)
        net = NETS[case.name](dropout).to(DTYPES[dtype])
        if pairing:
            fill(net)
        x, y = case.data(case.batch)
        self._x, self._y = torch.from_numpy(x), torch.from_numpy(y)
        if self._x.is_floating_point():
            self._x = self._x.to(DTYPES[dtype])
        if "channels_last" in variant and self._x.dim() == 4:
            net = net.to(memory_format=torch.channels_last)
            self._x = self._x.to(memory_format=torch.channels_last)
        model: nn.Module = WithLoss(net).train()
        self._optimiser = _optimiser(case, net)
        self._model = torch.compile(model) if "compiled" in variant else model

    def step(self) -> float:
        """Forward, backward, update; the loss before the update."""
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._model(self._x, self._y)
        loss.backward()
        self._optimiser.step()
        return float(loss.item())


class Inference:
    """A forward pass in evaluation mode."""

    def __init__(self, case: Case, threads: int, batch: int, variant: str) -> None:
        self.versions = {"torch": torch.__version__}
        torch.set_num_threads(threads)
        net = paired(case)
        self._x = torch.from_numpy(case.data(batch)[0])
        if "channels_last" in variant and self._x.dim() == 4:
            net = net.to(memory_format=torch.channels_last)
            self._x = self._x.to(memory_format=torch.channels_last)
        self._net = torch.compile(net) if "compiled" in variant else net
        self._scores = torch.empty(0)

    def step(self) -> None:
        """One batch."""
        with torch.inference_mode():
            self._scores = self._net(self._x)

    def result(self) -> list[float]:
        """The scores of the last batch."""
        return [float(score) for score in self._scores.flatten()]


def paired(case: Case) -> nn.Module:
    """The trained net, as far as both sides agree on what was learned, in evaluation mode."""
    net = NETS[case.name](True)
    fill(net)
    return net.eval()


def fill(net: nn.Module) -> None:
    """Gives parameters and running statistics the values that both sides start from."""
    with torch.no_grad():
        for index, (name, param) in enumerate(net.named_parameters()):
            gates = "_l0" in name  # of an LSTM
            first = torch.from_numpy(initial(index, "bias" if gates else name, tuple(param.shape)))
            param.copy_(in_order(first) if gates else first)
        norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
        for index, norm in enumerate(norms):
            mean, variance = running(index, norm.num_features)
            norm.running_mean.copy_(torch.from_numpy(mean))
            norm.running_var.copy_(torch.from_numpy(variance))


def export(case: Case, batch: int, path: Path) -> None:
    """Writes the paired net as ONNX for a fixed batch."""
    x = torch.from_numpy(case.data(batch)[0])
    torch.onnx.export(paired(case), (x,), str(path), input_names=["data"], external_data=False, verbose=False)


def _optimiser(case: Case, net: nn.Module) -> torch.optim.Optimizer:
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    others = [p for name, p in net.named_parameters() if not name.endswith("bias")]
    rate, decay = case.base_lr * case.bias_lr_mult, WEIGHT_DECAY * case.bias_decay_mult
    groups = [{"params": others}, {"params": biases, "lr": rate, "weight_decay": decay}]
    return torch.optim.SGD(groups, lr=case.base_lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, fused=True)
