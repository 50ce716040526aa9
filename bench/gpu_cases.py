"""What is measured on a GPU: nets at the batch sizes of the goals, and the convolutions that they are made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.cases import CASES as ON_CPU
from bench.cases import Case
from compiler.costs import Case as Convolution
from runtime import ops

MATHS = ("fast", "tf32", "bf16")

RESNET50 = Case("resnet50", (3, 224, 224), 64, classes=1000, base_lr=0.0001)

CASES = {
    **{name: replace(ON_CPU[name], batch=128) for name in ("lenet", "cifar10_quick", "resnet20")},
    "resnet50": RESNET50,
    **{name: replace(ON_CPU[name], batch=64) for name in ("vgg16", "googlenet")},
}

EAGER_GOAL = {"lenet": 1.5, "cifar10_quick": 1.5, "resnet20": 1.5}
"""Ratio to PyTorch's eager step, of the nets that launching holds back."""

BEST_GOAL = {
    "fast": {"lenet": 1.0, "cifar10_quick": 1.0, "resnet20": 1.0, "resnet50": 0.9, "vgg16": 0.9, "googlenet": 0.9},
    "tf32": {"resnet50": 0.7, "vgg16": 0.7, "googlenet": 0.7},
    "bf16": {},
}
"""Ratio to PyTorch's best step."""

BANDWIDTH_GOAL = 0.85
"""Of what a copy reaches, for maps."""

LOSS_TOLERANCE = {"fast": 1e-3, "tf32": 2e-2, "bf16": 1e-1}
"""Relative, over five steps: both sides round factors alike but sum in other orders, and updates amplify that."""


@dataclass(frozen=True)
class Product:
    """A convolution or a gradient of one, as JSON can say it."""

    kind: str
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    x: tuple[int, ...]
    w: tuple[int, ...]
    y: tuple[int, ...]

    @classmethod
    def of(cls, case: Convolution) -> Product:
        """What the compiler says of a step."""
        op = case.op
        return cls(op.kind, op.stride, op.pad, op.dilation, op.groups, case.x, case.w, case.y)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Product:
        """From ``to_json``."""
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()})

    def to_json(self) -> dict[str, Any]:
        """Names and numbers."""
        return asdict(self)

    @property
    def case(self) -> Convolution:
        """For the compiler and netspec's trials."""
        geometry = (self.stride, self.pad, self.dilation)
        op: Any = ops.Conv(*geometry, self.groups)
        if self.kind == "conv_input_grad":
            op = ops.ConvInputGrad(*geometry, size=(self.x[2], self.x[3]), groups=self.groups)
        elif self.kind == "conv_weight_grad":
            op = ops.ConvWeightGrad(*geometry, kernel=(self.w[2], self.w[3]), groups=self.groups)
        return Convolution(op, self.x, self.w, self.y)

    @property
    def label(self) -> str:
        """For a table."""
        n, c, h, w = self.x
        k, _, r, s = self.w
        more = "".join(
            f" {name} {value[0]}" for name, value in (("/", self.stride), ("d", self.dilation)) if value[0] > 1
        )
        return f"{n} x {c} x {h} x {w}, {k} of {r} x {s}{more}" + (f", {self.groups} groups" if self.groups > 1 else "")
