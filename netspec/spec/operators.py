"""What the operators and functions of expressions do to values; all of it bounded and exact where it can be."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping as Environment
from fractions import Fraction

from netspec.spec import scalars
from netspec.spec.diagnostics import did_you_mean
from netspec.spec.grammar import Binary, Call, Compare, Constant, If, Item, Name, Tree, Unary
from netspec.spec.nodes import Mapping, Scalar, Sequence, in_text, to_value

Number = int | Fraction | float
LIMIT = 2**63
_DECLARED = ("classes", "words")
"""Variables that data sources declare where they know them."""


class ValueProblem(Exception):
    """A value that an operator cannot take; ``tree`` is the part of the expression it belongs to."""

    def __init__(self, message: str, tree: Tree, code: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.tree, self.code, self.hint = message, tree, code, hint


def kind(value: object) -> str:
    """Return what a value is, in words: ``a list``, ``the number 3``."""
    if isinstance(value, Scalar | Sequence | Mapping):
        value = to_value(value)
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the boolean {in_text(value)}"
    if isinstance(value, int | float | Fraction):
        return f"the number {in_text(value)}"
    if isinstance(value, str):
        return f"the text `{value}`"
    return "a mapping" if isinstance(value, dict) else "a list"


def evaluate(tree: Tree, env: Environment[str, object]) -> object:
    """Return the value of an expression; the depth of trees is bounded by the grammar."""
    if isinstance(tree, Name):
        return _lookup(tree, env)
    return _value(tree, env)


def _lookup(tree: Name, env: Environment[str, object]) -> object:
    if tree.name in env:
        return env[tree.name]
    hint = did_you_mean(tree.name, env)
    if hint is None:
        known = sorted(env)[:12]
        hint = f"known here: {', '.join(known)}" if known else "no variable is known here; `vars` defines them"
    if tree.name in _DECLARED:
        hint = f"the data do not say how many: `{tree.name}: 10` among the keys of the source, or in `vars`"
    raise ValueProblem(f"unknown variable `{tree.name}`", tree, "E202", hint)


def _value(tree: Tree, env: Environment[str, object]) -> object:
    """Return a value to compute with: nodes as plain data, decimals exact."""
    match tree:
        case Constant():
            return tree.value
        case Name():
            return _exact(_lookup(tree, env))
        case Unary():
            return _unary(tree, env)
        case Binary():
            return _binary(tree, env)
        case Compare():
            return _compare(tree, env)
        case If():
            chosen = tree.a if _boolean(tree.condition, env) else tree.b
            return evaluate(chosen, env)
        case Call():
            return _call(tree, env)
        case Item():
            return _item(tree, env)
    raise AssertionError(tree)


def _exact(value: object) -> object:
    if isinstance(value, Scalar | Sequence | Mapping):
        value = to_value(value)
    if isinstance(value, float) and math.isfinite(value) and (value == 0 or 1e-18 <= abs(value) <= 1e18):
        # the decimal as written, not the nearest binary fraction: 10 * 0.7 is then 7
        return _normal(Fraction(repr(value)))
    return value


def _normal(value: Number) -> Number:
    """Return a whole fraction as int, one too fine to stay exact as float."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return value.numerator
        if value.denominator > LIMIT:
            return float(value)
    return value


def _number(tree: Tree, env: Environment[str, object]) -> Number:
    value = _exact(evaluate(tree, env))
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        hint = None
        if isinstance(value, str) and _reads_as_number(value):
            hint = "it is text because it is quoted where it is defined"
        raise ValueProblem(f"a number is due, got {kind(value)}", tree, "E203", hint)
    return value


def _reads_as_number(text: str) -> bool:
    return _is_number(scalars.resolve(text))


def _boolean(tree: Tree, env: Environment[str, object]) -> bool:
    value = _exact(evaluate(tree, env))
    if not isinstance(value, bool):
        hint = "compare it: `x > 0`" if isinstance(value, int | float | Fraction) else None
        raise ValueProblem(f"true or false is due, got {kind(value)}", tree, "E203", hint)
    return value


def _unary(tree: Unary, env: Environment[str, object]) -> object:
    if tree.op == "not":
        return not _boolean(tree.x, env)
    x = _number(tree.x, env)
    return -x if tree.op == "-" else x


def _binary(tree: Binary, env: Environment[str, object]) -> object:
    if tree.op in ("and", "or"):
        a = _boolean(tree.a, env)
        return a if a == (tree.op == "or") else _boolean(tree.b, env)
    x, y = _number(tree.a, env), _number(tree.b, env)
    if y == 0 and tree.op in ("/", "//", "%"):
        raise ValueProblem("division by zero", tree, "E205")
    return _bounded(_ARITHMETIC[tree.op](x, y), tree)


