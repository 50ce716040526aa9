"""Where the primitives' rules are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from runtime.ops import Primitive, Shape

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Op, Value

Typed = tuple[Shape, str]


class Rule:
    """What the compiler knows of one primitive."""

    no_gradient: ClassVar[str] = ""
    """Why there is no gradient; empty where there is one."""

    def infer(self, prim: Any, *inputs: Value) -> list[Typed]:
        """(shape, dtype) of each result; ValueError if the operands do not fit."""
        raise NotImplementedError

    def grad(self, b: Builder, op: Op, *dys: Value | None) -> list[Value | None]:
        """Gradient for each operand, given those of the results (None: no one asked)."""
        raise NotImplementedError(self.no_gradient)

    def flops(self, op: Op) -> int:
        """Arithmetic operations, 2 for a multiply-add."""
        raise NotImplementedError


class Movement(Rule):
    """The base for primitives that put elements elsewhere and compute nothing."""

    def flops(self, op: Op) -> int:
        """None at all: 0."""
        return 0


_rules: dict[type[Primitive], Rule] = {}
R = TypeVar("R", bound=type[Rule])


def register(prim: type[Primitive]) -> Callable[[R], R]:
    """Class decorator: this is the rule of ``prim``."""

    def add(cls: R) -> R:
        _rules[prim] = cls()
        return cls

    return add


def rule(prim: Primitive) -> Rule:
    """The rule of a primitive."""
    return _rules[type(prim)]
