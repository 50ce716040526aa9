"""The nets of the benchmark as a PyTorch user would write them.

Modules stand in the order of the spec's layers: parameters are paired by
position, and their shapes are compared.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def mlp(dropout: bool) -> nn.Module:
    """784-512-256-10 with ReLU."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), _relu(), nn.Linear(512, 256), _relu(), nn.Linear(256, 10))


def lenet(dropout: bool) -> nn.Module:
    """Caffe's LeNet."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        _relu(),
        nn.Linear(500, 10),
    )


def cifar10_quick(dropout: bool) -> nn.Module:
    """Caffe's cifar10_quick; pooling rounds up."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 5, padding=2),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        _relu(),
        nn.Conv2d(32, 32, 5, padding=2),
        _relu(),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(32, 64, 5, padding=2),
        _relu(),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        nn.Flatten(),
        nn.Linear(1024, 64),
        nn.Linear(64, 10),
    )


def alexnet(dropout: bool) -> nn.Module:
    """Caffe's bvlc_alexnet: groups, LRN, dropout."""
    ratio = 0.5 if dropout else 0.0
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4),
        _relu(),
        nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        _relu(),
        nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        _relu(),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        _relu(),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        _relu(),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(9216, 4096),
        _relu(),
        nn.Dropout(ratio),
        nn.Linear(4096, 4096),
        _relu(),
        nn.Dropout(ratio),
        nn.Linear(4096, 1000),
    )


def vgg16(dropout: bool) -> nn.Module:
    """Configuration D."""
    layers: list[nn.Module] = []
    channels = 3
    for width, repeat in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeat):
            layers += [nn.Conv2d(channels, width, 3, padding=1), _relu()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    ratio = 0.5 if dropout else 0.0
    head = [nn.Flatten(), nn.Linear(25088, 4096), _relu(), nn.Dropout(ratio)]
    head += [nn.Linear(4096, 4096), _relu(), nn.Dropout(ratio), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, *head)


class Unit(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.skip: nn.Module = nn.Identity()
        if stride > 1:
            self.skip = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """Relu(unit(x) + shortcut(x))."""
        y = torch.relu_(self.bn1(self.conv1(x)))
        return torch.relu_(self.bn2(self.conv2(y)) + self.skip(x))


def resnet20(dropout: bool) -> nn.Module:
    """ResNet-20 for 32 x 32 pictures, projection shortcuts."""
    first = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), _relu()]
    units = _stages(16, ((16, 1), (32, 2), (64, 2)), repeat=3)
    return nn.Sequential(*first, *units, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def resnet18(dropout: bool) -> nn.Module:
    """ResNet-18 for 224 x 224 pictures."""
    first = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), _relu(), nn.MaxPool2d(3, 2, 1)]
    units = _stages(64, ((64, 1), (128, 2), (256, 2), (512, 2)), repeat=2)
    return nn.Sequential(*first, *units, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 around which the input goes; the first convolution strides, as published."""

    def __init__(self, channels: int, width: int, stride: int, project: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_normed(channels, width, 1, stride),
            _relu(),
            *_normed(width, width, 3),
            _relu(),
            *_normed(width, 4 * width, 1),
        )
        self.skip = nn.Sequential(*_normed(channels, 4 * width, 1, stride)) if project else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Their sum, rectified."""
        return torch.relu(self.body(x) + self.skip(x))


def _normed(channels: int, n: int, k: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(channels, n, k, stride, k // 2, bias=False), nn.BatchNorm2d(n)]


def resnet50(dropout: bool) -> nn.Module:
    """He et al. 2016 with bottlenecks; the first pooling rounds up, as Caffe's."""
    layers: list[nn.Module] = [*_normed(3, 64, 7, 2), _relu(), nn.MaxPool2d(3, 2, ceil_mode=True)]
    channels = 64
    for width, stride, units in ((64, 1, 3), (128, 2, 4), (256, 2, 6), (512, 2, 3)):
        for k in range(units):
            layers.append(Bottleneck(channels, width, stride if k == 0 else 1, project=k == 0))
            channels = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def _stages(channels: int, stages: tuple[tuple[int, int], ...], repeat: int) -> list[nn.Module]:
    units: list[nn.Module] = []
    for width, stride in stages:
        for turn in range(repeat):
            units.append(Unit(channels, width, stride if turn == 0 else 1))
            channels = width
    return units


def mobilenet(dropout: bool) -> nn.Module:
    """MobileNet v1, width 1."""
    layers = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), _relu()]
    widths = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    channels = 32
    for width, stride in widths:
        layers += [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)]
        layers += [nn.BatchNorm2d(channels), _relu()]
        layers += [nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), _relu()]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


