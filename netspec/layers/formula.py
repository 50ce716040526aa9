"""The formulas of Expression: text -> tree -> shape and values.

``+ - * / **``, comparisons, ``where(c, a, b) exp log sqrt sin cos tanh sigmoid
erf relu abs sign min max clip floor``, numbers and the names of bottoms. Parsed
here, never eval'ed; length and depth are limited; what has only numbers in it
is worked out while parsing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from netspec.layers.axes import times

if TYPE_CHECKING:
    from compiler.builder import Builder
    from compiler.ir import Value
    from netspec.spec.layer import Shape

MAX_LENGTH = 8192
MAX_NESTING = 64
"""Parentheses, calls and powers within each other."""
MAX_DEPTH = 200
"""Depth of the tree: a sum of n terms is n deep."""

UNARY: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "sigmoid": lambda x: 0.5 * (1 + math.tanh(0.5 * x)),
    "erf": math.erf,
    "relu": lambda x: max(x, 0.0),
    "abs": abs,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "floor": lambda x: float(math.floor(x)),
    "neg": lambda x: -x,
}
BINARY: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": math.pow,
    "min": min,
    "max": max,
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "gt": lambda a, b: float(a > b),
    "ge": lambda a, b: float(a >= b),
    "eq": lambda a, b: float(a == b),
    "ne": lambda a, b: float(a != b),
}
FUNCTIONS = {**{name: 1 for name in UNARY if name != "neg"}, "min": 2, "max": 2, "where": 3, "clip": 3}
"""Functions and how many operands each takes (``min`` and ``max``: at least)."""

SYMBOLS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "**": "pow",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "==": "eq",
    "!=": "ne",
}
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>\*\*|<=|>=|==|!=|[-+*/<>(),]))"
)


class FormulaError(ValueError):
    """A formula that cannot be read or does not fit its bottoms; ``column`` counts from 0."""

    def __init__(self, message: str, column: int = 0):
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True)
class Node:
    """A number (``op`` is ``number``), a bottom (``name``) or a function of other nodes."""

    op: str
    args: tuple[Node, ...] = ()
    value: float = 0.0
    name: str = ""
    column: int = 0
    depth: int = field(default=1, compare=False)


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parse(text: str) -> Node:
    """The tree of a formula.

    Raises
    ------
    FormulaError
        With what is wrong and where.
    """
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"the formula has {len(text)} characters, at most {MAX_LENGTH} are allowed")
    return _Parser(list(_tokens(text))).formula()


def names(node: Node) -> dict[str, int]:
    """The bottoms a formula names, in order, with the column of the first mention."""
    if node.op == "name":
        return {node.name: node.column}
    found: dict[str, int] = {}
    for arg in node.args:
        for name, column in names(arg).items():
            found.setdefault(name, column)
    return found


def shape(node: Node, shapes: Mapping[str, Shape]) -> Shape:
    """The shape of a formula over bottoms of these shapes, broadcast as NumPy does.

    Raises
    ------
    FormulaError
        For operands that do not broadcast.
    """
    if node.op == "name":
        return shapes[node.name]
    out: Shape = ()
    for arg in node.args:
        own = shape(arg, shapes)
        joined = _broadcast(out, own)
        if joined is None:
            raise FormulaError(f"shapes {times(out)} and {times(own)} do not broadcast", node.column)
        out = joined
    return out


def lower(node: Node, b: Builder, values: Mapping[str, Value]) -> Value | float:
    """The formula as operations of the builder; a number where no bottom is involved."""
    if node.op == "number":
        return node.value
    if node.op == "name":
        return values[node.name]
    args = [lower(arg, b, values) for arg in node.args]
    if node.op == "relu":
        (x,) = args
        return b.apply("where", b.apply("gt", x, 0.0), x, 0.0)
    if node.op == "where":
        condition, yes, no = args
        assert not isinstance(condition, float), "a constant condition is folded while parsing"
        mask = condition if condition.dtype == "b1" else b.not_equal(condition, 0.0)
        return b.where(mask, yes, no)
    if node.op == "pow" and isinstance(args[1], float) and args[1] in _POWERS:
        return _power(args[0], int(args[1]))
    return b.apply(node.op, *args)


_POWERS = frozenset(float(n) for n in range(1, 9))


def _power(x: Value | float, n: int) -> Value | float:
    # by squaring: exact for negative x on every device, where exp(n log x) is not
    if n == 1:
        return x
    half = _power(x, n // 2)
    return half * half * x if n % 2 else half * half


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            column = at + len(text[at:]) - len(text[at:].lstrip())
            raise FormulaError(f"{text[column]!r} has no meaning in a formula", column)
        kind = match.lastgroup or ""
        yield _Token(kind, match[kind], match.start(kind))
        at = match.end()
    yield _Token("end", "", end)


class _Parser:
    """Recursive descent; binds as Python does (``-x ** 2`` is ``-(x ** 2)``)."""

    def __init__(self, tokens: list[_Token]):
        self.tokens = tokens
        self.at = 0
        self.level = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def take(self, *symbols: str) -> _Token | None:
        token = self.token
        if token.kind == "symbol" and token.text in symbols:
            self.at += 1
            return token
        return None

    def expect(self, symbol: str) -> None:
        if self.take(symbol) is None:
            raise FormulaError(f"{symbol!r} is missing before {_shown(self.token)}", self.token.column)

    def formula(self) -> Node:
        node = self.comparison()
        if self.token.kind != "end":
            raise FormulaError(f"{_shown(self.token)} cannot stand here", self.token.column)
        return node

    def comparison(self) -> Node:
        self.level += 1
        if self.level > MAX_NESTING:
            raise FormulaError(f"the formula nests more than {MAX_NESTING} deep", self.token.column)
        left = self.sum()
        if sign := self.take(*COMPARISONS):
            left = _call(SYMBOLS[sign.text], (left, self.sum()), sign.column)
            if again := self.take(*COMPARISONS):
                raise FormulaError("comparisons do not chain; multiply two of them", again.column)
        self.level -= 1
        return left

    def sum(self) -> Node:
        left = self.product()
        while sign := self.take("+", "-"):
            left = _call(SYMBOLS[sign.text], (left, self.product()), sign.column)
        return left

    def product(self) -> Node:
        left = self.unary()
        while sign := self.take("*", "/"):
            left = _call(SYMBOLS[sign.text], (left, self.unary()), sign.column)
        return left

    def unary(self) -> Node:
        signs = []
        while sign := self.take("-", "+"):
            signs.append(sign)
        node = self.power()
        for sign in reversed(signs):
            node = _call("neg", (node,), sign.column) if sign.text == "-" else node
        return node

    def power(self) -> Node:
        base = self.atom()
        if sign := self.take("**"):
            self.level += 1
            if self.level > MAX_NESTING:
                raise FormulaError(f"the formula nests more than {MAX_NESTING} deep", sign.column)
            base = _call("pow", (base, self.unary()), sign.column)
            self.level -= 1
        return base

    def atom(self) -> Node:
        token = self.token
        self.at += 1
        if token.kind == "number":
            return _number(float(token.text), token.column)
        if token.kind == "name":
            if self.take("("):
                return self.function(token)
            return Node("name", name=token.text, column=token.column)
        if token.text == "(":
            node = self.comparison()
            self.expect(")")
            return node
        self.at -= 1
        raise FormulaError(f"a number, a bottom or a function is missing before {_shown(token)}", token.column)

    def function(self, name: _Token) -> Node:
        count = FUNCTIONS.get(name.text)
        if count is None:
            raise FormulaError(
                f"there is no function {name.text!r}; there are {', '.join(sorted(FUNCTIONS))}", name.column
            )
        args = [self.comparison()]
        while self.take(","):
            args.append(self.comparison())
        self.expect(")")
        many = name.text in ("min", "max")
        if len(args) != count and not (many and len(args) > count):
            wanted = f"{count} or more operands" if many else f"{count} operand{'s' * (count > 1)}"
            raise FormulaError(f"{name.text} takes {wanted}, got {len(args)}", name.column)
        if name.text == "clip":
            x, low, high = args
            return _call("min", (_call("max", (x, low), name.column), high), name.column)
        node = _call(name.text, tuple(args[:count]), name.column)
        for arg in args[count:]:
            node = _call(name.text, (node, arg), name.column)
        return node


def _call(op: str, args: tuple[Node, ...], column: int) -> Node:
    """A function of nodes, worked out at once where all are numbers."""
    depth = 1 + max(a.depth for a in args)
    if depth > MAX_DEPTH:
        raise FormulaError(f"the formula nests more than {MAX_DEPTH} deep", column)
    if op == "where" and args[0].op == "number":
        return args[1] if args[0].value else args[2]
    if op == "where" or any(a.op != "number" for a in args):
        return Node(op, args, column=column, depth=depth)
    numbers = [a.value for a in args]
    try:
        value = UNARY[op](*numbers) if op in UNARY else BINARY[op](*numbers)
    except (ArithmeticError, ValueError) as why:
        raise FormulaError(f"{op} of {' and '.join(f'{n:g}' for n in numbers)}: {why}", column) from why
    return _number(value, column)


def _number(value: float, column: int) -> Node:
    if not math.isfinite(value):
        raise FormulaError("a number is too large", column)
    return Node("number", value=value, column=column)


def _shown(token: _Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text)


def _broadcast(a: Shape, b: Shape) -> Shape | None:
    rank = max(len(a), len(b))
    wide_a, wide_b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    if any(m != n and 1 not in (m, n) for m, n in zip(wide_a, wide_b, strict=True)):
        return None
    return tuple(n if m == 1 else m for m, n in zip(wide_a, wide_b, strict=True))