def _divide(x: Number, y: Number) -> Number:
    return x / y if isinstance(x, float) or isinstance(y, float) else Fraction(x) / Fraction(y)


_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": _divide,
    "//": lambda x, y: x // y,
    "%": lambda x, y: x % y,
}


def _bounded(value: Number, tree: Tree) -> Number:
    """Refuse what no size or count can be; every operand was bounded, so one operation stays cheap."""
    if not -LIMIT < value < LIMIT:  # nan too
        raise ValueProblem("the result is beyond 2^63", tree, "E204", "no size, count or rate is that large")
    return _normal(value)


def _compare(tree: Compare, env: Environment[str, object]) -> bool:
    x, left = _exact(evaluate(tree.first_operand, env)), tree.first_operand
    for op, right in tree.rest:
        y = _exact(evaluate(right, env))
        if not _holds(op, x, y, tree, left, right):
            return False
        x, left = y, right
    return True


def _holds(op: str, x: object, y: object, tree: Tree, left: Tree, right: Tree) -> bool:
    both_numbers = _is_number(x) and _is_number(y)
    if op in ("==", "!="):
        if not (both_numbers or (type(x) is type(y) and isinstance(x, bool | str))):
            raise ValueProblem(f"{kind(x)} and {kind(y)} cannot be compared", tree, "E203")
        return (x == y) == (op == "==")
    for value, side in ((x, left), (y, right)):
        if not _is_number(value):
            why = "texts are compared with `==` and `!=` alone" if isinstance(value, str) else None
            raise ValueProblem(f"a number is due, got {kind(value)}", side, "E203", why)
    assert isinstance(x, int | float | Fraction)
    assert isinstance(y, int | float | Fraction)
    return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[op]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def _call(tree: Call, env: Environment[str, object]) -> object:
    if tree.function == "len":
        value = _exact(evaluate(tree.arguments[0], env))
        if not isinstance(value, list | tuple | dict):
            raise ValueProblem(f"a list or a mapping is due, got {kind(value)}", tree.arguments[0], "E203")
        return len(value)
    numbers = [_number(argument, env) for argument in tree.arguments]
    if tree.function == "sqrt":
        return _sqrt(numbers[0], tree)
    if tree.function == "log2":
        return _log2(numbers[0], tree)
    if tree.function in ("floor", "ceil", "round") and not math.isfinite(numbers[0]):
        raise ValueProblem(f"a finite number is due, got {kind(numbers[0])}", tree.arguments[0], "E203")
    return _bounded(_FUNCTIONS[tree.function](*numbers), tree)


_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "min": lambda *xs: min(xs),
    "max": lambda *xs: max(xs),
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
}


def _sqrt(x: Number, tree: Call) -> Number:
    if x < 0:
        raise ValueProblem(f"the root of {in_text(x)} is not a number", tree, "E203")
    if not isinstance(x, float):
        up, down = math.isqrt(x.numerator), math.isqrt(x.denominator)
        if up * up == x.numerator and down * down == x.denominator:
            return _normal(Fraction(up, down))
    return _bounded(math.sqrt(x), tree)


def _log2(x: Number, tree: Call) -> Number:
    if x <= 0:
        raise ValueProblem(f"the logarithm of {in_text(x)} is not a number", tree, "E203")
    if isinstance(x, int) and x & (x - 1) == 0:
        return x.bit_length() - 1
    return _bounded(math.log2(x), tree)


def _item(tree: Item, env: Environment[str, object]) -> object:
    mapping = evaluate(tree.mapping, env)
    if isinstance(mapping, Scalar | Sequence | Mapping):
        mapping = to_value(mapping)
    if not isinstance(mapping, dict):
        hint = "`each` walks over lists" if isinstance(mapping, list | tuple) else None
        raise ValueProblem(f"a mapping is due before the bracket, got {kind(mapping)}", tree.mapping, "E203", hint)
    key = _exact(evaluate(tree.key, env))
    for candidate, value in mapping.items():
        if _same_key(_exact(candidate), key):
            return value
    known = ", ".join(in_text(k) for k in list(mapping)[:12]) or "none"
    raise ValueProblem(f"the mapping has no key {in_text(key)}", tree.key, "E209", f"its keys are {known}")


def _same_key(a: object, b: object) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool) and isinstance(a, str) == isinstance(b, str)
