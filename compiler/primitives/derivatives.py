"""Derivatives of expression trees: one row an operation, reverse mode over the tree.

A row gets the adjoint ``g`` of a node, the node ``y`` and its operands, and
answers the adjoint's part for each operand. Rows that can, read ``y``: where it
is a result of the map it need not be computed again.

At a kink one side is taken: ``max`` and ``min`` favour their first operand at
a tie, ``abs`` has derivative 0 at 0, ``where`` follows its condition. Nothing
flows through comparisons, logic, ``floor``, ``sign``, ``to_int``, integers,
indices and random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from runtime.expr import Expr, call, const

ZERO = const(0.0)
ONE = const(1.0)

Row = Callable[..., "tuple[Expr | None, ...]"]


def adjoints(results: Sequence[Expr], seeds: Sequence[Expr | None]) -> dict[int, Expr]:
    """d(sum of seed * result) / d(operand), by operand number, where there is one.

    Parameters
    ----------
    results
        Expressions of any dtype; only floating ones pass a gradient on.
    seeds
        The adjoint of each result, None for none.
    """
    order = list(dict.fromkeys(node for result in results for node in result.walk()))
    active = _active(order)
    found: dict[Expr, Expr] = {}
    for result, seed in zip(results, seeds, strict=True):
        if seed is not None and result in active:
            found[result] = add(found.get(result, ZERO), seed)
    for node in reversed(order):
        if node not in found or node.op not in ROWS:
            continue
        for child, part in zip(node.args, ROWS[node.op](found[node], node, *node.args), strict=True):
            if part is not None and child in active:
                found[child] = add(found.get(child, ZERO), part)
    return {n.value: g for n, g in found.items() if n.op == "arg" and g != ZERO}  # type: ignore[misc]


def _active(order: list[Expr]) -> set[Expr]:
    """Floating nodes that depend on a floating operand."""
    active: set[Expr] = set()
    for node in order:
        reads = node.op == "arg" or any(a in active for a in node.args)
        if node.dtype == "float" and reads:
            active.add(node)
    return active


def _number(x: Expr) -> float | None:
    return float(x.value) if x.op == "const" else None  # type: ignore[arg-type]


def add(a: Expr, b: Expr) -> Expr:
    """``a + b``; of two choices under one condition, the choice of the sums."""
    if a == ZERO or b == ZERO:
        return b if a == ZERO else a
    if a.op == b.op == "where" and a.args[0] == b.args[0]:
        return where(a.args[0], add(a.args[1], b.args[1]), add(a.args[2], b.args[2]))
    x, y = _number(a), _number(b)
    return call("add", a, b) if x is None or y is None else const(x + y)


def mul(g: Expr, d: Expr) -> Expr:
    """``g * d``; goes inside a choice with a zero branch, lest that branch become 0 * inf."""
    x, y = _number(g), _number(d)
    if x is not None and y is not None:
        return const(x * y + 0.0)  # 0 stays 0, not -0
    if x in (0.0, 1.0) or y in (0.0, 1.0):
        return ZERO if 0.0 in (x, y) else d if x == 1.0 else g
    return _inside(g, lambda part: mul(part, d)) or call("mul", g, d)


def div(g: Expr, d: Expr) -> Expr:
    """``g / d``, treated as ``mul``."""
    if g == ZERO or d == ONE:
        return g
    return _inside(g, lambda part: div(part, d)) or call("div", g, d)


def neg(g: Expr) -> Expr:
    """``-g``."""
    x = _number(g)
    if x is not None:
        return const(0.0 - x)  # 0 stays 0, not -0
    if g.op == "neg":
        return g.args[0]
    return _inside(g, neg) or call("neg", g)


def where(condition: Expr, a: Expr, b: Expr) -> Expr:
    """``a`` where ``condition``, else ``b``."""
    return a if a == b else call("where", condition, a, b)


def _inside(g: Expr, function: Callable[[Expr], Expr]) -> Expr | None:
    """``function``, which keeps zeros, applied to the branches of a choice that has a zero branch."""
    if g.op != "where" or ZERO not in g.args[1:]:
        return None
    return where(g.args[0], *(part if part == ZERO else function(part) for part in g.args[1:]))


def _power(x: Expr, exponent: float) -> Expr:
    if exponent == 0.0:
        return ONE
    if exponent == 1.0:
        return x
    return call("mul", x, x) if exponent == 2.0 else call("pow", x, const(exponent))


def _pow(g: Expr, y: Expr, x: Expr, n: Expr) -> tuple[Expr | None, ...]:
    """x**n; with a constant n exact at x = 0 and for negative x, so x**2 needs no logarithm."""
    exponent, base = _number(n), _number(x)
    if exponent is not None:
        return mul(mul(g, n), _power(x, exponent - 1.0)), None
    lower = where(call("eq", n, ZERO), ONE, call("sub", n, ONE))
    log_x = const(math.log(base)) if base is not None and base > 0.0 else call("log", _not_zero(x))
    return mul(mul(g, n), call("pow", x, lower)), mul(mul(g, y), log_x)


def _not_zero(x: Expr) -> Expr:
    """x, 1 where it is 0: there y log x tends to 0."""
    return where(call("eq", x, ZERO), ONE, x)


def _choose(g: Expr, first: Expr) -> tuple[Expr, Expr]:
    return where(first, g, ZERO), where(first, ZERO, g)


ROWS: dict[str, Row] = {
    "neg": lambda g, y, x: (neg(g),),
    "exp": lambda g, y, x: (mul(g, y),),
    "log": lambda g, y, x: (div(g, x),),
    "sqrt": lambda g, y, x: (div(mul(g, const(0.5)), y),),
    "rsqrt": lambda g, y, x: (mul(mul(g, const(-0.5)), call("mul", y, call("mul", y, y))),),
    "sin": lambda g, y, x: (mul(g, call("cos", x)),),
    "cos": lambda g, y, x: (neg(mul(g, call("sin", x))),),
    "tanh": lambda g, y, x: (mul(g, call("sub", ONE, call("mul", y, y))),),
    "sigmoid": lambda g, y, x: (mul(g, call("mul", y, call("sub", ONE, y))),),
    "erf": lambda g, y, x: (mul(g, mul(const(2 / math.sqrt(math.pi)), call("exp", neg(call("mul", x, x))))),),
    "abs": lambda g, y, x: (mul(g, call("sign", x)),),
    "add": lambda g, y, a, b: (g, g),
    "sub": lambda g, y, a, b: (g, neg(g)),
    "mul": lambda g, y, a, b: (mul(g, b), mul(g, a)),
    "div": lambda g, y, a, b: (div(g, b), neg(div(mul(g, y), b))),
    "pow": _pow,
    "max": lambda g, y, a, b: _choose(g, call("ge", a, b)),
    "min": lambda g, y, a, b: _choose(g, call("le", a, b)),
    "where": lambda g, y, c, a, b: (None, *_choose(g, c)),
}
