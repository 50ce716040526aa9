"""The base of every learning-rate policy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from math import cos, pi
from typing import TYPE_CHECKING, ClassVar, TypeVar

from netspec.spec.registry import POLICIES

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.solvers.base import Solver


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The learning rate as a function of the iteration.

    The fields are those of the solver with the same names; those without a default
    must be given there.
    """

    type_name: ClassVar[str] = ""
    """What ``lr_policy`` says."""

    base_lr: float

    def rate(self, iteration: int) -> float:
        """The rate of the update that follows ``iteration`` finished ones."""
        raise NotImplementedError

    @classmethod
    @functools.cache
    def needs(cls) -> tuple[str, ...]:
        """The solver's fields that this policy reads, ``base_lr`` aside."""
        return tuple(f.name for f in fields(cls) if f.name != "base_lr" and f.default is MISSING)

    @classmethod
    @functools.cache  # asked in every step
    def reads(cls) -> tuple[str, ...]:
        """The solver's fields that this policy reads, needed or not."""
        return tuple(f.name for f in fields(cls))

    def lower_rate(self, b: Builder, rate: Value, loss: Value) -> Value:
        """What becomes of the rate by the loss of the step; both have shape ()."""
        return rate


P = TypeVar("P", bound=type[Policy])


def policy(name: str) -> Callable[[P], P]:
    """Class decorator: register a policy under the name in ``lr_policy``."""

    def add(cls: P) -> P:
        POLICIES.register(cls, name)  # type: ignore[arg-type]  # no Entry: its fields are the solver's
        return cls

    return add


def find(name: str) -> type[Policy] | None:
    """The policy called ``name`` in any case, None if there is none."""
    return POLICIES.get(name)  # type: ignore[return-value]


def registered() -> list[type[Policy]]:
    """Every policy, sorted by name."""
    return list(POLICIES)  # type: ignore[arg-type]


def make(solver: Solver) -> Policy:
    """The policy that a checked solver asks for, with the solver's numbers."""
    cls = find(solver.lr_policy)
    assert cls is not None, "the solver was not checked"
    return cls(**{name: getattr(solver, name) for name in cls.reads()})


def half_wave(high: float, low: float, part: float) -> float:
    """From ``high`` to ``low`` along half a cosine, ``part`` of the way; from 1 on ``low``."""
    return low + (high - low) / 2 * (1 + cos(pi * min(1.0, part)))


def power(base: float, exponent: float) -> float:
    """``base ** exponent``; inf where Python raises OverflowError."""
    try:
        return float(base**exponent)
    except OverflowError:
        return float("inf")
