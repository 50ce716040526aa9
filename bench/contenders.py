"""The two sides of the comparison, each a training step over one fixed batch."""

from __future__ import annotations

from typing import Protocol

from bench.cases import MOMENTUM, WEIGHT_DECAY, Case, initial


class Contender(Protocol):
    """A net that can make training steps."""

    versions: dict[str, str]

    def step(self) -> float:
        """Forward, backward, update; the loss before the update."""


class Netspec:
    """netspec on the CPU."""

    def __init__(self, case: Case, threads: int, dropout: bool) -> None:
        import netspec  # each contender lives in a process of its own and must not load the other's library

        self.versions = {"netspec": netspec.__version__}
        self._net = netspec.compile(
            f"specs/{case.name}.yaml",
            phase="train",
            batch_size=case.batch,
            threads=threads,
            overrides=case.spec_overrides(dropout),
        )
        for index, name in enumerate(self._net.params):
            self._net.params[name] = initial(index, name, self._net.params[name].shape)
        self._x, self._y = case.data()

    def step(self) -> float:
        """One step on the fast path."""
        return float(self._net.step(data=self._x, label=self._y)["loss"])


class Torch:
    """PyTorch, eager or compiled, in either memory layout."""

    def __init__(self, case: Case, threads: int, dropout: bool, layout: str) -> None:
        import torch  # as above

        from bench.torch_nets import NETS

        self.versions = {"torch": torch.__version__}
        torch.set_num_threads(threads)
        net = NETS[case.name](dropout)
        self._loss = torch.nn.CrossEntropyLoss()
        with torch.no_grad():
            for index, (name, param) in enumerate(net.named_parameters()):
                param.copy_(torch.from_numpy(initial(index, name, tuple(param.shape))))
        x, y = case.data()
        self._x, self._y = torch.from_numpy(x), torch.from_numpy(y)
        if layout == "channels_last":
            net = net.to(memory_format=torch.channels_last)
            self._x = self._x.to(memory_format=torch.channels_last)
        self._net = net.train()
        biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
        others = [p for name, p in net.named_parameters() if not name.endswith("bias")]
        rate, decay = case.base_lr * case.bias_lr_mult, WEIGHT_DECAY * case.bias_decay_mult
        groups = [{"params": others}, {"params": biases, "lr": rate, "weight_decay": decay}]
        self._optimiser = torch.optim.SGD(
            groups, lr=case.base_lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY, fused=True
        )
        if layout == "compiled":
            self._net = torch.compile(self._net)

    def step(self) -> float:
        """One step."""
        self._optimiser.zero_grad(set_to_none=True)
        loss = self._loss(self._net(self._x), self._y)
        loss.backward()
        self._optimiser.step()
        return float(loss.item())


CONTENDERS = ("netspec", "torch-nchw", "torch-channels_last", "torch-compiled")
DEFAULT_CONTENDERS = CONTENDERS[:3]


def make(name: str, case: Case, threads: int, dropout: bool) -> Contender:
    """The contender of that name."""
    if name == "netspec":
        return Netspec(case, threads, dropout)
    return Torch(case, threads, dropout, name.removeprefix("torch-"))