class CharLstm(nn.Module):
    """Characters to characters; the state goes from batch to batch."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(65, 64)
        self.lstm = nn.LSTM(64, 256)
        # of the two biases of nn.LSTM, which are added, one is enough
        zeros = torch.zeros_like(self.lstm.bias_hh_l0)
        del self.lstm.bias_hh_l0
        self.lstm.register_buffer("bias_hh_l0", zeros)
        self.lstm._init_flat_weights()  # it keeps a list of its weights
        self.score = nn.Linear(256, 65)
        self._state: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Scores (T N) x 65 of words T x N."""
        y, state = self.lstm(self.embed(x), self._state)
        self._state = (state[0].detach(), state[1].detach())
        return self.score(y.flatten(0, 1))


def in_order(gates: Tensor) -> Tensor:
    """Weights or biases of an LSTM's gates i, f, o, g in PyTorch's order i, f, g, o."""
    i, f, o, g = gates.chunk(4)
    return torch.cat([i, f, g, o])


def char_lstm(dropout: bool) -> nn.Module:
    """One LSTM of 256."""
    return CharLstm()


class Inception(nn.Module):
    """Four branches beside each other."""

    def __init__(self, channels: int, n1: int, r3: int, n3: int, r5: int, n5: int, p: int) -> None:
        super().__init__()
        self.b1 = _conv(channels, n1, 1)
        self.b3 = nn.Sequential(_conv(channels, r3, 1), _conv(r3, n3, 3))
        self.b5 = nn.Sequential(_conv(channels, r5, 1), _conv(r5, n5, 5))
        self.bp = nn.Sequential(nn.MaxPool2d(3, 1, 1), _conv(channels, p, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The branches' channels one after another."""
        return torch.cat([self.b1(x), self.b3(x), self.b5(x), self.bp(x)], 1)


def googlenet(dropout: bool) -> nn.Module:
    """GoogLeNet without its auxiliary heads."""
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    norm = nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)
    return nn.Sequential(
        *(_conv(3, 64, 7, 2), pool, norm, _conv(64, 64, 1), _conv(64, 192, 3), norm, pool),
        Inception(192, 64, 96, 128, 16, 32, 32),
        Inception(256, 128, 128, 192, 32, 96, 64),
        pool,
        Inception(480, 192, 96, 208, 16, 48, 64),
        Inception(512, 160, 112, 224, 24, 64, 64),
        Inception(512, 128, 128, 256, 24, 64, 64),
        Inception(512, 112, 144, 288, 32, 64, 64),
        Inception(528, 256, 160, 320, 32, 128, 128),
        pool,
        Inception(832, 256, 160, 320, 32, 128, 128),
        Inception(832, 384, 192, 384, 48, 128, 128),
        nn.AvgPool2d(7),
        nn.Flatten(),
        nn.Dropout(0.4 if dropout else 0.0),
        nn.Linear(1024, 1000),
    )


def _conv(channels: int, n: int, k: int, stride: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, n, k, stride, k // 2), _relu())


def _relu() -> nn.Module:
    return nn.ReLU(inplace=True)


NETS: dict[str, Callable[[bool], nn.Module]] = {
    net.__name__: net
    for net in (
        mlp,
        lenet,
        cifar10_quick,
        resnet20,
        alexnet,
        resnet18,
        resnet50,
        googlenet,
        vgg16,
        mobilenet,
        char_lstm,
    )
}
"""Makers by name; the argument turns dropout on."""
