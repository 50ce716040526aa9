"""Is the gradient right? Centred differences in float64 against the compiled backward steps.

For an element x of a parameter or an input, with f the weighted sum of losses,

    d = (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12h

is compared with the compiled gradient g, of the backward steps or by forward
mode along single elements. The relative error is
|d - g| / max(|d|, |g|, r), where r is the root mean square of g over the
elements compared, at least `FLOOR` times the loss: below that, rounding of f is all
that d shows.

A kink (a ReLU at zero, a maximum that changes hands) within 2h makes d
meaningless. The fourth difference of f, which vanishes with h^4 for a smooth
f, shows one. Where d and g differ, smaller steps are tried, as far as rounding
allows; an element with a kink within the smallest is skipped and counted.

Source: Caffe's ``GradientChecker`` (centred differences, a zone around kinks).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from netspec.compiling import compile_spec
from netspec.mappings import Array
from netspec.net import Net
from netspec.reports import tables
from netspec.reports.batches import random_batch
from netspec.tangents import Tangents
from runtime.errors import UsageError

if TYPE_CHECKING:
    from netspec.spec.load import Spec

Mode = Literal["reverse", "forward"]
Slopes = Callable[[list[tuple[int, ...]]], list[float]]

STEP = 1e-5
"""h, relative to max(1, |x|): truncation h^4, rounding 1e-16 f / h."""

SHRINK = (1, 16, 256)
"""h is divided by these, one after another, while d and g differ: a deep net has a kink within any h."""

FLOOR = 1e-4
"""Of the loss: gradients far below it drown in the rounding of f (16 eps f / h = 4e-10 f)."""

TOLERANCE = 1e-5
"""Of the relative error; times ``FLOOR`` this is 1e-9 of the loss, above the rounding of d."""

MOST_SKIPPED = 0.9
"""A tensor of whose elements more are skipped has not been checked."""


@dataclass(frozen=True)
class Check:
    """The check of one tensor.

    Attributes
    ----------
    elements
        Elements compared.
    skipped_kinks
        Elements next to a kink, not compared.
    worst
        Index, difference quotient and compiled gradient of the worst element.
    """

    name: str
    kind: Literal["param", "input"]
    max_relative_error: float
    elements: int
    skipped_kinks: int
    worst: tuple[tuple[int, ...], float, float] | None = None

    def verdict(self, tolerance: float) -> str:
        """``ok``, ``wrong``, or ``kinks`` where too few elements could be compared."""
        if not self.max_relative_error <= tolerance:  # NaN too
            return "wrong"
        skipped = self.skipped_kinks / max(1, self.elements + self.skipped_kinks)
        return "kinks" if skipped > MOST_SKIPPED else "ok"

    def passed(self, tolerance: float) -> bool:
        """Whether the error is small and enough elements were compared."""
        return self.verdict(tolerance) == "ok"


@dataclass(frozen=True)
class GradCheck:
    """What ``netspec gradcheck`` tells."""

    checks: tuple[Check, ...]
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether every tensor passed."""
        return all(check.passed(self.tolerance) for check in self.checks)

    @property
    def max_relative_error(self) -> float:
        """The largest of all."""
        return max((check.max_relative_error for check in self.checks), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document of ``netspec gradcheck``."""
        return {
            "passed": self.passed,
            "max_relative_error": _number(self.max_relative_error),
            "checks": [
                {
                    "name": check.name,
                    "kind": check.kind,
                    "max_relative_error": _number(check.max_relative_error),
                    "elements": check.elements,
                    "skipped_kinks": check.skipped_kinks,
                }
                for check in self.checks
            ],
        }

    def to_text(self, width: int | None = None) -> str:
        """Return the table that the command prints."""
        rows = [
            (
                check.verdict(self.tolerance),
                check.name,
                check.kind,
                f"{check.max_relative_error:.1e}",
                str(check.elements),
                str(check.skipped_kinks),
            )
            for check in self.checks
        ]
        columns = ("", "tensor", "kind", "error", "elements", "at kinks")
        lines = [
            f"{check.name}{list(at)}: difference quotient {d:.9g}, compiled gradient {g:.9g}"
            for check in self.checks
            if not check.passed(self.tolerance) and check.worst is not None
            for at, d, g in [check.worst]
        ]
        verdict = "passed" if self.passed else "failed"
        summary = f"{verdict}: largest relative error {self.max_relative_error:.1e}, limit {self.tolerance:.0e}"
        return tables.text(tables.table(columns, rows, right=(3, 4, 5)), *lines, summary, width=width)


def _number(x: float) -> float | str:
    return x if np.isfinite(x) else str(x)


def gradcheck(
    spec: Spec,
    batch: int | None = None,
    samples: int = 64,
    device: str = "cpu",
    threads: int | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    mode: Mode = "reverse",
) -> GradCheck:
    """Checks the gradients of a spec's training net at random inputs.

    Parameters
    ----------
    batch
        Samples a batch; at most 4 of the phase's if None: a large batch meets more kinks.
    samples
        Elements a tensor, drawn at random; all of a smaller one.
    mode
        The gradients of the backward steps, or directional derivatives along single elements.

    Raises
    ------
    UsageError
        If the net has no loss.
    """
    if batch is None:
        batch = min(4, spec.net("train").batch)
    inputs = [name for name, given in spec.net("train", batch=batch).inputs.items() if given.kind == "float"]
    net = compile_spec(spec, "train", batch, device, "float64", seed, threads, keep=inputs)
    try:
        return gradcheck_net(net, samples, seed, tolerance, mode)
    finally:
        net.close()


def gradcheck_net(
    net: Net, samples: int = 64, seed: int = 0, tolerance: float = TOLERANCE, mode: Mode = "reverse"
) -> GradCheck:
    """Checks a compiled float64 net whose float inputs are kept.

    Raises
    ------
    UsageError
        The net has no loss.
    """
    if net.plan.loss is None:
        raise UsageError("gradcheck needs a loss; no layer of this net is one")
    rng = np.random.default_rng(seed)
    batch = random_batch(net.resolved, rng)
    net.forward(**batch)
    net.backward()
    slopes: dict[str, Slopes] = {name: _backward(net.param_grads[name]) for name in net.param_grads}
    slopes |= {name: _backward(net.blob_grads[name]) for name in net.blob_grads if name in batch}
    arrays = {name: batch[name] if name in batch else net.executor.array(net.states[name].view) for name in slopes}
    loss = _Loss(net, batch)
    checks = []
    for name, array in arrays.items():
        kind: Literal["param", "input"] = "input" if name in batch else "param"
        chosen = rng.choice(array.size, min(samples, array.size), replace=False)
        at = [tuple(int(i) for i in np.unravel_index(flat, array.shape)) for flat in chosen]
        found = slopes[name](at) if mode == "reverse" else _forward(net, name, batch)(at)
        checks.append(_check(name, kind, array, at, found, loss))
    return GradCheck(tuple(checks), tolerance)


def _backward(gradient: Array) -> Slopes:
    """The compiled gradient at given places."""
    return lambda at: [float(gradient[place]) for place in at]


def _forward(net: Net, name: str, batch: dict[str, Array]) -> Slopes:
    """The weighted sum of losses along single elements, by forward mode."""

    def slopes(at: list[tuple[int, ...]]) -> list[float]:
        with closing(Tangents(net, (name,))) as tangents:
            found = []
            for place in at:
                along = np.zeros(tangents.shapes[name])
                along[place] = 1.0
                found.append(float(tangents.loss_slope({name: along}, batch)))
            return found

    return slopes


class _Loss:
    """The loss as a function of the arrays it is given to change."""

    def __init__(self, net: Net, batch: dict[str, Array]) -> None:
        self.net, self.batch = net, batch

    def __call__(self) -> float:
        self.net.executor.store.changed()  # `around` writes into it: packed weights are made anew
        self.net.forward(**self.batch)
        assert self.net.plan.loss is not None
        return float(self.net.executor.array(self.net.plan.loss))

    def around(self, array: Array, at: tuple[int, ...], h: float, offsets: Collection[int]) -> dict[int, float]:
        """The loss with element ``at`` moved by each of ``offsets`` times h."""
        before = array[at]
        found = {}
        for k in offsets:
            array[at] = before + k * h
            found[k] = self()
        array[at] = before
        return found


def _check(
    name: str,
    kind: Literal["param", "input"],
    array: Array,
    places: list[tuple[int, ...]],
    slopes: list[float],
    loss: _Loss,
) -> Check:
    scale = max(float(np.sqrt(np.mean(np.square(slopes)))) if slopes else 0.0, FLOOR * abs(loss()))
    worst: tuple[tuple[int, ...], float, float] | None = None
    largest, compared, skipped = 0.0, 0, 0
    for at, slope in zip(places, slopes, strict=True):
        d, g = quotient(loss, array, at, slope, scale)
        if d is None:
            skipped += 1
            continue
        compared += 1
        error = abs(d - g) / (max(abs(d), abs(g), scale) or 1.0)  # a loss that is 0 all around has no scale
        if not error <= largest:  # NaN too
            largest, worst = error, (at, d, g)
    return Check(name, kind, largest, compared, skipped, worst)


def quotient(loss: _Loss, array: Array, at: tuple[int, ...], g: float, scale: float) -> tuple[float | None, float]:
    """The difference quotient at one element, None next to a kink; and the compiled gradient g."""
    result: float | None = None
    for shrink in SHRINK:
        h = STEP / shrink * max(1.0, abs(float(array[at])))
        f = loss.around(array, at, h, (-2, -1, 0, 1, 2))
        d = (8 * (f[1] - f[-1]) - (f[2] - f[-2])) / (12 * h)
        limit = TOLERANCE * max(abs(d), abs(g), scale)
        noise = 16 * np.finfo(np.float64).eps * abs(f[0]) / h
        if abs(d - g) <= limit:
            return d, g
        if shrink > 1 and noise > limit:
            break
        fourth = abs(f[2] - 4 * f[1] + 6 * f[0] - 4 * f[-1] + f[-2]) / h
        kink = fourth > max(limit, 4 * noise) and abs(d - g) <= 2 * fourth  # a kink explains no more than that
        result = None if kink else d
    return result, g
