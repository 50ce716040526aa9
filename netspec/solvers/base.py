"""The base of every solver: the fields common to all, weight decay and the rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netspec import policies
from netspec.spec.fields import Entry, Problem, field
from netspec.spec.registry import POLICIES, SOLVERS

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value

_IGNORED = {
    "snapshot_prefix": "`--output` names the folder of a run",
    "snapshot_format": "snapshots are safetensors",
    "snapshot_diff": "snapshots hold no gradients",
    "snapshot_after_train": "a snapshot is always written at the end",
    "test_compute_loss": "a test always computes the losses",
    "layer_wise_reduce": "there is nothing to choose",
    "solver_mode": "`--device` chooses where to run",
    "device_id": "`--device cuda:1` chooses where to run",
    "debug_info": "`netspec inspect` and `netspec plan` tell what a net does",
}
"""Fields of Caffe that are read and have no effect, with what does it here."""

_POLICY_FIELDS = ("gamma", "power", "stepsize", "stepvalue", "patience")
_USUAL_ITERATIONS = 10_000


@dataclass(frozen=True)
class Learned:
    """What an update rule is told of the parameter it updates.

    Attributes
    ----------
    name
        Its full name; solver states are called ``<name>.<what>``.
    rate
        The learning rate of this update with the parameter's lr_mult, shape ().
    decay
        Factor of the penalty: weight_decay with the parameter's decay_mult.
    """

    name: str
    rate: Value
    decay: float


class Solver(Entry):
    """How a net is trained: rates, decay, tests and snapshots; subclasses bring the update rule."""

    registry = SOLVERS
    default_type = "SGD"

    base_lr: float = field(minimum=0, doc="learning rate that the policy starts from")
    lr_policy: str = field("fixed", choices=tuple(POLICIES.names()), doc="how the rate changes with the iteration")
    gamma: float | None = field(None, doc="factor or slope of the policies step, exp, inv, multistep, sigmoid, plateau")
    power: float | None = field(None, doc="exponent of the policies inv and poly")
    stepsize: int | None = field(
        None, minimum=1, doc="interval of step, middle of sigmoid, rise of one_cycle", unit="iterations"
    )
    stepvalue: tuple[int, ...] = field((), minimum=1, doc="where multistep drops the rate", unit="iterations")
    patience: int | None = field(
        None, minimum=1, doc="plateau: so long without a lower loss drops the rate", unit="iterations"
    )
    warmup: int = field(
        0, minimum=0, alias="rampup_interval", doc="the rate first rises in a line for so long", unit="iterations"
    )
    warmup_lr: float = field(0.0, minimum=0, alias="rampup_lr", doc="learning rate that the rise starts from")
    min_lr: float = field(0.0, minimum=0, doc="the rate never falls below this; the policies that fall to 0 end here")
    max_iter: int = field(0, minimum=0, doc="updates in all", unit="iterations")
    iter_size: int = field(1, minimum=1, doc="batches whose gradients are averaged for one update")
    weight_decay: float = field(0.0, minimum=0, doc="factor of the penalty on the weights")
    regularization_type: str = field("L2", choices=("L2", "L1"), doc="penalty: half the squares, or the sizes")
    clip_gradients: float = field(-1.0, minimum=-1, doc="largest norm of the gradients; -1: not clipped")
    clip_norm: str = field("global", choices=("global", "layer"), doc="the norm over all gradients, or of each layer")
    average_weights: float = field(
        0.0, minimum=0, below=1, doc="share kept by a moving average of the weights, which tests use; 0: none"
    )
    display: int = field(100, minimum=0, doc="a line of progress every so often; 0: none", unit="iterations")
    average_loss: int = field(20, minimum=1, doc="the loss shown is the mean over so many", unit="iterations")
    test_interval: int = field(
        0, minimum=0, doc="a test every so often; 0: at the start and the end", unit="iterations"
    )
    test_iter: int | dict[str, int] | None = field(
        None, minimum=1, doc="batches of a test, or of each test source by its key; default: the whole source"
    )
    test_initialization: bool = field(True, doc="test before the first iteration")
    snapshot: int = field(0, minimum=0, doc="a snapshot every so often; 0: at the end alone", unit="iterations")
    random_seed: int = field(0, minimum=0, maximum=2**53 - 1, doc="seed of all random numbers, never the clock")
    snapshot_prefix: str | None = field(None, doc="ignored: use --output")
    snapshot_format: str | None = field(None, doc="ignored: snapshots are safetensors")
    snapshot_diff: bool | None = field(None, doc="ignored: snapshots hold no gradients")
    snapshot_after_train: bool | None = field(None, doc="ignored: one is always written at the end")
    test_compute_loss: bool | None = field(None, doc="ignored: a test always computes the losses")
    layer_wise_reduce: bool | None = field(None, doc="ignored")
    solver_mode: str | None = field(None, doc="ignored: use --device")
    device_id: int | None = field(None, doc="ignored: use --device")
    debug_info: bool | None = field(None, doc="ignored: use netspec inspect")

    def problems(self) -> Iterator[Problem]:
        """Yield what the policy lacks or does not use, and what has no effect here."""
        yield from super().problems()
        yield from self._policy_problems()
        if -1 < self.clip_gradients <= 0:
            message = f"clip_gradients {self.clip_gradients:g} would leave no gradient"
            yield Problem("E504", "clip_gradients", message, "a norm above 0, or -1 for no clipping")
        if self.clip_norm != "global" and self.clip_gradients < 0:
            yield Problem(
                "W122", "clip_norm", "clip_norm has no effect: clip_gradients is off", "clip_gradients: 5", "warning"
            )
        if self.max_iter == 0 and self.lr_policy != "poly":
            yield Problem("W124", "max_iter", "max_iter is 0: `train` makes no step", "max_iter: 1000", "warning")
        for name, instead in _IGNORED.items():
            if getattr(self, name) is not None:
                yield Problem("W121", name, f"{name} is read and ignored: {instead}", f"drop {name}", "warning")

    def _policy_problems(self) -> Iterator[Problem]:
        chosen = policies.find(self.lr_policy)
        assert chosen is not None, "the choices of lr_policy are the registered ones"
        needs = chosen.needs()
        for name in needs:
            if not self._has(name):
                message = f"lr_policy {self.lr_policy} needs {name}"
                yield Problem("E620", "lr_policy", message, f"{name}: {self._example(name)}")
        for name in _POLICY_FIELDS:
            if self._has(name) and name not in needs:
                message = f"lr_policy {self.lr_policy} does not use {name}"
                takers = ", ".join(c.type_name for c in policies.registered() if name in c.needs())
                yield Problem("W122", name, message, f"drop {name}, or take a policy that does: {takers}", "warning")
        if self.gamma is not None and self.gamma < 0 and self.lr_policy != "sigmoid" and "gamma" in needs:
            yield Problem("E504", "gamma", f"gamma {self.gamma:g} is negative", "gamma: 0.1")
        if any(low >= high for low, high in zip(self.stepvalue, self.stepvalue[1:], strict=False)):
            order = ", ".join(map(str, sorted(set(self.stepvalue))))
            yield Problem("E621", "stepvalue", "stepvalue must rise", f"stepvalue: [{order}]")

        if self.lr_policy == "one_cycle" and self.stepsize and 0 < self.max_iter <= self.stepsize:
            message = f"the rate never falls: it rises for {self.stepsize} iterations, max_iter is {self.max_iter}"
            yield Problem("E504", "stepsize", message, f"stepsize: {self._example('stepsize')}")

    def _example(self, name: str) -> str:
        """A value of a field of the policies that makes sense for so many iterations."""
        whole = self.max_iter or _USUAL_ITERATIONS
        return {
            "gamma": "0.1",
            "power": "1",
            "stepsize": str(max(1, 3 * whole // 10)),
            "stepvalue": f"[{max(1, whole // 2)}, {max(2, 3 * whole // 4)}]",
            "patience": str(max(1, whole // 20)),
            "max_iter": str(whole),
        }[name]

    def _has(self, name: str) -> bool:
        return getattr(self, name) not in (None, (), 0) or (self.given(name) and name in _POLICY_FIELDS)

    def rate(self, iteration: int) -> float:
        """The learning rate of the update that follows ``iteration`` finished ones.

        ``lr_policy: plateau`` lowers it further, by what the plan itself keeps count of.
        """
        if iteration < self.warmup:
            return self.warmup_lr + (self.base_lr - self.warmup_lr) * iteration / self.warmup
        return max(self.min_lr, policies.make(self).rate(iteration))

    def corrections(self, iteration: int) -> tuple[float, float]:
        """The head's ``correction`` and ``correction2``; rules that follow moments of the gradient have their own."""
        return 1.0, 1.0

    def lower_rate(self, b: Builder, loss: Value) -> Value:
        """The rate of this update, shape (): what the host says, as the policy changes it by the loss."""
        return policies.make(self).lower_rate(b, b.scalar("rate"), loss)

    def decayed(self, b: Builder, w: Value, g: Value, decay: float) -> Value:
        """``g`` with the penalty's gradient: ``decay w`` (L2) or ``decay sign(w)`` (L1)."""
        if decay == 0:
            return g
        return g + decay * (w if self.regularization_type == "L2" else b.sign(w))

    def lower_update(self, b: Builder, w: Value, g: Value, of: Learned) -> Value:
        """The parameter's new value.

        Parameters
        ----------
        w, g
            The parameter and its gradient, averaged over ``iter_size`` and clipped.
        of
            Name, rate and decay of the parameter.
        """
        raise NotImplementedError(type(self).__name__)

    @staticmethod
    def memory(b: Builder, of: Learned, what: str, like: Value) -> Value:
        """The solver's state ``<parameter>.<what>``, shaped as ``like``, from 0."""
        return b.state_of(f"{of.name}.{what}", "solver", like.shape)
